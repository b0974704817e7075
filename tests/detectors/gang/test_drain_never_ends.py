"""A member has 45 s to stop; after that three whole ticks of the reaper, 10 s each, must have ended the round."""

from __future__ import annotations

from tests.detectors.gang.telling import log, loop, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/drain_never_ends"
STARTED = "12s s-1/api gang/train gang.drain_started"


def test_a_round_that_outlives_three_ticks_of_the_reaper_is_found():
    told = log(scheduler("s-1", "100s"), STARTED)
    assert judged(told, DETECTOR) == [
        ("found", "gang train has been in drain round 1 for 1m28s, with a limit of 45s and 4 ticks of the reaper after it")
    ]
    assert evidence(told, DETECTOR) == [["s-1-a/api:1", "s-1-a/reaper:19"]]
    assert span(told, DETECTOR) == [("12s", None)]


def test_a_round_that_the_reaper_ended_by_force_is_clean():
    """45 s and a tick: the worst that a dead worker costs."""
    ended = "62s s-1/reaper gang/train gang.drain_completed"
    assert judged(log(scheduler("s-1", "100s"), STARTED, ended), DETECTOR) == []


def test_a_round_that_is_under_way_is_clean():
    assert judged(log(scheduler("s-1", "50s"), STARTED), DETECTOR) == []


def test_a_log_that_ends_before_the_third_tick_leaves_it_pending():
    assert [verdict for verdict, _ in judged(log(scheduler("s-1", "75s"), STARTED), DETECTOR)] == ["pending"]


def test_a_reaper_that_fell_silent_leaves_it_pending():
    """Without a tick nobody can say that the reaper passed the round over."""
    told = log(scheduler("s-1", "50s"), STARTED, loop("s-1", "admission", "55s", "200s"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(STARTED), DETECTOR) == "unknown"
