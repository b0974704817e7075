"""What leaks now, what does it cost, why, and how do I make it happen again?

timeline notebook what_leaked --db timeline.duckdb
python notebooks/what_leaked.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="What leaked")

with app.setup:
    import marimo as mo

    from timeline.links import place_of
    from timeline.pages import board, charts, opening, told
    from timeline.pages.display import (
        label_of,
        safe_choice,
        safe_lines,
        safe_links,
        safe_notes,
        safe_options,
        safe_table,
        safe_text,
    )
    from timeline.terminal import print_line

    NO_LANES = "The log has nothing to draw as lanes. See what it has with: timeline objects"


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What leaked?
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
def answered(opened, report, run_choice):
    judged = 1 if run_choice.value else len(opened.runs)
    if mo.app_meta().mode == "script":
        print_line(board.answer(report, judged))
    safe_text(board.answer(report, judged), "answer")
    return


@app.cell(hide_code=True)
def noted(asked, place, report):
    asked_finding, missed = opening.finding_of(report, asked.finding)
    safe_notes([*asked.notes, missed, *board.unknown(place, report), *board.judged_at(asked.as_of_us)])
    return (asked_finding,)


@app.cell(hide_code=True)
def choose_run(asked, opened):
    runs = safe_options(opened.runs, every=opening.every(opened.runs))
    run_choice = mo.ui.dropdown(runs, value=label_of(runs, asked.run), label="Run", searchable=True)
    run_choice if len(opened.runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def judge(asked, log, run_choice):
    report = log.detect(run=run_choice.value or None, as_of_us=asked.as_of_us)
    return (report,)


@app.cell(hide_code=True)
def choose_filters(place, report):
    severity_filter = mo.ui.multiselect(
        sorted({one.severity for one in report.findings}), value=board.known(report, "severity", place.get("severity")), label="Severity"
    )
    detector_filter = mo.ui.multiselect(
        sorted({one.detector for one in report.findings}), value=board.known(report, "detector", place.get("detector")), label="Detector"
    )
    mo.hstack([severity_filter, detector_filter], justify="start") if report.findings else None
    return detector_filter, severity_filter


@app.cell(hide_code=True)
def choose_finding(asked_finding, detector_filter, report, severity_filter):
    findings = board.chosen(report, severity_filter.value, detector_filter.value)
    mo.stop(not report.findings, safe_text("Every detector that could judge this log is silent. Below: who led, and what the workers did."))
    mo.stop(not findings, safe_text("No finding passes the filters: clear one of them."))
    finding_choice = safe_choice(board.COLUMNS, map(board.cells, findings), board.place_of(findings, asked_finding))
    finding_choice
    return finding_choice, findings


@app.cell(hide_code=True)
def explained(finding_choice, findings, log):
    finding = findings[finding_choice.value[0]["row"] if finding_choice.value else 0]
    explanation = log.explain(finding)
    mo.vstack(
        [
            mo.md("## One finding"),
            safe_text(finding.says, "answer"),
            safe_text(explanation.runbook.meaning),
            safe_links(board.onward(finding)),
        ]
    )
    return explanation, finding


@app.cell(hide_code=True)
def one_object(finding, log, report):
    touched = log.happened(f"{finding.subject.kind}/{finding.subject.id}", finding.run_id, report.findings).lanes
    mo.stop(touched.lanes.is_empty(), safe_text(NO_LANES))
    charts.swim_lanes(touched, "container", told.leads(finding.run_id))
    return


@app.cell(hide_code=True)
def evidence(explanation):
    mo.vstack(
        [
            mo.md("### The evidence"),
            safe_lines(decided.line for decided in explanation.evidence),
            mo.md("### What led there, earliest first"),
            safe_lines([decided.line for decided in explanation.chain] or ["The log names no cause of it."]),
        ]
    )
    return


@app.cell(hide_code=True)
def runbook(explanation):
    mo.vstack(
        [
            mo.md("### What to do"),
            safe_table(
                ("", ""),
                (
                    ("impact", explanation.runbook.impact),
                    ("diagnosis", explanation.runbook.diagnosis),
                    ("mitigation", explanation.runbook.mitigation),
                    ("source", explanation.runbook.source),
                ),
            ),
            mo.md("### Make it happen again"),
            safe_lines(explanation.commands),
        ]
    )
    return


@app.cell(hide_code=True)
def every_run(log, opened, report, run_choice):
    mo.stop(len(opened.runs) == 1 or run_choice.value)
    mo.vstack([mo.md("## Every run"), safe_table(board.RUNS, board.runs(report, log.runs()))])
    return


@app.cell(hide_code=True)
def who_led(log, opened, report, run_choice):
    mo.stop(len(opened.runs) > 1 and not run_choice.value)
    run = run_choice.value or opened.runs[0]
    run_lanes = log.lanes(run, report.findings)
    mo.stop(run_lanes.lanes.is_empty(), safe_text(NO_LANES))
    mo.vstack([mo.md("## Who led, and what the workers did"), charts.swim_lanes(run_lanes, "container", told.leads(run))])
    return


if __name__ == "__main__":
    app.run()
