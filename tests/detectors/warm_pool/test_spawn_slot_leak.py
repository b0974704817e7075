"""A failed spawn gives its slot back: a tick, a call, a write (20 s) and 1 s of grace, if its control plane lives on."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "warm_pool/spawn_slot_leak"
FAILED = """
    5s   cp-1/pool  worker/w-1  worker.slot_created
    6s   cp-1/pool  worker/w-1  worker.spawn_started
    20s  cp-1/pool  worker/w-1  worker.spawn_failed  reason=pod_create
"""


def test_a_slot_that_a_failed_spawn_keeps_is_found():
    told = log(alive("cp-1", "120s"), FAILED)
    assert judged(told, DETECTOR) == [("found", "the spawn of worker w-1 failed (pod_create) and its slot of acme was kept for 1m40s")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:3", "cp-1-a/pool:1", "cp-1-a/control_plane:11"]]


def test_a_slot_that_is_freed_is_clean():
    assert judged(log(alive("cp-1", "120s"), FAILED, "21s cp-1/pool worker/w-1 worker.slot_freed"), DETECTOR) == []


def test_a_slot_that_is_freed_just_in_time_is_clean():
    assert judged(log(alive("cp-1", "120s"), FAILED, "41s cp-1/pool worker/w-1 worker.slot_freed"), DETECTOR) == []


def test_a_slow_spawn_within_its_budget_is_clean():
    assert judged(log(alive("cp-1", "400s"), *FAILED.splitlines()[:3]), DETECTOR) == []


def test_a_slot_that_the_store_will_not_take_back_for_now_is_clean():
    assert judged(log(alive("cp-1", "120s"), FAILED, "25s cp-1/pool worker/w-1 worker.commit_failed"), DETECTOR) == []


def test_a_control_plane_that_died_cannot_free_it():
    assert judged(log(alive("cp-1", "20s"), alive("cp-2", "120s"), FAILED), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "40s"), FAILED), DETECTOR)] == ["pending"]
