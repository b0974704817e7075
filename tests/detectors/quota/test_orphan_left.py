"""Room of a replica that is gone is due after 3 s and overdue after three scans more (6 s) and 1 s of grace."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, deleted, quota, released, reserved, scanned
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/orphan_left"
GONE = "\n".join([CONFIGURED, reserved("5s", "res-a"), deleted("20s")])


def test_room_that_repair_leaves_scan_after_scan_is_found():
    told = log(GONE, scanned("2s", "40s"))
    says = "reservation res-a has kept room on node-1 for 20s though r-1 is gone; repair scanned 9 times since it was due"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["workloads-1-a/rollout:1", "scheduler-1-a/scheduler:1", "repair-1-a/repair:20"]]
    assert span(told, DETECTOR) == [("20s", None)]


def test_room_that_is_given_back_far_too_late_is_found_and_over():
    told = log(GONE, scanned("2s", "60s"), released("50s", "res-a"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert span(told, DETECTOR) == [("20s", "50s")]


def test_room_that_is_given_back_by_the_next_scan_is_clean():
    assert judged(log(GONE, scanned("2s", "60s"), released("24s", "res-a")), DETECTOR) == []


def test_a_reservation_that_comes_after_the_deletion_is_an_orphan_from_its_own_beginning():
    """A write that was under way as its replica went."""
    told = log(CONFIGURED, deleted("20s"), reserved("21s", "res-a"), scanned("2s", "40s"))
    assert span(told, DETECTOR) == [("21s", None)]


def test_room_of_a_replica_that_is_there_is_clean():
    assert judged(log(CONFIGURED, reserved("5s", "res-a"), deleted("20s", "r-2"), scanned("2s", "60s")), DETECTOR) == []


def test_before_the_interval_of_repair_has_elapsed_it_is_pending():
    assert [verdict for verdict, _ in judged(log(GONE, scanned("2s", "28s")), DETECTOR)] == ["pending"]


def test_scans_that_could_list_nothing_prove_nothing():
    told = log(GONE, scanned("2s", "18s"), scanned("22s", "60s", outcome="failed"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_while_repair_is_silent_it_is_pending():
    assert [verdict for verdict, _ in judged(log(GONE, scanned("2s", "18s"), quota("60s", 9, 4)), DETECTOR)] == ["pending"]


def test_a_log_without_the_deletion_is_clean():
    assert judged(log(CONFIGURED, reserved("5s", "res-a"), scanned("2s", "60s")), DETECTOR) == []


def test_without_the_thresholds_it_is_unknown():
    assert detect(log(reserved("5s", "res-a"), deleted("20s")), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
