"""A clock that is off by more than a second is worth a word, and proves nothing."""

from __future__ import annotations

from tests.detectors.telling import detect, evidence, judged, log

DETECTOR = "control_loop/clock_skew"


def test_a_clock_that_is_off_is_said_and_stays_unknown():
    told = log("5s cp-1/pool worker/w-1 worker.activated +1h", "9s cp-1/pool worker/w-1 worker.parked +1h")
    assert judged(told, DETECTOR) == [("unknown", "the clock of actor cp-1/pool is off by 1h against the store's, as its commits tell")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:1"]]
    assert [finding.severity for finding in detect(told, [DETECTOR]).findings] == ["info"]


def test_a_clock_within_a_second_is_clean():
    assert judged(log("5s cp-1/pool worker/w-1 worker.activated +1s"), DETECTOR) == []


def test_a_clock_that_nothing_measures_is_clean():
    assert judged(log("5s cp-1/pool worker/w-1 worker.activated", "6s kube/pods worker/w-1 worker.pod_created +1d"), DETECTOR) == []


def test_a_clock_that_is_measured_too_roughly_is_clean():
    """Its events lie anywhere between two commits that are 10 s apart."""
    told = log(
        "0s cp-1/pool worker/w-1 worker.activated",
        "9s cp-1/janitor control_plane/cp-1-a sweep.started",
        "10s cp-1/pool worker/w-1 worker.parked",
    )
    assert judged(told, DETECTOR) == []


def test_a_log_cut_before_the_actor_speaks_is_clean():
    assert judged(log("5s cp-1/pool worker/w-1 worker.activated"), DETECTOR) == []
