"""Logs that nobody here wrote, judged by the generic detectors: the facts of their manifest, no more and no less."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.load import Report
from tests.detectors.generic.declared import GENERIC
from tests.ingest.timelines import timeline_of
from timeline.api import Timeline
from timeline.findings import Finding

LOCK_ERROR, LOCK_HAPPY = (f"lock-lease/lock_server_1lock_{which}.log.gz" for which in ("error", "happy"))


@contextmanager
def judged(source: Path, mapping: str | None = None) -> Iterator[tuple[Report, Timeline, list[Finding]]]:
    """A log, loaded and judged by every generic detector."""
    report, timeline = timeline_of(source, mapping=mapping)
    with timeline:
        yield report, timeline, timeline.detect(GENERIC).findings


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """Detector, verdict and subject of each finding, in order of names."""
    return sorted((finding.detector.removeprefix("generic/"), finding.verdict, finding.subject.id) for finding in findings)


def accused_lines(timeline: Timeline, findings: list[Finding], log: bytes) -> dict[str, int]:
    """Detector to the number of the line that it accuses: the last of its evidence."""
    offsets = dict(timeline.sql("SELECT event_id, byte_offset FROM event").rows())
    return {one.detector: log[: offsets[one.evidence[-1]]].count(b"\n") + 1 for one in findings if one.verdict == "found"}


def test_the_lock_log_has_its_three_violations_and_no_more(shared_data: Path):
    """Line 1876 a double grant, line 11066 a refusal of a free lock, line 16954 a release by one that does not hold it."""
    log = gzip.decompress((shared_data / LOCK_ERROR).read_bytes())
    with judged(shared_data / LOCK_ERROR, "lock_log") as (report, asked, findings):
        assert (report.lines, report.events, report.blank, report.quarantined) == (20014, 20003, 11, 0)
        assert said(findings) == [
            ("double_holder", "found", "lock-0"),
            ("ended_without_start", "found", "lock-0"),
            ("refused_while_free", "found", "lock-0"),
        ]
        assert accused_lines(asked, findings, log) == {
            "generic/double_holder": 1876,
            "generic/refused_while_free": 11066,
            "generic/ended_without_start": 16954,
        }
        unasked = asked.sql("SELECT answered_us, answer FROM hold_attempt WHERE asked_event_id IS NULL").rows()
        assert [answer for _, answer in unasked] == ["acquired"], "one response has no request: the double grant"


def test_the_happy_lock_log_has_none(shared_data: Path):
    """838 grants, 837 releases, and client 2 holds the lock at the end."""
    with judged(shared_data / LOCK_HAPPY, "lock_log") as (report, asked, findings):
        assert (report.lines, report.events, report.quarantined) == (20001, 20000, 0)
        assert findings == []
        counted = "SELECT count(*) FILTER (WHERE kind = 'lock.granted'), count(*) FILTER (WHERE kind = 'lock.released') FROM event"
        assert asked.sql(counted).row(0) == (838, 837)
        assert asked.sql("SELECT holder FROM hold_interval WHERE ended_by = 'open'").rows() == [("client-2",)]


@pytest.mark.parametrize("violation", [1876, 11066, 16954])
@pytest.mark.parametrize("shift", [-40, -3, 0, 4])
def test_a_lock_log_cut_anywhere_accuses_of_nothing_new(shared_data: Path, tmp_path: Path, violation: int, shift: int):
    """Begun or ended near a violation, the log has no finding at a line that the whole log has none at."""
    lines = gzip.decompress((shared_data / LOCK_ERROR).read_bytes()).split(b"\n")
    whole = {lines[number - 1] for number in (1876, 11066, 16954)}
    for first, last in ((violation + shift, violation + 600), (violation - 600, violation + shift)):
        cut = b"\n".join(lines[first - 1 : last]) + b"\n"
        (tmp_path / f"cut-{first}.log").write_bytes(cut)
        with judged(tmp_path / f"cut-{first}.log", "lock_log") as (_, asked, findings):
            accused = accused_lines(asked, findings, cut)
        assert {cut.split(b"\n")[number - 1] for number in accused.values()} <= whole


def test_the_pair_log_has_its_six_bad_keys_and_no_more(shared_data: Path):
    with judged(shared_data / "start-end-pairs/error-unsorted", "pairs_log") as (report, _, findings):
        assert (report.files, report.lines, report.events, report.quarantined) == (10, 10050, 10050, 0)
        assert said(findings) == [
            ("ended_without_start", "found", "1-2483"),
            ("ended_without_start", "found", "3-855"),
            ("ended_without_start", "found", "6-2483"),
            ("never_ended", "found", "2-311"),
            ("never_ended", "found", "4-1827"),
            ("never_ended", "found", "5-148"),
        ]
    told = (shared_data / "start-end-pairs/upstream-verdicts.txt").read_text().replace(",", "")
    assert {f"{key}-{number}" for key, number in re.findall(r"key (\d+) event (\d+)", told)} == {each for _, _, each in said(findings)}


def test_the_happy_pair_log_has_none(shared_data: Path):
    with judged(shared_data / "start-end-pairs/happy-unsorted", "pairs_log") as (report, _, findings):
        assert (report.events, findings) == (10050, [])


def test_a_pair_log_without_its_beginning_accuses_only_of_what_it_shows(shared_data: Path, tmp_path: Path):
    """Not said to be whole, and its first two seconds cut off: an end without a start may have begun before."""
    from ingest import mapping

    text = Path(mapping.__file__).with_name("mappings").joinpath("pairs_log.toml").read_text().replace("is_whole = true", "")
    (tmp_path / "cut.toml").write_text(text)
    rows = [row for file in sorted((shared_data / "start-end-pairs/error-unsorted").iterdir()) for row in file.read_text().splitlines()]
    (tmp_path / "cut.csv").write_text("\n".join(row for row in rows if int(row.split(",")[0]) >= 1706652315462) + "\n")
    with judged(tmp_path / "cut.csv", str(tmp_path / "cut.toml")) as (_, _, findings):
        assert said(findings) == [
            ("ended_without_start", "found", "3-855"),
            ("never_ended", "found", "4-1827"),
            ("never_ended", "found", "5-148"),
        ]


def test_pods_that_were_never_bound_and_never_started_are_found_and_no_other(shared_data: Path):
    with judged(shared_data / "k8s-events/troubleshoot-failed-mount.events.json") as (_, _, findings):
        assert [(detector, verdict, pod.partition("@")[0]) for detector, verdict, pod in said(findings)] == [
            ("never_placed", "found", "pending-pod-resources-5fddcf7688-59zjj"),
            ("never_placed", "found", "pending-pod-resources-5fddcf7688-wzvfz"),
            ("never_started", "found", "no-image-deployment-849c4c4958-7fp5q"),
            ("never_started", "found", "no-image-deployment-849c4c4958-l595s"),
            ("never_started", "found", "no-image-deployment-849c4c4958-lm8qp"),
        ]


def test_a_pod_whose_log_ends_too_early_is_pending(shared_data: Path):
    """The log ends 100 s after the pod got its place; it has 10 minutes to run."""
    with judged(shared_data / "k8s-events/troubleshoot-image-pull-fail.events.json") as (_, _, findings):
        assert [(detector, verdict, pod.partition("@")[0]) for detector, verdict, pod in said(findings)] == [
            ("never_placed", "found", "pending-pod-resources-5fddcf7688-djjfc"),
            ("never_started", "pending", "no-image-deployment-849c4c4958-rxqmt"),
        ]


def test_requests_that_were_answered_are_no_leaks(shared_data: Path):
    """37 requests, all complete: nothing is open, and an answer whose question the log leaves out is no fault."""
    with judged(shared_data / "k8s-audit/audit2rbac-demo.audit.jsonl") as (_, _, findings):
        assert findings == []


def test_an_open_watch_is_told_as_open_and_never_as_a_leak(tmp_path: Path):
    """A watch that is still answered when the log ends, and a later one that was answered to its end."""
    base = {"verb": "watch", "requestURI": "/api/v1/pods", "user": {"username": "bob"}, "objectRef": {"resource": "pods"}}
    stages = [("w-1", "ResponseStarted", 0), ("w-2", "ResponseStarted", 1), ("w-2", "ResponseComplete", 9)]
    stamped = [{**base, "auditID": audit, "stage": stage, "stageTimestamp": f"2024-01-01T0{at}:00:00Z"} for audit, stage, at in stages]
    (tmp_path / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in stamped))
    with judged(tmp_path / "audit.jsonl") as (_, _, findings):
        assert said(findings) == [("never_ended", "pending", "w-1")]
        assert [finding.until for finding in findings] == [None]
        assert [finding.says for finding in findings] == ["request w-1 was started and is open (9h)"]
