"""What happened to this object, who decided it, and what had they seen?

timeline notebook what_happened --db timeline.duckdb
python notebooks/what_happened.py --db timeline.duckdb --object worker/w-1
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="What happened")

with app.setup:
    import marimo as mo

    from timeline.api import Timeline
    from timeline.drawn.happened import Happened
    from timeline.findings import Report
    from timeline.pages import charts, opening, told
    from timeline.pages.display import safe_answer, safe_chart, safe_dropdown, safe_links, safe_notes, safe_table, safe_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What happened to this object?
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
def answered(happened: Happened, report: Report):
    safe_answer(told.answer(happened, report.findings))
    return


@app.cell(hide_code=True)
def noted(begin: told.Begin, opened: opening.Opening):
    safe_notes([*opened.asked.notes, begin.note])
    return


@app.cell(hide_code=True)
def choose_run(opened: opening.Opening):
    run_choice = safe_dropdown(opened.runs, opened.asked.run, label="Run")
    run_choice if len(opened.runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def judged(log: Timeline, opened: opening.Opening, run_choice):
    report: Report = log.detect(run=run_choice.value)
    begin: told.Begin = told.begin(report, opened.asked, run_choice.value)
    return begin, report


@app.cell(hide_code=True)
def choose_kind(begin: told.Begin, log: Timeline, run_choice):
    kind_choice = safe_dropdown(log.kinds(run_choice.value), begin.kind, label="Kind")
    part_filter = mo.ui.text(label="Its name contains", debounce=True)
    return kind_choice, part_filter


@app.cell(hide_code=True)
def choose_object(begin: told.Begin, kind_choice, log: Timeline, part_filter, report: Report, run_choice):
    ids, there = log.ids(kind_choice.value, run_choice.value, part_filter.value, told.first(report, kind_choice.value, begin))
    object_choice = safe_dropdown(ids, label="Object")
    mo.vstack(
        [
            mo.hstack([kind_choice, part_filter, object_choice], justify="start", gap=1.5),
            safe_notes(told.unlisted(len(ids), there, kind_choice.value)),
        ]
    )
    return (object_choice,)


@app.cell(hide_code=True)
def named(kind_choice, object_choice):
    mo.stop(object_choice.value is None, safe_text("Choose another part of a name."))
    name: str = f"{kind_choice.value}/{object_choice.value}"
    return (name,)


@app.cell(hide_code=True)
def choose_moment(log: Timeline, opened: opening.Opening, run_choice):
    bounds: told.Span = told.bounds(log.runs(), run_choice.value)
    as_of_slider = mo.ui.slider(
        0, told.STEPS, value=told.step_of(opened.asked.as_of_us, bounds), label="As of", debounce=True, full_width=True
    )
    return as_of_slider, bounds


@app.cell(hide_code=True)
def choose_stretch(bounds: told.Span, log: Timeline, name: str, report: Report, run_choice):
    range_chart = safe_chart(
        charts.overview(log.activity(run_choice.value, name), bounds, "container", is_beside_findings=bool(report.findings))
    )
    return (range_chart,)


@app.cell(hide_code=True)
def overview(as_of_slider, bounds: told.Span, opened: opening.Opening, range_chart):
    as_of_us: int | None = told.moment_of(as_of_slider.value, bounds, opened.asked.as_of_us)
    mo.vstack(
        [
            mo.hstack([as_of_slider, safe_text(told.as_of(as_of_us, bounds), "faint")], widths=[3, 2]),
            safe_text("When it was decided about; brush a stretch to see it large, click beside it to see all.", "faint"),
            range_chart,
        ]
    )
    return (as_of_us,)


@app.cell(hide_code=True)
def looked_up(as_of_us: int | None, bounds: told.Span, log: Timeline, name: str, range_chart, report: Report, run_choice):
    window_us = told.window_of(range_chart.selections, bounds)
    happened: Happened = log.happened(name, run_choice.value, report.findings, window_us, as_of_us)
    return (happened,)


@app.cell(hide_code=True)
def lanes(happened: Happened, run_choice):
    charts.swim_lanes(happened.lanes, "container", told.leads(run_choice.value))
    return


@app.cell(hide_code=True)
def decided(happened: Happened):
    mo.vstack(
        [
            mo.md("## What was decided, what it had seen, what was true then"),
            safe_table(told.DECISIONS, told.decisions(happened)),
            safe_notes(told.more(happened)),
        ]
    )
    return


@app.cell(hide_code=True)
def stood(as_of_us: int | None, bounds: told.Span, happened: Happened, run_choice):
    mo.vstack(
        [
            mo.md("## How it stood, and everything that it touched"),
            safe_text(told.as_of(as_of_us, bounds), "faint"),
            safe_table(told.STATES, told.states(happened, run_choice.value)),
        ]
    )
    return


@app.cell(hide_code=True)
def onward(happened: Happened, report: Report, run_choice):
    safe_links(told.links(report.findings, happened, run_choice.value))
    return


if __name__ == "__main__":
    app.run()
