"""What ran out of room, who waited for it, and what did the waiting go to?

timeline notebook capacity_and_queues --db timeline.duckdb
python notebooks/capacity_and_queues.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Capacity and queues")

with app.setup:
    import marimo as mo

    from timeline.api import Timeline
    from timeline.drawn.capacity import Capacity
    from timeline.pages import board, capacity_chart, capacity_words, opening
    from timeline.pages.display import safe_answer, safe_dropdown, safe_links, safe_notes, safe_table, safe_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What ran out of room, and what did the waiting go to?
    """)
    return


@app.cell(hide_code=True)
def inputs():
    given: opening.Given = opening.given(mo.cli_args().to_dict(), mo.query_params().to_dict())
    return (given,)


@app.cell(hide_code=True)
def opened_log(given: opening.Given):
    opened: opening.Opening = opening.opening(given)
    mo.stop(bool(opened.says), safe_answer(opened.says))
    log: Timeline = opened.log
    return log, opened


@app.cell(hide_code=True)
def measured(log: Timeline, opened: opening.Opening, run_choice):
    measure: Capacity = log.capacity(run_choice.value, opened.asked.as_of_us)
    safe_answer(capacity_words.answer(measure))
    return (measure,)


@app.cell(hide_code=True)
def noted(opened: opening.Opening):
    safe_notes(opened.asked.notes)
    return


@app.cell(hide_code=True)
def choose_run(opened: opening.Opening):
    run_choice = safe_dropdown(opened.runs, opened.asked.run, label="Run")
    run_choice if len(opened.runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def choose_kind(measure: Capacity, opened: opening.Opening):
    kind_choice = safe_dropdown(measure.workloads, capacity_words.kind_of(measure, opened.asked.name), label="What waits")
    kind_choice if len(measure.workloads) > 1 else None
    return (kind_choice,)


@app.cell(hide_code=True)
def room_and_waits(kind_choice, measure: Capacity):
    mo.stop(measure.pools.is_empty() and measure.waiting.is_empty(), safe_text(capacity_words.NOTHING))
    capacity_chart.pools_and_waits(measure, kind_choice.value)
    return


@app.cell(hide_code=True)
def pools(measure: Capacity):
    mo.stop(measure.pools.is_empty())
    mo.vstack([mo.md("## Every pool, the fullest first"), safe_table(capacity_words.POOL_HEADINGS, capacity_words.pool_rows(measure))])
    return


@app.cell(hide_code=True)
def reasons(kind_choice, measure: Capacity):
    mo.stop(measure.reasons.is_empty())
    mo.vstack(
        [
            mo.md("## Where the waiting went, summed by reason"),
            capacity_chart.sums(measure, kind_choice.value),
            safe_table(capacity_words.WAIT_HEADINGS, capacity_words.wait_rows(measure, kind_choice.value)),
        ]
    )
    return


@app.cell(hide_code=True)
def choose_workload(kind_choice, measure: Capacity, opened: opening.Opening):
    workloads = capacity_words.workloads(measure, kind_choice.value, opened.asked.name)
    mo.stop(not workloads)
    workload_choice = safe_dropdown(workloads, opened.asked.name, label="Workload")
    mo.vstack(
        [
            mo.md("## Who waited longest"),
            safe_table(capacity_words.LONGEST_HEADINGS, capacity_words.longest_rows(measure, kind_choice.value)),
            workload_choice,
        ]
    )
    return (workload_choice,)


@app.cell(hide_code=True)
def one_workload(log: Timeline, run_choice, workload_choice):
    why = log.why(workload_choice.value, run_choice.value)
    mo.vstack(
        [
            safe_text(capacity_words.life(why), "answer"),
            safe_table(capacity_words.PART_HEADINGS, capacity_words.part_rows(why)),
            safe_links(capacity_words.links(why)),
        ]
    )
    return


@app.cell(hide_code=True)
def findings(log: Timeline, run_choice):
    found = board.found(log.detect(run=run_choice.value))
    mo.stop(not found, safe_text("Every detector that could judge this run is silent."))
    mo.vstack([mo.md("## What is found in this run, such as room that nobody uses"), safe_table(board.HEADINGS, map(board.row, found))])
    return


if __name__ == "__main__":
    app.run()
