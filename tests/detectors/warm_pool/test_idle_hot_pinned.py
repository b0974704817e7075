"""A hot worker without a session is parked by the next upkeep of the pool; four of them (40 s) are too many."""

from __future__ import annotations

from tests.detectors.telling import alive, detect, evidence, judged, log, span

DETECTOR = "warm_pool/idle_hot_pinned"
SERVED = """
    5s   cp-1/pool  worker/w-1   worker.activated
    6s   cp-1/pool  session/s-1  session.started  >worker/w-1
    30s  cp-1/pool  session/s-1  session.ended    >worker/w-1
"""


def test_a_hot_worker_that_is_not_parked_after_its_last_session_is_found():
    told = log(alive("cp-1", "120s"), SERVED)
    says = "worker w-1 was hot without a session for 1m30s on cp-1-a, which looks at its pool every 10s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:3", "cp-1-a/control_plane:17"]]
    assert span(told, DETECTOR) == [("30s", None)]


def test_a_draining_owner_makes_it_critical():
    told = log(alive("cp-1", "120s"), SERVED, "20s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started")
    assert [finding.severity for finding in detect(told, [DETECTOR]).findings] == ["critical"]


def test_a_worker_parked_after_its_last_session_is_clean():
    assert judged(log(alive("cp-1", "120s"), SERVED, "31s cp-1/pool worker/w-1 worker.parked"), DETECTOR) == []


def test_a_worker_parked_in_the_fourth_upkeep_is_clean():
    assert judged(log(alive("cp-1", "120s"), SERVED, "71s cp-1/pool worker/w-1 worker.parked"), DETECTOR) == []


def test_a_worker_that_serves_all_the_time_is_clean():
    assert judged(log(alive("cp-1", "120s"), *SERVED.splitlines()[:3]), DETECTOR) == []


def test_a_worker_set_aside_for_a_session_is_clean():
    claimed = "35s cp-1/pool session/s-2 session.preclaimed >worker/w-1\n110s cp-1/pool session/s-2 session.started >worker/w-1"
    assert judged(log(alive("cp-1", "120s"), SERVED, claimed), DETECTOR) == []


def test_a_park_that_the_store_refuses_for_now_is_clean():
    tried = "\n".join(f"{at}s cp-1/pool worker/w-1 worker.commit_failed" for at in range(30, 121, 10))
    assert judged(log(alive("cp-1", "120s"), SERVED, tried), DETECTOR) == []


def test_a_worker_that_memory_takes_for_parked_is_another_detectors():
    assert judged(log(alive("cp-1", "120s"), SERVED, "31s cp-1/pool worker/w-1 worker.memory_moved memory_to=hot_idle"), DETECTOR) == []


def test_a_log_that_ends_within_four_upkeeps_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "60s"), SERVED), DETECTOR)] == ["pending"]


def test_a_log_that_begins_in_mid_session_is_clean():
    """The worker is hot before the first write that is here, so nobody knows what it serves."""
    refreshed = "5s cp-1/pool worker/w-1 worker.refreshed from_state=hot to_state=hot"
    assert judged(log(alive("cp-1", "120s"), refreshed), DETECTOR) == []
