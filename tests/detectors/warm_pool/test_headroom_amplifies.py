"""Equal demand, equal headroom: parked workers are no demand."""

from __future__ import annotations

from tests.detectors.telling import evidence, judged, log

DETECTOR = "warm_pool/headroom_amplifies"


def computed(at: int, hot_idle: int, desired: int, sessions: int = 4, cap: int = 20) -> str:
    terms = f"sessions={sessions} spawning=0 burst=3 hot_idle={hot_idle} desired={desired} cap={cap} live={sessions + hot_idle}"
    return f"{at}s cp-1/janitor headroom/slots headroom.computed {terms}"


def test_headroom_that_follows_parked_workers_is_found():
    told = log(computed(10, hot_idle=0, desired=4), computed(40, hot_idle=6, desired=8))
    assert judged(told, DETECTOR) == [("found", "headroom slots went from 4 to 8 as parked workers went from 0 to 6, at equal demand")]
    assert evidence(told, DETECTOR) == [["cp-1-a/janitor:1", "cp-1-a/janitor:2"]]


def test_headroom_that_stays_while_workers_are_parked_is_clean():
    assert judged(log(computed(10, hot_idle=0, desired=4), computed(40, hot_idle=6, desired=4)), DETECTOR) == []


def test_headroom_that_follows_demand_is_clean():
    assert judged(log(computed(10, hot_idle=0, desired=4), computed(40, hot_idle=6, desired=8, sessions=8)), DETECTOR) == []


def test_a_change_of_a_fifth_is_clean():
    assert judged(log(computed(10, hot_idle=0, desired=5), computed(40, hot_idle=6, desired=6)), DETECTOR) == []


def test_headroom_that_shrinks_lazily_is_clean():
    """It goes the other way than the parked workers: it follows a burst that is over."""
    assert judged(log(computed(10, hot_idle=0, desired=8), computed(40, hot_idle=6, desired=4)), DETECTOR) == []


def test_headroom_at_its_cap_says_nothing():
    assert judged(log(computed(10, hot_idle=0, desired=4, cap=4), computed(40, hot_idle=6, desired=8, cap=8)), DETECTOR) == []


def test_a_log_that_ends_after_one_computation_is_clean():
    assert judged(log(computed(10, hot_idle=0, desired=4)), DETECTOR) == []
