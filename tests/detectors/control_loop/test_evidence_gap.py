"""A hole in the numbers of an actor's events is said, and stays unknown."""

from __future__ import annotations

from tests.detectors.telling import evidence, judged, log, span

DETECTOR = "control_loop/evidence_gap"
FIRST = "5s cp-1/pool worker/w-1 worker.activated seq=1"


def test_missing_events_are_said():
    told = log(FIRST, "9s cp-1/pool worker/w-1 worker.parked seq=4")
    assert judged(told, DETECTOR) == [("unknown", "events 2 to 3 of actor cp-1/pool (cp-1-a) are missing")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:4"]]
    assert span(told, DETECTOR) == [("5s", "9s")]


def test_a_log_without_its_beginning_is_said():
    told = log("0s cp-2/pool worker/w-2 worker.activated", FIRST.replace("seq=1", "seq=7"))
    assert judged(told, DETECTOR) == [("unknown", "events 1 to 6 of actor cp-1/pool (cp-1-a) are missing")]


def test_a_whole_stream_is_clean():
    assert judged(log(FIRST, "9s cp-1/pool worker/w-1 worker.parked seq=2"), DETECTOR) == []


def test_a_restarted_actor_counts_anew_and_is_clean():
    assert judged(log(FIRST, "9s cp-1#b/pool worker/w-1 worker.parked seq=1"), DETECTOR) == []


def test_a_log_cut_at_its_end_is_clean():
    assert judged(log(FIRST), DETECTOR) == []
