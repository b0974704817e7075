"""What happened to this object, who decided it, and what had they seen?

timeline notebook what_happened --db timeline.duckdb
python notebooks/what_happened.py --db timeline.duckdb --object worker/w-1
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="What happened")

with app.setup:
    import marimo as mo

    from timeline.links import place_of
    from timeline.pages import charts, opening, told
    from timeline.pages.display import label_of, safe_chart, safe_links, safe_notes, safe_options, safe_table, safe_text
    from timeline.terminal import print_line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What happened to this object?
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
def answered(happened, report):
    if mo.app_meta().mode == "script":
        print_line(told.answer(happened, report.findings))
    safe_text(told.answer(happened, report.findings), "answer")
    return


@app.cell(hide_code=True)
def noted(asked, begin):
    safe_notes([*asked.notes, begin.note])
    return


@app.cell(hide_code=True)
def choose_run(asked, opened):
    runs = safe_options(opened.runs)
    run_choice = mo.ui.dropdown(runs, value=label_of(runs, asked.run), label="Run", searchable=True)
    run_choice if len(runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def judged(asked, log, run_choice):
    report = log.detect(run=run_choice.value)
    begin = told.begin(report, asked, run_choice.value)
    return begin, report


@app.cell(hide_code=True)
def choose_kind(begin, log, run_choice):
    kinds = safe_options(log.kinds(run_choice.value))
    kind_choice = mo.ui.dropdown(kinds, value=label_of(kinds, begin.kind), label="Kind")
    part_filter = mo.ui.text(label="Its name contains", debounce=True)
    return kind_choice, part_filter


@app.cell(hide_code=True)
def choose_object(begin, kind_choice, log, part_filter, report, run_choice):
    ids, there = log.ids(kind_choice.value, run_choice.value, part_filter.value, told.first(report, kind_choice.value, begin))
    objects = safe_options(ids)
    object_choice = mo.ui.dropdown(objects, value=label_of(objects), label="Object", searchable=True)
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
    name = f"{kind_choice.value}/{object_choice.value}"
    return (name,)


@app.cell(hide_code=True)
def choose_moment(asked, log, run_choice):
    bounds = told.bounds(log.runs(), run_choice.value)
    as_of_slider = mo.ui.slider(0, told.STEPS, value=told.step_of(asked.as_of_us, bounds), label="As of", debounce=True, full_width=True)
    return as_of_slider, bounds


@app.cell(hide_code=True)
def choose_stretch(bounds, log, name, report, run_choice):
    range_chart = safe_chart(
        charts.overview(log.activity(run_choice.value, name), bounds, "container", is_beside_findings=bool(report.findings))
    )
    return (range_chart,)


@app.cell(hide_code=True)
def overview(as_of_slider, asked, bounds, range_chart):
    as_of_us = told.moment_of(as_of_slider.value, bounds, asked.as_of_us)
    mo.vstack(
        [
            mo.hstack([as_of_slider, safe_text(told.as_of(as_of_us, bounds), "faint")], widths=[3, 2]),
            safe_text("When it was decided about; brush a stretch to see it large, click beside it to see all.", "faint"),
            range_chart,
        ]
    )
    return (as_of_us,)


@app.cell(hide_code=True)
def looked_up(as_of_us, bounds, log, name, range_chart, report, run_choice):
    window_us = told.window_of(range_chart.selections, bounds)
    happened = log.happened(name, run_choice.value, report.findings, window_us, as_of_us)
    return (happened,)


@app.cell(hide_code=True)
def lanes(happened, run_choice):
    charts.swim_lanes(happened.lanes, "container", told.leads(run_choice.value))
    return


@app.cell(hide_code=True)
def decided(happened):
    mo.vstack(
        [
            mo.md("## What was decided, what it had seen, what was true then"),
            safe_table(told.DECISIONS, told.decisions(happened)),
            safe_notes(told.more(happened)),
        ]
    )
    return


@app.cell(hide_code=True)
def stood(as_of_us, bounds, happened, run_choice):
    mo.vstack(
        [
            mo.md("## How it stood, and everything that it touched"),
            safe_text(told.as_of(as_of_us, bounds), "faint"),
            safe_table(told.STATES, told.states(happened, run_choice.value)),
        ]
    )
    return


@app.cell(hide_code=True)
def onward(happened, report, run_choice):
    safe_links(told.links(report.findings, happened, run_choice.value))
    return


if __name__ == "__main__":
    app.run()
