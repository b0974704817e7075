"""Memory and row may differ for as long as a write takes (5 s, and 5 s of grace), if the owner is alive."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log, span

DETECTOR = "warm_pool/memory_store_divergence"
HOT = """
    5s   cp-1/pool  worker/w-1  worker.activated
    5s   cp-1/pool  worker/w-1  worker.memory_moved  memory_to=hot
"""
BELIEVED = "30s cp-1/pool worker/w-1 worker.memory_moved memory_to=hot_idle"


def test_a_park_that_only_memory_knows_of_is_found():
    told = log(alive("cp-1", "120s"), HOT, BELIEVED)
    assert judged(told, DETECTOR) == [("found", "cp-1-a took worker w-1 for hot_idle for 1m30s while its row said hot")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:3", "cp-1-a/pool:1", "cp-1-a/control_plane:11"]]
    assert span(told, DETECTOR) == [("30s", None)]


def test_memory_that_follows_the_row_is_clean():
    assert judged(log(alive("cp-1", "120s"), HOT, "29s cp-1/pool worker/w-1 worker.parked", BELIEVED), DETECTOR) == []


def test_a_row_that_follows_just_in_time_is_clean():
    assert judged(log(alive("cp-1", "120s"), HOT, BELIEVED, "40s cp-1/pool worker/w-1 worker.parked"), DETECTOR) == []


def test_a_write_that_is_settled_in_the_next_upkeep_is_clean():
    """Its answer was lost; the owner reads the row again, at most an upkeep after the store answers."""
    assert judged(log(alive("cp-1", "120s"), HOT, BELIEVED, "54s cp-1/pool worker/w-1 worker.parked"), DETECTOR) == []


def test_a_claim_by_another_control_plane_makes_old_memory_irrelevant():
    moved = """
        30s  cp-1/pool  worker/w-1  worker.parked
        30s  cp-1/pool  worker/w-1  worker.memory_moved  memory_to=hot_idle
        40s  cp-2/pool  worker/w-1  worker.claimed
    """
    assert judged(log(alive("cp-1", "120s"), alive("cp-2", "120s"), HOT, moved), DETECTOR) == []


def test_a_row_that_a_reaper_ended_is_clean():
    moved = """
        30s  cp-1/pool     worker/w-1  worker.parked
        30s  cp-1/pool     worker/w-1  worker.memory_moved  memory_to=hot_idle
        95s  cp-2/janitor  worker/w-1  worker.retired
    """
    assert judged(log(alive("cp-1", "120s"), alive("cp-2", "120s"), HOT, moved), DETECTOR) == []


def test_a_worker_that_memory_has_dropped_is_clean():
    assert judged(log(alive("cp-1", "120s"), HOT, BELIEVED.replace("hot_idle", "forgotten")), DETECTOR) == []


def test_a_dead_owner_has_no_memory():
    assert judged(log(alive("cp-1", "30s"), alive("cp-2", "120s"), HOT, BELIEVED), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "40s"), HOT, BELIEVED), DETECTOR)] == ["pending"]
