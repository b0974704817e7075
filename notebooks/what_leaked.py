"""What leaks now, what does it cost, why, and how do I make it happen again?

timeline notebook what_leaked --db timeline.duckdb
python notebooks/what_leaked.py --db timeline.duckdb
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="What leaked")

with app.setup:
    import os
    from pathlib import Path

    import marimo as mo

    import timeline
    from timeline import board, charts
    from timeline.display import safe_label, safe_lines, safe_table, safe_text
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
    database = str(mo.cli_args().get("db") or os.environ.get("TIMELINE_DB", "timeline.duckdb"))
    return (database,)


@app.cell(hide_code=True)
def opened(database):
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
    return log, runs


@app.cell(hide_code=True)
def choose_run(runs):
    run_choice = mo.ui.dropdown({safe_label(run): run for run in runs}, value=safe_label(runs[0]), label="Run", searchable=True)
    run_choice if len(runs) > 1 else None
    return (run_choice,)


@app.cell(hide_code=True)
def judged(log, run_choice):
    report = log.detect(run=run_choice.value)
    if mo.app_meta().mode == "script":
        print_line(board.answer(report))
    safe_text(board.answer(report), "answer")
    return (report,)


@app.cell(hide_code=True)
def choose_filters(report):
    severity_filter = mo.ui.multiselect(sorted({one.severity for one in report.findings}), label="Severity")
    detector_filter = mo.ui.multiselect(sorted({one.detector for one in report.findings}), label="Detector")
    mo.hstack([severity_filter, detector_filter], justify="start") if report.findings else None
    return detector_filter, severity_filter


@app.cell(hide_code=True)
def findings_board(detector_filter, report, severity_filter):
    findings = board.chosen(report, severity_filter.value, detector_filter.value)
    mo.stop(not report.findings, safe_text("Every detector that could judge this log is silent. Below: who led, and what the workers did."))
    safe_table(board.HEADINGS, map(board.row, findings))
    return (findings,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who led, and what the workers did
    """)
    return


@app.cell(hide_code=True)
def who_led(log, run_choice):
    run_lanes = log.lanes(run=run_choice.value)
    mo.stop(run_lanes.lanes.is_empty(), safe_text(NO_LANES))
    charts.swim_lanes(run_lanes)
    return


@app.cell(hide_code=True)
def choose_finding(findings):
    mo.stop(not findings, safe_text("No finding passes the filters: clear one of them."))
    finding_choice = mo.ui.dropdown(
        {safe_label(board.label(one), 160): one for one in findings}, value=safe_label(board.label(findings[0]), 160), label="Finding"
    )
    mo.vstack([mo.md("## One finding"), finding_choice])
    return (finding_choice,)


@app.cell(hide_code=True)
def explained(finding_choice, log):
    finding = finding_choice.value
    explanation = log.explain(finding.finding_id)
    mo.vstack([safe_text(finding.says, "answer"), safe_text(explanation.runbook.meaning)])
    return explanation, finding


@app.cell(hide_code=True)
def one_object(finding, log):
    object_lanes = log.happened(f"{finding.subject.kind}/{finding.subject.id}", finding.run_id).lanes
    mo.stop(object_lanes.lanes.is_empty(), safe_text(NO_LANES))
    charts.swim_lanes(object_lanes)
    return


@app.cell(hide_code=True)
def evidence(explanation):
    mo.vstack(
        [
            mo.md("### The evidence"),
            safe_lines(decided.line for decided in explanation.evidence),
            mo.md("### What led there, earliest first"),
            safe_lines(decided.line for decided in explanation.chain),
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


if __name__ == "__main__":
    app.run()
