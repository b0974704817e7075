"""A reaper may not end a worker under a session, nor a spawn within its budget."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "warm_pool/reaped_live_work"
SERVING = """
    5s   cp-1/pool  worker/w-1   worker.activation_started
    6s   cp-1/pool  session/s-1  session.started  >worker/w-1
"""
REAPED = "310s cp-2/janitor worker/w-1 worker.retired origin=janitor_stuck_activating reason=stuck_activating"
BROKEN = "312s cp-1/pool session/s-1 session.failed >worker/w-1"


def test_a_worker_reaped_under_its_session_is_found():
    told = log(alive("cp-1", "400s"), alive("cp-2", "400s"), SERVING, REAPED, BROKEN)
    says = "janitor_stuck_activating ended worker w-1 (stuck_activating) while session s-1 was alive on it for 5m4s already"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:2", "cp-2-a/janitor:1"]]


def test_a_worker_reaped_after_its_session_is_clean():
    ended = "309s cp-1/pool session/s-1 session.ended >worker/w-1"
    assert judged(log(alive("cp-1", "400s"), alive("cp-2", "400s"), SERVING, ended, REAPED), DETECTOR) == []


def test_a_session_that_ends_in_the_same_moment_is_clean():
    ended = "310s cp-1/pool session/s-1 session.ended >worker/w-1"
    assert judged(log(alive("cp-1", "400s"), alive("cp-2", "400s"), SERVING, ended, REAPED), DETECTOR) == []


def test_a_crashed_worker_may_be_ended_under_its_session():
    crashed = REAPED.replace("janitor_stuck_activating", "health_check_crash").replace("reason=stuck_activating", "reason=crash")
    assert judged(log(alive("cp-1", "400s"), alive("cp-2", "400s"), SERVING, crashed, BROKEN), DETECTOR) == []


def test_an_orphan_of_a_dead_owner_may_be_ended():
    orphaned = REAPED.replace("janitor_stuck_activating", "janitor_orphan").replace("reason=stuck_activating", "reason=orphaned")
    assert judged(log(alive("cp-1", "200s"), alive("cp-2", "400s"), SERVING, orphaned), DETECTOR) == []


def test_a_session_past_the_bound_of_its_drain_may_be_ended():
    draining = "10s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started bound=4m"
    assert judged(log(alive("cp-1", "400s"), alive("cp-2", "400s"), SERVING, draining, REAPED, BROKEN), DETECTOR) == []


SPAWNING = """
    5s   cp-1/pool     worker/w-2  worker.slot_created
    6s   cp-1/pool     worker/w-2  worker.spawn_started  budget=8m
"""


def test_a_spawn_ended_within_its_budget_is_found():
    reaped = "130s cp-2/janitor worker/w-2 worker.retired origin=janitor_stuck_activating reason=stuck_activating"
    told = log(alive("cp-1", "400s"), alive("cp-2", "400s"), SPAWNING, reaped)
    says = "janitor_stuck_activating ended worker w-2 (stuck_activating) while its spawn was alive on it for 2m4s already"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_spawn_that_failed_or_used_up_its_budget_may_be_ended():
    failed = "100s cp-1/pool worker/w-2 worker.spawn_failed"
    reaped = "130s cp-2/janitor worker/w-2 worker.retired origin=janitor_stuck_activating reason=stuck_activating"
    late = reaped.replace("130s", "490s")
    assert judged(log(alive("cp-1", "600s"), alive("cp-2", "600s"), SPAWNING, failed, reaped), DETECTOR) == []
    assert judged(log(alive("cp-1", "600s"), alive("cp-2", "600s"), SPAWNING, late), DETECTOR) == []


def test_a_log_that_ends_with_the_kill_says_nothing():
    """Whether the session was still there after it cannot be known yet."""
    assert judged(log(alive("cp-1", "300s"), alive("cp-2", "310s"), SERVING, REAPED), DETECTOR) == []
