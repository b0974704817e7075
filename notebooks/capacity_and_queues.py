"""What ran out of room, who waited for it, and what did the waiting go to?

timeline notebook capacity_and_queues --db timeline.duckdb
python notebooks/capacity_and_queues.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Capacity and queues")

with app.setup:
    import marimo as mo

    from timeline.links import place_of
    from timeline.pages import board, capacity_chart, capacity_words, opening
    from timeline.pages.display import label_of, safe_links, safe_notes, safe_options, safe_table, safe_text
    from timeline.terminal import print_line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What ran out of room, and what did the waiting go to?
    """)
    return


@app.cell(hide_code=True)
def inputs():
    database = opening.database_of(mo.cli_args().to_dict())
    return (database,)


@app.cell(hide_code=True)
def address():
    place = place_of({**mo.cli_args().to_dict(), **mo.query_params().to_dict()})
    return (place,)


@app.cell(hide_code=True)
def opened_log(database, place):
    opened = opening.opening(database)
    mo.stop(opened.log is None, safe_text(opened.says, "answer"))
    log = opened.log
    asked = opening.asked_of(opened, place)
    asked_name = f"{asked.kind}/{asked.id}" if asked.id else None
    return asked, asked_name, log, opened


@app.cell(hide_code=True)
def measured(asked, log, run_choice):
    measure = log.capacity(run_choice.value, asked.as_of_us)
    if mo.app_meta().mode == "script":
        print_line(capacity_words.answer(measure))
    safe_text(capacity_words.answer(measure), "answer")
    return (measure,)


@app.cell(hide_code=True)
def noted(asked):
    safe_notes(asked.notes)
    return


@app.cell(hide_code=True)
def choose_run(asked, opened):
    runs = safe_options(opened.runs)
    run_choice = mo.ui.dropdown(runs, value=label_of(runs, asked.run), label="Run", searchable=True)
    run_choice if len(runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def choose_kind(asked_name, measure):
    kinds = safe_options(measure.workloads)
    kind_choice = mo.ui.dropdown(kinds, value=label_of(kinds, capacity_words.kind_of(measure, asked_name)), label="What waits")
    kind_choice if len(kinds) > 1 else None
    return (kind_choice,)


@app.cell(hide_code=True)
def room_and_waits(kind_choice, measure):
    mo.stop(measure.pools.is_empty() and measure.waiting.is_empty(), safe_text(capacity_words.NOTHING))
    capacity_chart.pools_and_waits(measure, kind_choice.value)
    return


@app.cell(hide_code=True)
def pools(measure):
    mo.stop(measure.pools.is_empty())
    mo.vstack([mo.md("## Every pool, the fullest first"), safe_table(capacity_words.POOL_HEADINGS, capacity_words.pool_rows(measure))])
    return


@app.cell(hide_code=True)
def reasons(kind_choice, measure):
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
def choose_workload(asked_name, kind_choice, measure):
    workloads = safe_options(capacity_words.workloads(measure, kind_choice.value, asked_name))
    mo.stop(not workloads)
    workload_choice = mo.ui.dropdown(workloads, value=label_of(workloads, asked_name), label="Workload", searchable=True)
    mo.vstack(
        [
            mo.md("## Who waited longest"),
            safe_table(capacity_words.LONGEST_HEADINGS, capacity_words.longest_rows(measure, kind_choice.value)),
            workload_choice,
        ]
    )
    return (workload_choice,)


@app.cell(hide_code=True)
def one_workload(log, run_choice, workload_choice):
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
def findings(log, run_choice):
    found = board.found(log.detect(run=run_choice.value))
    mo.stop(not found, safe_text("Every detector that could judge this run is silent."))
    mo.vstack([mo.md("## What is found in this run, such as room that nobody uses"), safe_table(board.HEADINGS, map(board.row, found))])
    return


if __name__ == "__main__":
    app.run()
