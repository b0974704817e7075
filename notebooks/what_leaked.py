"""What leaks now, what does it cost, why, and how do I make it happen again?

timeline notebook what_leaked --db timeline.duckdb
python notebooks/what_leaked.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="What leaked")

with app.setup:
    import marimo as mo

    from timeline.api import Timeline
    from timeline.explain import Explanation
    from timeline.findings import Finding, Report
    from timeline.pages import board, charts, opening, told
    from timeline.pages.display import (
        safe_answer,
        safe_choice,
        safe_dropdown,
        safe_lines,
        safe_links,
        safe_multiselect,
        safe_notes,
        safe_table,
        safe_text,
    )

    NO_LANES = "The log has nothing to draw as lanes. See what it has with: timeline objects"


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What leaked?
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
def answered(opened: opening.Opening, report: Report, run_choice):
    judged = 1 if run_choice.value else len(opened.runs)
    safe_answer(board.answer(report, judged))
    return


@app.cell(hide_code=True)
def noted(given: opening.Given, opened: opening.Opening, report: Report):
    asked_finding, missed = opening.finding_of(report, opened.asked.finding)
    safe_notes([*opened.asked.notes, missed, *board.unknown(report, given.place), *board.judged_at(opened.asked.as_of_us)])
    return (asked_finding,)


@app.cell(hide_code=True)
def choose_run(opened: opening.Opening):
    run_choice = safe_dropdown(opened.runs, opened.asked.run, label="Run", every=opening.every(opened.runs))
    run_choice if len(opened.runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def judge(log: Timeline, opened: opening.Opening, run_choice):
    report: Report = log.detect(run=run_choice.value or None, as_of_us=opened.asked.as_of_us)
    return (report,)


@app.cell(hide_code=True)
def choose_filters(given: opening.Given, report: Report):
    severity_filter = safe_multiselect(board.values(report, "severity"), board.known(report, "severity", given.place), label="Severity")
    detector_filter = safe_multiselect(board.values(report, "detector"), board.known(report, "detector", given.place), label="Detector")
    mo.hstack([severity_filter, detector_filter], justify="start") if report.findings else None
    return detector_filter, severity_filter


@app.cell(hide_code=True)
def choose_finding(asked_finding, detector_filter, report: Report, severity_filter):
    findings: list[Finding] = board.chosen(report, severity_filter.value, detector_filter.value)
    mo.stop(not report.findings, safe_text("Every detector that could judge this log is silent. Below: who led, and what the workers did."))
    mo.stop(not findings, safe_text("No finding passes the filters: clear one of them."))
    finding_choice = safe_choice(board.COLUMNS, map(board.cells, findings), board.place_of(findings, asked_finding))
    finding_choice
    return finding_choice, findings


@app.cell(hide_code=True)
def explained(finding_choice, findings: list[Finding], log: Timeline):
    finding: Finding = findings[finding_choice.value[0]["row"] if finding_choice.value else 0]
    explanation: Explanation = log.explain(finding)
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
def one_object(finding: Finding, log: Timeline, opened: opening.Opening, report: Report):
    about = f"{finding.subject.kind}/{finding.subject.id}"
    touched = log.happened(about, finding.run_id, report.findings, as_of_us=opened.asked.as_of_us).lanes
    mo.stop(touched.lanes.is_empty(), safe_text(NO_LANES))
    charts.swim_lanes(touched, "container", told.leads(finding.run_id))
    return


@app.cell(hide_code=True)
def evidence(explanation: Explanation):
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
def runbook(explanation: Explanation):
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
def every_run(log: Timeline, opened: opening.Opening, report: Report, run_choice):
    mo.stop(len(opened.runs) == 1 or run_choice.value)
    mo.vstack([mo.md("## Every run"), safe_table(board.RUNS, board.runs(report, log.runs()))])
    return


@app.cell(hide_code=True)
def who_led(log: Timeline, opened: opening.Opening, report: Report, run_choice):
    mo.stop(len(opened.runs) > 1 and not run_choice.value)
    run = run_choice.value or opened.runs[0]
    run_lanes = log.lanes(run, report.findings, as_of_us=opened.asked.as_of_us)
    mo.stop(run_lanes.lanes.is_empty(), safe_text(NO_LANES))
    mo.vstack([mo.md("## Who led, and what the workers did"), charts.swim_lanes(run_lanes, "container", told.leads(run))])
    return


if __name__ == "__main__":
    app.run()
