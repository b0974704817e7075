"""A slot may not be made past the cap in force at that moment."""

from __future__ import annotations

from tests.detectors.telling import alive, detect, evidence, judged, log, span

DETECTOR = "warm_pool/cap_bypass"


def slots(*at: int, cap: int = 2) -> str:
    return "\n".join(f"{second}s cp-1/pool worker/w-{number} worker.slot_created cap={cap}" for number, second in enumerate(at, 1))


def test_a_slot_made_past_the_cap_is_found():
    told = log(alive("cp-1", "60s"), slots(10, 11, 12), "40s cp-1/pool worker/w-1 worker.retired")
    assert judged(told, DETECTOR) == [("found", "org acme had 3 active workers against a cap of 2, for 28s")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:3"]]
    assert span(told, DETECTOR) == [("12s", "40s")]
    assert [finding.severity for finding in detect(told, [DETECTOR]).findings] == ["invariant"]


def test_as_many_slots_as_the_cap_allows_are_clean():
    assert judged(log(alive("cp-1", "60s"), slots(10, 11)), DETECTOR) == []


def test_a_parked_worker_makes_room():
    parked = "20s cp-1/pool worker/w-1 worker.parked"
    assert judged(log(alive("cp-1", "60s"), slots(10, 11, 30), parked), DETECTOR) == []


def test_a_cap_that_is_lowered_later_is_no_bypass():
    refused = "30s cp-1/pool session/s-9 acquire.capacity_refused cap=1 counted=2"
    assert judged(log(alive("cp-1", "60s"), slots(10, 11), refused), DETECTOR) == []


def test_a_bypass_that_lasts_as_the_log_ends_is_found_and_open():
    assert span(log(alive("cp-1", "60s"), slots(10, 11, 12)), DETECTOR) == [("12s", None)]


def test_a_log_that_ends_before_the_slot_too_many_is_clean():
    assert judged(log(alive("cp-1", "11s"), slots(10, 11)), DETECTOR) == []
