"""A drain ends within its bound (100 s here), two ticks and a failover (25 s): 135 s."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log, span

DETECTOR = "control_loop/drain_never_ends"
HOT = """
    5s   cp-1/pool  worker/w-1   worker.activated
    6s   cp-1/pool  session/s-1  session.started  >worker/w-1
"""
DRAINING = "20s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started bound=100s"
UNBOUNDED = DRAINING.replace("bound=100s", "bound=0s")


def test_a_drain_past_its_bound_is_found():
    told = log(alive("cp-1", "200s"), HOT, DRAINING)
    says = "control_plane cp-1-a has drained for 3m, with a bound of 1m40s, and still owned 1 workers, w-1 among them"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/control_plane:7", "cp-1-a/pool:1"]]


def test_a_drain_that_ends_just_in_time_is_clean():
    stopped = "155s cp-1/control_plane control_plane/cp-1-a control_plane.stopped"
    assert judged(log(alive("cp-1", "150s"), alive("cp-2", "300s"), HOT, DRAINING, stopped), DETECTOR) == []


def test_a_drain_that_somebody_ends_by_force_is_clean():
    expired = "125s cp-2/janitor control_plane/cp-1-a control_plane.expired"
    assert judged(log(alive("cp-1", "200s"), alive("cp-2", "200s"), HOT, DRAINING, expired), DETECTOR) == []


def test_a_drain_with_nothing_left_to_wait_for_is_clean():
    retired = "60s cp-1/pool worker/w-1 worker.retired"
    assert judged(log(alive("cp-1", "200s"), HOT, DRAINING, retired), DETECTOR) == []


def test_a_drain_without_a_bound_has_the_default_one():
    told = log(alive("cp-1", "200s"), HOT, UNBOUNDED)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
    assert [verdict for verdict, _ in judged(told, DETECTOR, default_bound_us=60_000_000, quiet_us=60_000_000)] == ["found"]


def test_a_drain_without_a_bound_may_wait_for_a_session_in_use():
    used = "100s cp-1/pool session/s-1 session.touched"
    told = log(alive("cp-1", "200s"), HOT, UNBOUNDED, used)
    assert judged(told, DETECTOR, default_bound_us=60_000_000, quiet_us=60_000_000) == []


def test_a_log_that_ends_within_the_bound_is_pending():
    told = log(alive("cp-1", "150s"), HOT, DRAINING)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
    assert span(told, DETECTOR) == [("20s", None)]
