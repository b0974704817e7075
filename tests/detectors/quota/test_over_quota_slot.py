"""As many replicas of a tenant are bound in a zone as its quota has slots, and no more."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, bound, quota, reserved, unbound
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/over_quota_slot"
FULL = "\n".join([CONFIGURED, quota("5s", 1, 1), reserved("10s", "res-a", slots=1), bound("11s", "b-1", "node-1")])


def test_a_binding_past_the_quota_is_found():
    told = log(FULL, bound("12s", "b-2", "node-2"), unbound("20s", "b-2", "node-2"))
    assert judged(told, DETECTOR) == [("found", "quota risk.zone-c had 2 bound replicas with 1 slots at most, for 8s")]
    assert evidence(told, DETECTOR) == [["scheduler-1-a/scheduler:3"]]
    assert span(told, DETECTOR) == [("12s", "20s")]


def test_a_binding_of_a_replica_that_never_had_a_reservation_is_found():
    told = log(FULL, bound("12s", "b-2", "node-2", replica="r-2"), quota("20s", 3, 1, used=1))
    assert judged(told, DETECTOR) == [("found", "quota risk.zone-c had 2 bound replicas with 1 slots at most, for 8s")]
    assert span(told, DETECTOR) == [("12s", None)]


def test_the_time_between_two_excesses_is_not_counted_as_one():
    twice = (bound("12s", "b-2", "node-2"), unbound("14s", "b-2", "node-2"), bound("30s", "b-3", "node-2"), unbound("31s", "b-3", "node-2"))
    told = log(FULL, *twice)
    assert judged(told, DETECTOR) == [("found", "quota risk.zone-c had 2 bound replicas with 1 slots at most, for 2s")]
    assert span(told, DETECTOR) == [("12s", "14s")]


def test_as_many_as_there_are_slots_are_clean():
    assert judged(log(FULL, quota("30s", 3, 1, used=1)), DETECTOR) == []


def test_one_that_was_unbound_makes_room():
    assert judged(log(FULL, unbound("12s", "b-1", "node-1"), bound("13s", "b-2", "node-2")), DETECTOR) == []


def test_a_quota_that_is_lowered_later_is_no_excess():
    assert judged(log(FULL, quota("20s", 3, 0, used=1)), DETECTOR) == []


def test_a_log_that_begins_after_the_quota_was_lowered_accuses_nobody():
    """Three were allowed once; the log has only the quota of one slot, and that three are taken of it."""
    bindings = [reserved("10s", "res-a", slots=1, used=3), *(bound(f"1{n}s", f"b-{n}", "node-1", replica=f"r-{n}") for n in (1, 2, 3))]
    rooms = [reserved(f"1{n}s", f"res-{n}", replica=f"r-{n}", slots=1, used=3) for n in (2, 3)]
    assert judged(log(CONFIGURED, *bindings, *rooms), DETECTOR) == []


def test_a_log_that_begins_between_reservations_and_bindings_accuses_nobody():
    """Three slots were allowed once, and reserved before the log begins; the first that it has of the quota is two of them given back."""
    bindings = [bound(f"1{n}s", f"b-{n}", "node-1", replica=f"r-{n}") for n in (1, 2, 3)]
    gone = [unbound("20s", "b-1", "node-1", replica="r-1"), unbound("20s", "b-2", "node-1", replica="r-2")]
    assert judged(log(CONFIGURED, *bindings, *gone, quota("21s", 9, 1, used=1)), DETECTOR) == []


def test_a_log_that_ends_before_the_binding_is_clean():
    assert judged(log(CONFIGURED, quota("5s", 1, 1), reserved("10s", "res-a", slots=1)), DETECTOR) == []


def test_a_log_without_bindings_is_unknown():
    assert detect(log(CONFIGURED, quota("5s", 1, 4)), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
