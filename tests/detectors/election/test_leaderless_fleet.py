"""Nobody leads for longer than a failover (30 s), and something is overdue for two fallback passes (2 min) in that time."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "election/leaderless_fleet"
LED = """
    1s   cp-1/elector  lease/janitor  lease.acquired
    15s  cp-1/elector  lease/janitor  lease.renewed
    30s  cp-1/elector  lease/janitor  lease.lost
"""
PARKED = """
    10s  cp-2/pool     worker/w-1     worker.activated
    20s  cp-2/pool     worker/w-1     worker.parked  ttl=60s
"""


def test_a_gap_in_which_a_parked_worker_is_long_overdue_is_found():
    told = log(alive("cp-1", "300s"), alive("cp-2", "300s"), LED, PARKED)
    assert judged(told, DETECTOR) == [("found", "nobody held the lease janitor for 4m30s, and 1 workers were overdue, w-1 first")]
    assert evidence(told, DETECTOR) == [["cp-1-a/elector:3", "cp-2-a/pool:2"]]


def test_a_gap_in_which_an_orphan_is_overdue_is_found():
    """cp-3 dies at 40 s: due 50 s later, overdue two minutes after that."""
    orphan = "35s cp-3/pool worker/w-3 worker.activated"
    told = log(alive("cp-1", "300s"), alive("cp-3", "40s"), LED, orphan)
    assert judged(told, DETECTOR) == [("found", "nobody held the lease janitor for 4m30s, and 1 workers were overdue, w-3 first")]


def test_a_long_gap_whose_backlog_the_fallback_clears_is_clean():
    reaped = "130s cp-2/reaper worker/w-1 worker.retired origin=per_cp_hot_idle_ttl"
    assert judged(log(alive("cp-1", "300s"), alive("cp-2", "300s"), LED, PARKED, reaped), DETECTOR) == []


def test_a_backlog_cleared_just_before_it_is_overdue_is_clean():
    """Due at 80 s, overdue after two minutes and a second of grace."""
    reaped = "201s cp-2/reaper worker/w-1 worker.retired origin=per_cp_hot_idle_ttl"
    assert judged(log(alive("cp-1", "300s"), alive("cp-2", "300s"), LED, PARKED, reaped), DETECTOR) == []


def test_an_ordinary_failover_is_clean():
    heir = "52s cp-2/elector lease/janitor lease.acquired\n" + "\n".join(
        f"{at}s cp-2/elector lease/janitor lease.renewed" for at in range(57, 301, 5)
    )
    assert judged(log(alive("cp-1", "300s"), alive("cp-2", "300s"), LED, PARKED, heir), DETECTOR) == []


def test_a_worker_that_a_floor_keeps_is_no_backlog():
    kept = "\n".join(f"{at}s cp-2/reaper worker/w-1 worker.retire_skipped reason=floor" for at in range(85, 301, 60))
    claimed = "0s cp-2/reaper worker/w-9 worker.retired"
    assert judged(log(alive("cp-1", "300s"), alive("cp-2", "300s"), LED, PARKED, kept, claimed), DETECTOR) == []


def test_a_log_that_ends_before_the_backlog_is_overdue_is_pending():
    told = log(alive("cp-1", "150s"), alive("cp-2", "150s"), LED, PARKED)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
