"""Findings as a contract: their fields, their ids, their verdicts, and what is refused."""

from __future__ import annotations

import json
import re

import pytest

from ingest.errors import UsageError
from tests.detectors.telling import alive, alone, in_order
from tests.story import database, tell
from timeline import catalog
from timeline.findings import SEVERITIES, Report, at_least, detect, detect_each, needed

STALE = "warm_pool/stale_hot_idle"
PARKED = """
    5s   cp-1/pool  worker/w-1  worker.activated
    10s  cp-1/pool  worker/w-1  worker.parked  ttl=1m
"""


def test_a_finding_in_json_has_the_fields_of_the_contract():
    (finding,) = json.loads(detect(alone(alive("cp-1", "300s"), PARKED), [STALE]).model_dump_json())["findings"]
    assert finding == {
        "finding_id": finding["finding_id"],
        "run_id": "run",
        "detector": STALE,
        "severity": "warning",
        "verdict": "found",
        "subject": {"kind": "worker", "id": "w-1"},
        "since": "2026-01-01T00:00:10.000000Z",
        "until": None,
        "evidence": ["cp-1-a/pool:2"],
        "says": "worker w-1 sat hot_idle for 4m50s, 3m50s past its TTL of 1m",
        "cost": {"unit": "vcpu_seconds", "amount": 1840.0},
        "data": {"ttl_us": 60_000_000, "overstay_us": 230_000_000},
    }
    assert re.fullmatch("[0-9a-f]{12}", finding["finding_id"])


def test_a_report_survives_its_own_json():
    report = detect(alone(alive("cp-1", "300s"), PARKED))
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_finding_keeps_its_id_while_the_log_grows():
    shorter, longer = (detect(alone(alive("cp-1", until), PARKED), [STALE]).findings[0] for until in ("250s", "400s"))
    assert shorter.finding_id == longer.finding_id
    assert shorter.says != longer.says


def test_a_log_is_judged_as_it_was_at_a_moment():
    told = alone(alive("cp-1", "300s"), PARKED)
    then = detect(told, [STALE], as_of_us=detect(told).findings[0].since + 100_000_000)
    assert (then.verdicts, [finding.says for finding in then.findings]) == ({STALE: "clean"}, [])
    assert detect(told, [STALE]).verdicts == {STALE: "found"}


def test_certain_findings_come_first_and_the_worst_of_them_first():
    leak = "20s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started bound=10m"
    report = detect(alone(alive("cp-1", "300s"), PARKED, leak, "5s cp-1/pool worker/w-2 worker.activated"))
    assert [(finding.verdict, finding.severity) for finding in report.findings] == [
        ("found", "critical"),
        ("found", "warning"),
        ("pending", "warning"),
    ]


def test_only_the_run_that_is_asked_for_is_judged():
    told = alone(alive("cp-1", "300s"), PARKED, "5s cp-9/pool worker/w-9 worker.parked run=other")
    assert {finding.run_id for finding in detect(told, [STALE], run_id="other").findings} == set()
    assert detect(told, [STALE], run_id="other").verdicts == {STALE: "unknown"}
    assert detect(told, [STALE], run_id="run").verdicts == {STALE: "found"}


def test_a_run_of_another_system_leaves_a_verdict_as_it_is():
    """A detector of the warm pool is not blind because a run beside it has no warm pool at all."""
    told = alone(alive("cp-1", "100s"), "5s cp-1/pool worker/w-1 worker.activated", "5s api/web order/o-1 order.placed run=other")
    verdicts = detect(told, [STALE]).verdicts
    assert verdicts == {STALE: "clean"}
    assert detect(told, [STALE], run_id="other").verdicts == {STALE: "unknown"}


def test_several_runs_are_judged_at_once_as_each_is_alone():
    """One leaks, of another events are missing, and a third has nothing that detectors of the first family could judge."""
    torn = [
        f"{line} run=torn"
        for line in in_order(alive("cp-2", "300s"), PARKED.replace("cp-1", "cp-2"), "20s cp-2/pool worker/w-1 worker.refreshed seq=9")
    ]
    told = alone(alive("cp-1", "300s"), PARKED, *torn, "5s api/web order/o-1 order.placed run=other")
    runs = ["run", "torn", "other"]
    assert dict(detect_each(told, runs)) == {run: detect(told, run_id=run) for run in runs}


def test_missing_events_of_those_who_decide_make_a_finding_unknown():
    """What was not done and what was not recorded look alike: in an event that is lost, the pool may have reclaimed the worker."""
    told = tell("\n".join(in_order(alive("cp-1", "300s"), PARKED, "290s cp-1/pool worker/w-2 worker.activated")))
    assert [one.verdict for one in detect(database(told), [STALE]).findings] == ["found"]
    lost = [event.model_copy(update={"seq": 4}) if event.subject.id == "w-2" else event for event in told]
    (finding,) = detect(database(lost), [STALE]).findings
    assert finding.verdict == "unknown"
    assert finding.says.endswith("; but events 3 to 3 of cp-1/pool are missing there")


def test_missing_events_of_those_who_do_not_decide_change_nothing():
    """A lost line of the elector says nothing about a parked worker."""
    told = tell("\n".join(in_order(alive("cp-1", "300s"), PARKED, "9s cp-1/elector lease/janitor lease.attempted")))
    lost = [event.model_copy(update={"seq": 4}) if event.actor == "cp-1/elector" else event for event in told]
    assert [one.verdict for one in detect(database(lost), [STALE]).findings] == ["found"]


def test_an_empty_log_is_clean_of_nothing():
    """What has no evidence is unknown, never clean."""
    report = detect(alone())
    assert set(report.verdicts.values()) == {"unknown"}
    assert (report.as_of, report.findings) == (None, [])


def test_a_parameter_moves_the_threshold():
    told = alone(alive("cp-1", "205s"), PARKED)
    assert detect(told, [STALE]).verdicts == {STALE: "found"}
    assert detect(told, [STALE], {f"{STALE}.grace_us": 20_000_000}).verdicts == {STALE: "pending"}


@pytest.mark.parametrize(
    ("detectors", "params", "complaint"),
    [
        (["warm_pool/stale_hot_idel"], {}, "there is no 'warm_pool/stale_hot_idel'; there are warm_pool/stale_hot_idle"),
        ([STALE], {f"{STALE}.grace": 1}, f"no chosen detector has it; there are {STALE}.grace_us"),
        ([STALE], {"warm_pool/orphan_owner.grace_us": 1}, "no chosen detector has it"),
        ([STALE], {f"{STALE}.grace_us": -1}, "write a whole number from 0 to 2^62"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can(detectors: list[str], params: dict[str, int], complaint: str):
    with pytest.raises(UsageError) as refused:
        detect(alone(), detectors, params)
    assert complaint in str(refused.value)


def test_severities_have_an_order():
    assert [at_least(severity, "critical") for severity in SEVERITIES] == [False, False, True, True]
    with pytest.raises(UsageError):
        at_least("info", "loud")


def test_a_detector_needs_its_tables_and_every_timing_that_it_reads():
    """A timing that nobody declared makes every comparison with it null: the detector must then be unknown, not clean."""
    timings = {"run_config.fallback_tick_us", "run_config.hot_idle_ttl_us"}
    assert needed(catalog.read(catalog.DETECTORS)[STALE]) == {"worker_state_interval", *timings}
