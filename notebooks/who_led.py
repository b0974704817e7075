"""Who led, who swept, who was there, and when did nobody?

timeline notebook who_led --db timeline.duckdb
python notebooks/who_led.py --db timeline.duckdb --run RUN
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Who led")

with app.setup:
    import marimo as mo

    from timeline.api import Timeline
    from timeline.drawn.led import Led
    from timeline.pages import charts, led, opening, told
    from timeline.pages.display import safe_answer, safe_chart, safe_dropdown, safe_links, safe_notes, safe_table, safe_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who led?
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
def answered(log: Timeline, run_choice):
    whole: Led = log.led(run_choice.value)
    safe_answer(led.answer(whole))
    return (whole,)


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
def choose_stretch(log: Timeline, run_choice):
    bounds: told.Span = told.bounds(log.runs(), run_choice.value)
    range_chart = safe_chart(charts.overview(log.activity(run_choice.value), bounds, "container"))
    mo.vstack([safe_text("When decisions were taken; brush a stretch to see it large, click beside it to see all.", "faint"), range_chart])
    return bounds, range_chart


@app.cell(hide_code=True)
def lanes(bounds: told.Span, log: Timeline, range_chart, run_choice, whole: Led):
    window_us = told.window_of(range_chart.selections, bounds)
    stretch = whole if window_us is None else log.led(run_choice.value, window_us)
    mo.stop(stretch.lanes.lanes.is_empty(), safe_text("Nothing is there to draw in this stretch of the log."))
    charts.swim_lanes(stretch.lanes, "container", led.leads(stretch), led.TITLE)
    return


@app.cell(hide_code=True)
def leaderships(whole: Led):
    mo.vstack([mo.md("## Leaderships"), safe_table(led.LEADERSHIPS, led.leaderships(whole))]) if led.leaderships(whole) else None
    return


@app.cell(hide_code=True)
def loops(whole: Led):
    mo.vstack([mo.md("## Loops that promise to sweep"), safe_table(led.LOOPS, led.loops(whole))]) if led.loops(whole) else None
    return


@app.cell(hide_code=True)
def incarnations(whole: Led):
    mo.vstack([mo.md("## Incarnations"), safe_table(led.INCARNATIONS, led.incarnations(whole))])
    return


@app.cell(hide_code=True)
def gaps(whole: Led):
    mo.vstack([mo.md("## Events that are missing"), safe_table(led.GAPS, led.gaps(whole))]) if led.gaps(whole) else None
    return


@app.cell(hide_code=True)
def onward(run_choice):
    safe_links(told.pages(run_choice.value))
    return


if __name__ == "__main__":
    app.run()
