"""What ran out of room, who waited for it, and what did the waiting go to?

timeline notebook capacity_and_queues --db timeline.duckdb
python notebooks/capacity_and_queues.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Capacity and queues")

with app.setup:
    import os
    from pathlib import Path

    import marimo as mo

    import timeline
    from timeline import board, capacity_chart, capacity_words
    from timeline.display import safe_label, safe_lines, safe_table, safe_text
    from timeline.landing import land
    from timeline.terminal import print_line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What ran out of room, and what did the waiting go to?
    """)
    return


@app.cell(hide_code=True)
def inputs():
    database = str(mo.cli_args().get("db") or os.environ.get("TIMELINE_DB", "timeline.duckdb"))
    address = mo.query_params().to_dict()
    return address, database


@app.cell(hide_code=True)
def opened(address, database):
    mo.stop(
        not Path(database).is_file(),
        safe_text(f"There is no database at {database}. Load a log with: timeline ingest FILE --db {database}", "answer"),
    )
    log = timeline.open(database)
    runs = log.runs()["run_id"].to_list()
    mo.stop(
        not runs,
        safe_text(f"The database {database} holds no event yet. Load a log with: timeline ingest FILE --db {database}", "answer"),
    )
    landing = land(log, address)
    safe_lines(landing.notices) if landing.notices else None
    return landing, log, runs


@app.cell(hide_code=True)
def choose_run(landing, runs):
    run_choice = mo.ui.dropdown({safe_label(run): run for run in runs}, value=safe_label(landing.run), label="Run", searchable=True)
    run_choice if len(runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def measured(landing, log, run_choice):
    measure = log.capacity(run_choice.value, landing.at_us)
    if mo.app_meta().mode == "script":
        print_line(capacity_words.answer(measure))
    safe_text(capacity_words.answer(measure), "answer")
    return (measure,)


@app.cell(hide_code=True)
def choose_kind(landing, measure):
    asked = capacity_words.kind_of(measure, landing.object)
    kind_choice = mo.ui.dropdown(
        {safe_label(kind): kind for kind in measure.workloads}, value=asked and safe_label(asked), label="What waits"
    )
    kind_choice if len(measure.workloads) > 1 else None
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
def choose_workload(kind_choice, landing, measure):
    longest = capacity_words.workloads(measure, kind_choice.value, landing.object)
    mo.stop(not longest)
    workload_choice = mo.ui.dropdown(
        {safe_label(name): name for name in longest}, value=safe_label(longest[0]), label="Workload", searchable=True
    )
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
    mo.vstack([safe_text(capacity_words.life(why), "answer"), safe_table(capacity_words.PART_HEADINGS, capacity_words.part_rows(why))])
    return


@app.cell(hide_code=True)
def findings(log, run_choice):
    found = board.found(log.detect(run=run_choice.value))
    mo.stop(not found, safe_text("Every detector that could judge this run is silent."))
    mo.vstack([mo.md("## What is found in this run, such as room that nobody uses"), safe_table(board.HEADINGS, map(board.row, found))])
    return


if __name__ == "__main__":
    app.run()
