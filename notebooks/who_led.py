"""Who led, who swept, who was there, and when did nobody?

timeline notebook who_led --db timeline.duckdb
python notebooks/who_led.py --db timeline.duckdb --run RUN
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Who led")

with app.setup:
    import marimo as mo

    from timeline.links import place_of
    from timeline.pages import charts, led, opening, told
    from timeline.pages.display import label_of, safe_chart, safe_links, safe_notes, safe_options, safe_table, safe_text
    from timeline.terminal import print_line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who led?
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
    if opened.says and mo.app_meta().mode == "script":
        print_line(opened.says)
    mo.stop(opened.log is None, safe_text(opened.says, "answer"))
    log = opened.log
    asked = opening.asked_of(opened, place)
    return asked, log, opened


@app.cell(hide_code=True)
def answered(log, run_choice):
    whole = log.led(run_choice.value)
    if mo.app_meta().mode == "script":
        print_line(led.answer(whole))
    safe_text(led.answer(whole), "answer")
    return (whole,)


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
def choose_stretch(log, run_choice):
    bounds = told.bounds(log.runs(), run_choice.value)
    range_chart = safe_chart(charts.overview(log.activity(run_choice.value), bounds, "container"))
    mo.vstack([safe_text("When decisions were taken; brush a stretch to see it large, click beside it to see all.", "faint"), range_chart])
    return bounds, range_chart


@app.cell(hide_code=True)
def lanes(bounds, log, range_chart, run_choice, whole):
    window_us = told.window_of(range_chart.selections, bounds)
    stretch = whole if window_us is None else log.led(run_choice.value, window_us)
    mo.stop(stretch.lanes.lanes.is_empty(), safe_text("Nothing is there to draw in this stretch of the log."))
    charts.swim_lanes(stretch.lanes, "container", led.leads(stretch), led.TITLE)
    return


@app.cell(hide_code=True)
def leaderships(whole):
    mo.vstack([mo.md("## Leaderships"), safe_table(led.LEADERSHIPS, led.leaderships(whole))]) if led.leaderships(whole) else None
    return


@app.cell(hide_code=True)
def loops(whole):
    mo.vstack([mo.md("## Loops that promise to sweep"), safe_table(led.LOOPS, led.loops(whole))]) if led.loops(whole) else None
    return


@app.cell(hide_code=True)
def incarnations(whole):
    mo.vstack([mo.md("## Incarnations"), safe_table(led.INCARNATIONS, led.incarnations(whole))])
    return


@app.cell(hide_code=True)
def gaps(whole):
    mo.vstack([mo.md("## Events that are missing"), safe_table(led.GAPS, led.gaps(whole))]) if led.gaps(whole) else None
    return


@app.cell(hide_code=True)
def onward(run_choice):
    safe_links(told.pages(run_choice.value))
    return


if __name__ == "__main__":
    app.run()
