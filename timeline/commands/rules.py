"""`timeline rules`: alert rules for Prometheus, and the tests that prove them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from timeline.alert import NOTEBOOKS, RUNBOOKS
from timeline.terminal import AsJson, note, print_json


def command(
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rules to this file.")] = None,
    tests: Annotated[Path | None, typer.Option("--tests", metavar="FILE", help="Write their tests for promtool too.")] = None,
    dashboard: Annotated[
        Path | None, typer.Option("--dashboard", metavar="FILE", help="Write a Grafana dashboard, as classic JSON.")
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

    The rules look at what `timeline serve` exports. Their tests show each alert silent, then firing, then resolved, and what a
    restart does to it.

    Example:
        timeline rules -o rules.yml --tests rules_test.yml && promtool test rules rules_test.yml
        timeline rules --dashboard dashboard.json --notebooks https://timeline.example
    """
    from ingest.errors import UsageError
    from timeline import alert_tests, alerts, yaml
    from timeline.dashboard import document as dashboard_json
    from timeline.files import write_whole

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
