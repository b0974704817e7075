"""The back-test: an alert fires here when Prometheus would fire it, and what that was worth is told by the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ingest.errors import UsageError
from reference_cluster.sweeps.judging import Batch
from tests.backtest import attempt, page, total
from tests.timeline.test_alerts import promtool
from timeline.alerting.alerts import MINUTE_US, alerts
from timeline.alerting.backtest import Harm, Watch, fires_us, judged, truth_of
from timeline.alerting.backtest_prometheus import POINTS_MAX, windows
from timeline.cli import app

STEP_US = 15_000_000
CAP_BYPASS, STALE = (next(one for one in alerts() if one.page == f"warm_pool/{name}") for name in ("cap_bypass", "stale_hot_idle"))

# ---- when an alert fires


HELD = {
    "from the start": ("1x40", 0),
    "a moment": ("0x4 1 0x40", 0),
    "twice, close together": ("0x4 1x3 0x10 1x3 0x40", 0),
    "a gap as long as it stays": ("0x4 1 0x19 1 0x40", 0),
    "a gap one longer": ("0x4 1 0x20 1 0x40", 0),
    "long enough": ("0x4 1x4 0x40", 1),
    "one too short": ("0x4 1x3 0x40", 1),
    "again and again too short": ("0x4 1x3 0x0 1x3 0x0 1x3 0x40", 1),
    "firing, then gaps": ("0x4 1x6 0x5 1x2 0x5 1x2 0x40", 1),
    "firing, gone, and waiting again": ("0x4 1x6 0x25 1x3 0x0 1x8 0x40", 1),
    "five minutes": ("0x4 1x22 0x40", 5),
}
"""Samples a step, in promtool's notation, and for how many minutes the alert waits."""


def samples(notation: str) -> list[int]:
    """`1x3` are four samples of 1, as promtool counts them."""
    parts = (part.partition("x") for part in notation.split())
    return [int(value) for value, _, more in parts for _ in range(int(more or 0) + 1)]


@pytest.mark.tools
def test_an_alert_fires_here_at_the_evaluation_at_which_promtool_sees_it_fire(tmp_path: Path):
    """It fires at each beginning that we say and does not one evaluation before; where we say none it never fires."""
    rules, cases = [], []
    for number, (values, wait) in enumerate(HELD.values()):
        rules.append({"alert": f"A{number}", "expr": f"x{number} > 0", "for": f"{wait}m", "keep_firing_for": "5m"})
        held = samples(values)
        begun = fires_us([place * STEP_US for place, value in enumerate(held) if value], wait * MINUTE_US)
        fires = {at_us // STEP_US: True for at_us in begun} | {at_us // STEP_US - 1: False for at_us in begun if at_us}
        expected = fires or dict.fromkeys(range(len(held)), False)
        told = [
            {"eval_time": f"{place * 15}s", "alertname": f"A{number}", "exp_alerts": [{}] if is_firing else []}
            for place, is_firing in sorted(expected.items())
        ]
        cases.append({"interval": "15s", "input_series": [{"series": f"x{number}", "values": values}], "alert_rule_test": told})
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": cases}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    tested = promtool("test", "rules", tmp_path / "test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


# ---- what it was worth


RUN = Watch("run", 0, 10 * MINUTE_US)


@pytest.mark.parametrize(
    ("harm_minute", "detector", "fired_minutes", "told"),
    [
        (2, STALE.page, [4], (1, 0, 0, 0)),
        (2, STALE.page, [], (0, 1, 0, 0)),
        (8, STALE.page, [], (0, 1, 0, 0)),
        (9, STALE.page, [], (0, 0, 1, 0)),
        (None, STALE.page, [4], (0, 0, 0, 1)),
        (None, STALE.page, [], (0, 0, 0, 0)),
        (2, "warm_pool/cap_bypass", [4], (0, 0, 0, 0)),
        (2, "warm_pool/cap_bypass", [], (0, 0, 0, 0)),
    ],
    ids=["caught", "missed", "missed late", "cut off", "for nothing", "silent", "of another harm", "not its own"],
)
def test_an_alert_is_judged_by_what_really_went_wrong(
    harm_minute: int | None, detector: str, fired_minutes: list[int], told: tuple[int, ...]
):
    """It waits a minute, in a run of ten; what fires beside another harm is neither for nor against it."""
    harms = [] if harm_minute is None else [Harm("run", "a_bug", harm_minute * MINUTE_US, frozenset({detector}))]
    fired = {"run": [minute * MINUTE_US for minute in fired_minutes]} if fired_minutes else {}
    result = judged(STALE, fired, [RUN], harms)
    assert (result.caught, len(result.missed), result.cut_off, len(result.false_alarms)) == told
    assert result.delays_us == ([2 * MINUTE_US] if result.caught else [])


def test_an_alert_of_no_run_is_false():
    """That gauges are absent, while a run was watched, is nobody's harm."""
    assert judged(alerts()[0], {"": [MINUTE_US]}, [RUN], []).false_alarms == [""]


def test_without_a_truth_file_only_what_fired_is_told():
    result = judged(STALE, {"run": [MINUTE_US]}, [RUN], None)
    assert (result.fired, result.caught, result.false_alarms) == (1, 0, [])


def test_a_long_recording_is_asked_about_in_parts_without_a_gap():
    day_us = 24 * 60 * MINUTE_US
    parts = windows([Watch("a", 7, 3 * day_us), Watch("b", day_us, 2 * day_us), Watch("c", 9 * day_us, 9 * day_us + 1)])
    assert all((end_us - start_us) // STEP_US < POINTS_MAX for start_us, end_us in parts)
    assert [start_us for start_us, _ in parts[1:2]] == [parts[0][1] + STEP_US]
    assert parts[-1] == (9 * day_us, 9 * day_us + 1 + 6 * MINUTE_US)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "1: "),
        ('{"kind": "bug", "name": "b"}', "time"),
        ('{"kind": "bug", "name": "b", "time": "2026-01-01T00:00:00Z", "run_id": "other"}', "none of the databases"),
        ('{"kind": "bug", "name": "b", "time": "soon"}', "soon"),
    ],
)
def test_a_truth_file_that_is_none_is_refused_with_its_line(tmp_path: Path, line: str, says: str):
    (tmp_path / "truth.jsonl").write_text(line + "\n")
    with pytest.raises(UsageError, match=says):
        truth_of([tmp_path / "truth.jsonl"], ["run"])


