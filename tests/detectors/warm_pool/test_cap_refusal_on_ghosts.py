"""A refusal for capacity may count a ghost for a tick, a call and a write (20 s) and 1 s of grace; then it is a fault."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "warm_pool/cap_refusal_on_ghosts"
FAILED = """
    5s   cp-1/pool  worker/w-1  worker.slot_created
    20s  cp-1/pool  worker/w-1  worker.spawn_failed
"""


def refused(at: int) -> str:
    return f"{at}s cp-1/pool session/s-{at} acquire.capacity_refused counted=1 >counted:worker/w-1"


def test_refusals_that_count_a_failed_spawn_are_found_once():
    told = log(alive("cp-1", "120s"), FAILED, refused(50), refused(60))
    says = "acme was refused 2 times with worker w-1 among the counted, although its spawn had failed 30s before the first"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:3", "cp-1-a/pool:2"]]


def test_a_refusal_that_counts_an_ended_row_is_found():
    told = log(alive("cp-1", "120s"), "5s cp-1/pool worker/w-1 worker.activated", "10s cp-1/pool worker/w-1 worker.retired", refused(50))
    says = "acme was refused 1 times with worker w-1 among the counted, although its row had ended 40s before the first"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_refusal_that_counts_the_worker_of_a_dead_owner_is_found():
    hot = "5s cp-2/pool worker/w-1 worker.activated\n6s cp-1/pool worker/w-2 worker.activated"
    told = log(alive("cp-2", "10s"), alive("cp-1", "200s"), hot, refused(150))
    says = "acme was refused 1 times with worker w-1 among the counted, although its owner had gone silent 2m20s before the first"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_refusal_that_counts_the_living_is_clean():
    assert judged(log(alive("cp-1", "120s"), "5s cp-1/pool worker/w-1 worker.activated", refused(50)), DETECTOR) == []


def test_a_refusal_just_after_the_failure_is_clean():
    assert judged(log(alive("cp-1", "120s"), FAILED, refused(41)), DETECTOR) == []


def test_a_log_that_ends_before_any_refusal_is_clean():
    assert judged(log(alive("cp-1", "120s"), FAILED), DETECTOR) == []
