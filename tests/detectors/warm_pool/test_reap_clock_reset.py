"""A parked worker past its TTL and two ticks (71 s), whose row was rewritten so that its age began again, though sweeps ran."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log, swept

DETECTOR = "warm_pool/reap_clock_reset"
PARKED = """
    5s   cp-1/pool     worker/w-1             worker.activated
    10s  cp-1/pool     worker/w-1             worker.parked  ttl=1m
    11s  cp-1/janitor  control_plane/cp-0-a   control_plane.expired
"""
REFRESHED = "\n".join(f"{at}s cp-1/pool worker/w-1 worker.refreshed moved_basis=true" for at in (50, 100))
SWEPT = swept("cp-1", "janitor", "12s", "142s", "5s")


def test_a_worker_whose_refreshes_move_its_age_is_found():
    told = log(alive("cp-1", "150s"), PARKED, REFRESHED, SWEPT)
    assert judged(told, DETECTOR) == [
        ("found", "worker w-1 sat hot_idle for 2m20s with a TTL of 1m: 2 rewrites of its row moved the clock of its age")
    ]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:2", "cp-1-a/pool:3", "cp-1-a/janitor:14"]]


def test_refreshes_that_leave_the_age_alone_are_clean():
    assert judged(log(alive("cp-1", "150s"), PARKED, REFRESHED.replace("true", "false"), SWEPT), DETECTOR) == []


def test_a_worker_reaped_within_two_ticks_is_clean():
    assert judged(log(alive("cp-1", "150s"), PARKED, REFRESHED, SWEPT, "80s cp-1/janitor worker/w-1 worker.retired"), DETECTOR) == []


def test_a_worker_that_no_sweep_looked_at_is_the_leaders_fault():
    assert judged(log(alive("cp-1", "150s"), PARKED, REFRESHED), DETECTOR) == []


def test_a_worker_that_a_floor_keeps_is_clean():
    kept = "\n".join(f"{at}s cp-1/janitor worker/w-1 worker.retire_skipped reason=floor" for at in range(72, 150, 5))
    assert judged(log(alive("cp-1", "150s"), PARKED, REFRESHED, SWEPT, kept), DETECTOR) == []


def test_a_log_that_ends_within_two_ticks_is_pending():
    told = log(alive("cp-1", "75s"), PARKED, REFRESHED.splitlines()[0], swept("cp-1", "janitor", "12s", "77s", "5s"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