def test_a_truth_file_without_runs_is_about_the_only_one_and_faults_are_no_harm(tmp_path: Path):
    """Nor is a bug that took no effect."""
    sorts = [("fault", True), ("bug", True), ("bug", False)]
    rows = [{"kind": kind, "name": "n", "target": "t", "time": "1970-01-01T00:00:01Z", "took_effect": took} for kind, took in sorts]
    (tmp_path / "truth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert truth_of([tmp_path / "truth.jsonl"], ["run"]) == [Harm("run", "n", 1_000_000, frozenset())]


# ---- the whole of it


@pytest.mark.tools
def test_recordings_with_a_bug_wake_somebody_and_clean_ones_nobody():
    """Two runs in which capacity is asked for over and over, and their twins, in a real Prometheus; the page says so."""
    planted = attempt(Batch("quota_race", "lag_counts_as_shortage", range(1, 3)))
    clean = attempt(Batch("quota_race", None, range(1, 3)))
    results = {one.alert.detector: one for one in total([planted, clean]) if one.fired or one.missed or one.false_alarms}
    caught = results["quota/lag_amplified"]
    assert (caught.fired, caught.caught, caught.missed, caught.cut_off) == (2, 2, [], 0)
    assert all(0 < delay_us <= 2 * STEP_US for delay_us in caught.delays_us)
    assert not [name for one in results.values() for name in one.false_alarms]
    assert "| TimelineQuotaLagAmplified | 0m | 2 | 2 | 0 | 0 | 0 |" in page(list(results.values()), "")


def run(*arguments: str | Path) -> Any:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.tools
def test_the_command_tries_the_rules_on_a_database(tmp_path: Path):
    events, truth, database = tmp_path / "e.jsonl", tmp_path / "t.jsonl", tmp_path / "t.duckdb"
    run("cluster", "simulate", "quota_race", "--bug", "lag_counts_as_shortage", "-o", events, "--truth", truth)
    run("ingest", events, "--db", database)
    told = {one["detector"]: one for one in json.loads(run("rules", "--backtest", database, "--truth", truth, "--json"))["alerts"]}
    assert (told["quota/lag_amplified"]["caught"], told["quota/lag_amplified"]["missed"]) == (1, [])
    assert sum(one["fired"] for one in told.values()) == sum(one["fired"] for one in told.values() if one["detector"])
    assert "TimelineQuotaLagAmplified" in run("rules", "--backtest", database)
