"""Alert rules: one for each detector that should wake somebody, true to its header, and proven by promtool."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from timeline import catalog
from timeline.alerting import alert_tests, alerts, yaml
from timeline.alerting.alert import NOTEBOOKS, RUNBOOKS
from timeline.cli import app
from timeline.links import place_of

ROOT = Path(__file__).parents[2]
HEARD = "timeline_log_last_event_timestamp_seconds"
STALE = "TimelineWarmPoolStaleHotIdle\n        expr: 'timeline_findings{detector=\"warm_pool/stale_hot_idle\"} > 0'\n        for: "


def promtool(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool, which is Debian's package prometheus."""
    program = shutil.which("promtool")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("promtool is missing; install the package prometheus")
    assert program, "promtool is missing, and CI=true: install the package prometheus"
    return subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rules.yml and, one folder deeper, its tests, as the command writes them."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "tests").mkdir()
    result = CliRunner().invoke(app, ["rules", "-o", str(folder / "rules.yml"), "--tests", str(folder / "tests" / "rules_test.yml")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.tools
def test_prometheus_accepts_the_rules_without_a_complaint(written: Path):
    checked = promtool("check", "rules", "--lint-fatal", written / "rules.yml")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(alerts.alerts())} rules found" in checked.stdout


@pytest.mark.tools
def test_every_alert_is_silent_then_fires_then_resolves(written: Path):
    """With exactly the labels and texts that the test file says, and while another detector fires all the time."""
    tested = promtool("test", "rules", written / "tests" / "rules_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.tools
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('timeline_findings{detector="warm_pool/cap_bypass"} > 0', "timeline_findings > 0"),
        ('timeline_findings{detector="warm_pool/cap_bypass"} > 0 or', 'timeline_findings{detector="warm_pool/cap_bypass"} > 1 or'),
        (f"{STALE}1m", f"{STALE}0m"),
        ("detector=warm_pool/cap_bypass", "detector=warm_pool/cap"),
        ('(max_over_time(timeline_detections_total{detector="warm_pool/cap_bypass"}[6h]', "(max_over_time(timeline_findings[6h]"),
        ('{detector="warm_pool/cap_bypass"}[6h]', '{detector="warm_pool/cap_bypass"}[1m]'),
        (f"'absent({HEARD})'\n        for: 5m", f"'absent({HEARD})'\n        for: 1m"),
    ],
    ids=["every detector", "not the first", "no waiting", "another page", "another gauge", "short memory", "every restart"],
)
def test_the_tests_of_promtool_see_a_rule_that_is_wrong(tmp_path: Path, right: str, wrong: str):
    """Each of these would wake somebody for nothing, let them sleep, or send them to the wrong page."""
    few = [one for one in alerts.alerts() if one.page in {"timeline/absent", "warm_pool/cap_bypass", "warm_pool/stale_hot_idle"}]
    rules = [rule for group in alerts.rules()["groups"] for rule in group["rules"] if rule["alert"] in {one.name for one in few}]
    good = yaml.document({"groups": [{"name": "few", "rules": rules}]})
    (tmp_path / "rules_test.yml").write_text(yaml.document(alert_tests.promtool_file(few, "rules.yml", RUNBOOKS, NOTEBOOKS)))
    assert right in good
    for text, is_good in ((good, True), (good.replace(right, wrong), False)):
        (tmp_path / "rules.yml").write_text(text)
        assert (promtool("test", "rules", tmp_path / "rules_test.yml").returncode == 0) == is_good


def test_every_detector_above_info_has_an_alert_and_a_proof():
    loud = {name for name, query in catalog.read(catalog.DETECTORS).items() if query.fields["severity"] != "info"}
    made = alerts.alerts()
    assert {alert.page for alert in made if alert.detector} == loud
    assert len({alert.name for alert in made}) == len(made)
    assert all(alert.proof.silent and alert.proof.firing and "stale" in str(alert.proof.series) for alert in made)


def test_an_alert_says_what_the_header_of_its_detector_says():
    made = alerts.rules("https://runbooks.example/leaks/", "https://timeline.example")
    found = {rule["alert"]: rule for group in made["groups"] for rule in group["rules"]}
    assert found["TimelineWarmPoolStaleHotIdle"] == {
        "alert": "TimelineWarmPoolStaleHotIdle",
        "expr": 'timeline_findings{detector="warm_pool/stale_hot_idle"} > 0',
        "for": "1m",
        "keep_firing_for": "5m",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "Parked worker kept past its time to live.",
            "description": "{{ $labels.detector }} finds {{ $value }} in the run {{ $labels.run }}: idle capacity is paid for, and "
            "autoscaling that counts it grows further. `timeline detect --detector warm_pool/stale_hot_idle` names them.",
            "runbook_url": "https://runbooks.example/leaks/warm_pool/stale_hot_idle.md",
            "notebook_url": "https://timeline.example/what_leaked?run={{ $labels.run | urlquery }}&detector=warm_pool/stale_hot_idle",
        },
    }


def test_the_name_of_a_run_reaches_the_notebook_as_it_is():
    """What Prometheus makes of the address, as the test file expects it, is what the notebook reads back."""
    (alert,) = (alert for alert in alerts.alerts() if alert.page == "warm_pool/cap_bypass")
    (case,) = (case for case in alert_tests.promtool_file([alert], "", "", "")["tests"] if case["alert_rule_test"])
    link = case["alert_rule_test"][1]["exp_alerts"][0]["exp_annotations"]["notebook_url"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert place_of(query) == {"run": "east 1/é", "detector": "warm_pool/cap_bypass"}


def test_a_detector_that_grades_its_findings_hands_the_grade_on():
    found = {alert.name: alert.severity for alert in alerts.alerts()}
    assert found["TimelineWarmPoolIdleHotPinned"] == "{{ $labels.severity }}"
    assert found["TimelineWarmPoolCapBypass"] == "critical"


def test_every_runbook_that_an_alert_links_to_is_there():
    missing = [alert.page for alert in alerts.alerts() if not (ROOT / RUNBOOKS / f"{alert.page}.md").is_file()]
    assert not missing, "run `make docs`"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("warm_pool/cap_bypass", "warm_pool/cap_bypass"),
        ("5m", "5m"),
        ("no", "'no'"),
        ("17", "'17'"),
        ("", "''"),
        ("a: b", "'a: b'"),
        ("the worker's {{ $value }} #1", "'the worker''s {{ $value }} #1'"),
        ("- two\nlines", '"- two\\nlines"'),
        ("bell \x07 and \u202e", '"bell \\u0007 and \\u202e"'),
    ],
)
def test_text_stays_text_in_yaml(text: str, written: str):
    assert yaml.document({"key": text}) == f"key: {written}\n"


def test_lists_and_mappings_are_nested_by_indentation():
    assert yaml.document({"groups": [{"name": "a", "rules": [1, True]}, "b"], "none": []}).splitlines() == [
        "groups:",
        "  - name: a",
        "    rules:",
        "      - 1",
        "      - true",
        "  - b",
        "none: []",
    ]


def test_tests_cannot_be_written_without_the_file_of_the_rules(tmp_path: Path):
    result = CliRunner().invoke(app, ["rules", "--tests", str(tmp_path / "rules_test.yml")])
    assert result.exit_code == 2
