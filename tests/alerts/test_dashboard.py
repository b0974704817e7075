"""The dashboard asks only for what we export, and what is shipped is what the program writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.timeline.test_alerts import promtool
from timeline import catalog
from timeline.alerting import alerts, dashboard, deploy
from timeline.cli import app
from timeline.gauges import OF_DATABASE, OF_RUN
from timeline.gauges.openmetrics import OWN

EXPORTED = {f"timeline_{name}" for folder in (OF_RUN, OF_DATABASE) for name in catalog.read(folder)} | {
    *OWN,
    "timeline_series_dropped_total",
}


def names(expression: str) -> set[str]:
    """The gauges that an expression of PromQL names."""
    return set(re.findall(r"\btimeline_\w+", re.sub(r'"[^"]*"', "", expression)))


def test_every_expression_names_only_gauges_that_we_export():
    asked = [*dashboard.expressions(), *(alert.expression for alert in alerts.alerts())]
    assert all(names(expression) for expression in asked)
    assert set().union(*map(names, asked)) <= EXPORTED


def test_every_gauge_is_on_the_dashboard():
    """What is measured and shown to nobody is not needed."""
    assert set().union(*map(names, dashboard.expressions())) == EXPORTED


def test_the_data_source_is_a_variable_and_no_panel_lies_on_another():
    made = dashboard.dashboard("https://timeline.example")
    assert [variable["name"] for variable in made["templating"]["list"]] == ["datasource", "run"]
    panels = [panel for panel in made["panels"] if panel["type"] != "row"]
    assert all(target["datasource"]["uid"] == "${datasource}" for panel in panels for target in panel["targets"])
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in made["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < dashboard.COLUMNS


def test_a_series_of_findings_leads_to_the_notebook_with_its_run_and_detector():
    (panel,) = (panel for panel in dashboard.dashboard("https://timeline.example/")["panels"] if panel["title"] == "Findings by detector")
    assert [link["url"] for link in panel["fieldConfig"]["defaults"]["links"]] == [
        "https://timeline.example/what_leaked?run=${__field.labels.run}&detector=${__field.labels.detector}"
    ]


def test_the_command_writes_the_dashboard(tmp_path: Path):
    result = CliRunner().invoke(app, ["rules", "--dashboard", str(tmp_path / "d.json"), "--notebooks", "https://timeline.example"])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "d.json").read_text()) == dashboard.dashboard("https://timeline.example")


@pytest.mark.parametrize("path", deploy.files())
def test_what_is_shipped_is_what_the_program_writes(root: Path, path: str):
    shipped = root / "deploy" / path
    is_fresh = shipped.is_file() and shipped.read_text(encoding="utf-8") == deploy.files()[path]
    assert is_fresh, f"deploy/{path} is stale: run `make docs` and commit it"


@pytest.mark.tools
def test_prometheus_accepts_the_configuration_that_is_shipped(root: Path):
    checked = promtool("check", "config", "--syntax-only", root / "deploy/prometheus/prometheus.yml")
    assert checked.returncode == 0, checked.stderr
