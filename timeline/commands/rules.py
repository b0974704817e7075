"""`timeline rules`: alert rules for Prometheus, and the tests that prove them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from timeline.alerting.alert import NOTEBOOKS, RUNBOOKS
from timeline.terminal import AsJson, note, print_json, print_line, print_table


def command(
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rules to this file.")] = None,
    tests: Annotated[Path | None, typer.Option("--tests", metavar="FILE", help="Write their tests for promtool too.")] = None,
    dashboard: Annotated[
        Path | None, typer.Option("--dashboard", metavar="FILE", help="Write a Grafana dashboard, as classic JSON.")
    ] = None,
    backtest: Annotated[
        list[Path] | None,
        typer.Option("--backtest", metavar="DB", help="Try the rules on the recordings of this database; may be given again."),
    ] = None,
    truth: Annotated[
        list[Path] | None,
        typer.Option("--truth", metavar="FILE", help="With --backtest: what really went wrong, as `simulate --truth` writes it."),
    ] = None,
    runbooks: Annotated[
        str, typer.Option("--runbooks", metavar="BASE", help="Folder or address that runbook links begin with.")
    ] = RUNBOOKS,
    notebooks: Annotated[
        str, typer.Option("--notebooks", metavar="BASE", help="Address of the server that links to a finding begin with.")
    ] = NOTEBOOKS,
    as_json: AsJson = False,
) -> None:
    """Print alert rules for Prometheus: one for each detector that should wake somebody, with links to its runbook and to a notebook.

    With --backtest each rule is tried on recordings in a Prometheus of its own: how long after the harm it would have fired, in which
    runs it would have missed it, and where it would have cried for nothing. A finding counts from when it could first be known, and
    the last values are held for six minutes after a log ends.

    The rules look at what `timeline serve` exports. Their tests show each alert silent, then firing, then resolved, and what a
    restart does to it.

    Example:
        timeline rules -o rules.yml --tests rules_test.yml && promtool test rules rules_test.yml
        timeline rules --dashboard dashboard.json --notebooks https://timeline.example
        timeline rules --backtest timeline.duckdb --truth truth.jsonl
    """
    from ingest.errors import UsageError
    from timeline.alerting import alert_tests, alerts, yaml
    from timeline.alerting.dashboard import document as dashboard_json
    from timeline.files import write_whole

    if backtest:
        _backtest(backtest, truth, as_json)
        return
    if truth:
        raise UsageError("reading a truth file: it is for --backtest DB")
    if tests is not None and output is None:
        raise UsageError(f"writing tests to {tests}: they name the file of the rules; give it with -o FILE")
    made = alerts.rules(runbooks, notebooks)
    if output is not None:
        write_whole(output, yaml.document(made))
        note(f"{output}: {sum(len(group['rules']) for group in made['groups'])} alerts; check it with `promtool check rules {output}`")
    if tests is not None and output is not None:
        rule_file = os.path.relpath(output.resolve(), tests.resolve().parent)
        write_whole(tests, yaml.document(alert_tests.promtool_file(alerts.alerts(), rule_file, runbooks, notebooks)))
        note(f"{tests}: run it with `promtool test rules {tests}`")
    if dashboard is not None:
        write_whole(dashboard, dashboard_json(notebooks))
        note(f"{dashboard}: load it in Grafana with Dashboards, New, Import")
    if as_json:
        print_json(made)
    elif output is None and dashboard is None:
        typer.echo(yaml.document(made), nl=False)


def _backtest(databases: list[Path], truth: list[Path] | None, as_json: bool) -> None:
    import timeline
    from timeline.alerting.backtest import HEADINGS, as_json_rows, rows, truth_of, watched
    from timeline.alerting.backtest_prometheus import tried

    runs, gauges = [], []
    for path in databases:
        with timeline.open(path, note) as log:
            of_database = watched(log)
        runs += of_database[0]
        gauges += of_database[1]
    harms = None if truth is None else truth_of(truth, [run.run_id for run in runs])
    results = tried(runs, gauges, harms)
    if as_json:
        print_json({"runs": len(runs), "alerts": as_json_rows(results)})
        return
    told = [one for one in results if one.fired or one.missed or one.cut_off]
    print_line(f"{len(runs)} runs, {len(results)} alerts; those that fired or were to fire:")
    print_table(HEADINGS, rows(told))
    for one in told:
        for what, names in (("missed", one.missed), ("fired for nothing", one.false_alarms)):
            if names:
                print_line(f"{one.alert.name} {what}: {', '.join(names)}")
