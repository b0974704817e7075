"""A replica has one reservation for one intent of one generation."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, quota, released, reserved
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/duplicate_intent"


def test_a_second_reservation_beside_the_first_is_found():
    """The worked example: created, answer lost, a new leader creates another."""
    told = log(CONFIGURED, reserved("10s", "res-a"), reserved("14s", "res-b", used=2), released("16s", "res-b"))
    says = "replica r-1 had 2 reservations to place generation 42, res-a and res-b first, for 2s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["scheduler-1-a/scheduler:1", "scheduler-1-a/scheduler:2"]]
    assert span(told, DETECTOR) == [("14s", "16s")]
    assert [finding.severity for finding in detect(told, [DETECTOR]).findings] == ["invariant"]


def test_three_reservations_are_one_finding():
    told = log(CONFIGURED, reserved("10s", "res-a"), reserved("14s", "res-b"), reserved("15s", "res-c"), quota("20s", 9, 4))
    says = "replica r-1 had 3 reservations to place generation 42, res-a and res-b first, for 6s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert span(told, DETECTOR) == [("14s", None)]


def test_one_that_was_released_first_is_clean():
    told = log(CONFIGURED, reserved("10s", "res-a"), released("12s", "res-a"), reserved("14s", "res-b"), quota("20s", 9, 4))
    assert judged(told, DETECTOR) == []


def test_a_name_that_is_used_again_after_its_release_is_clean():
    told = log(CONFIGURED, reserved("10s", "res-a"), released("12s", "res-a"), reserved("14s", "res-a"), quota("20s", 9, 4))
    assert judged(told, DETECTOR) == []


def test_another_intent_generation_or_replica_is_clean():
    others = (reserved("11s", "res-b", intent="replace"), reserved("12s", "res-c", generation=43), reserved("13s", "res-d", replica="r-2"))
    assert judged(log(CONFIGURED, reserved("10s", "res-a"), *others), DETECTOR) == []


def test_a_log_that_begins_between_the_two_says_nothing():
    assert judged(log(CONFIGURED, reserved("14s", "res-b"), released("16s", "res-a")), DETECTOR) == []


def test_a_log_that_ends_before_the_second_is_clean():
    assert judged(log(CONFIGURED, reserved("10s", "res-a")), DETECTOR) == []


def test_a_log_without_reservations_is_unknown():
    assert detect(log(CONFIGURED, quota("5s", 1, 4)), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
