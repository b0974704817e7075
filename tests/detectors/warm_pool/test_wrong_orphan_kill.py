"""Nobody is an orphan whose owner gave a sign of life within the expiry (20 s)."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "warm_pool/wrong_orphan_kill"
PARKED = """
    5s   cp-1/pool  worker/w-1  worker.activated
    10s  cp-1/pool  worker/w-1  worker.parked
"""
REAPED = "53s cp-2/janitor worker/w-1 worker.retired origin=janitor_orphan reason=orphaned"


def test_an_orphan_kill_under_a_living_owner_is_found():
    told = log(alive("cp-1", "100s"), alive("cp-2", "100s"), PARKED, REAPED)
    assert judged(told, DETECTOR) == [("found", "janitor_orphan ended worker w-1 as an orphan 3s after a heartbeat of its owner cp-1-a")]
    assert evidence(told, DETECTOR) == [["cp-1-a/control_plane:12", "cp-2-a/janitor:1"]]


def test_an_orphan_kill_after_the_owner_is_gone_is_clean():
    assert judged(log(alive("cp-1", "30s"), alive("cp-2", "100s"), PARKED, REAPED), DETECTOR) == []


def test_an_owner_that_is_silent_for_just_its_expiry_may_lose_its_workers():
    reaped = REAPED.replace("53s", "50s")
    assert judged(log(alive("cp-1", "30s"), alive("cp-2", "100s"), PARKED, reaped), DETECTOR) == []
    just_before = REAPED.replace("53s", "49s")
    assert len(judged(log(alive("cp-1", "30s"), alive("cp-2", "100s"), PARKED, just_before), DETECTOR)) == 1


def test_an_owner_that_was_expired_by_rule_may_lose_its_workers():
    """A drain past its bound is expired while it still gives signs of life."""
    expired = "40s cp-2/janitor control_plane/cp-1-a control_plane.expired"
    assert judged(log(alive("cp-1", "100s"), alive("cp-2", "100s"), PARKED, expired, REAPED), DETECTOR) == []


def test_an_owner_that_stopped_may_lose_its_workers():
    stopped = "51s cp-1/control_plane control_plane/cp-1-a control_plane.stopped"
    assert judged(log(alive("cp-1", "50s"), alive("cp-2", "100s"), PARKED, stopped, REAPED), DETECTOR) == []


def test_a_worker_reaped_for_its_age_is_clean():
    aged = REAPED.replace("janitor_orphan reason=orphaned", "janitor_hot_idle_ttl reason=hot_idle_ttl_expired")
    assert judged(log(alive("cp-1", "100s"), alive("cp-2", "100s"), PARKED, aged), DETECTOR) == []


def test_a_log_that_ends_before_the_kill_is_clean():
    assert judged(log(alive("cp-1", "50s"), alive("cp-2", "50s"), PARKED), DETECTOR) == []
