"""A unit that was done with a test never starts the same test again."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, OVER, RUN, came_back, checked, done, opened, started
from tests.detectors.telling import detect, evidence, judged, log

DETECTOR = "barrier/member_restarted"
AGAIN = "18s k6-0/charm barrier/test-1 barrier.member_started segment=1 segments=3 >member:unit/k6-0"


def test_a_member_that_starts_a_test_again_is_found():
    """Its own word that it was done, and the second start, are the evidence."""
    told = log(HELD, done("16s", "k6-0"), AGAIN)
    assert judged(told, DETECTOR) == [
        ("found", "k6-0 was done with barrier test-1 and started it again 2s later; it started it 2 times"),
    ]
    assert evidence(told, DETECTOR) == [["member_done-k6-0-test-1", "k6-0-a/charm:5"]]


def test_each_unit_that_starts_a_test_again_is_found():
    other = AGAIN.replace("k6-0", "k6-1")
    assert len(judged(log(HELD, done("16s", "k6-0"), done("16s", "k6-1"), AGAIN, other), DETECTOR)) == 2


def test_the_next_test_is_clean():
    assert judged(log(HELD, RUN, OVER, opened("60s", test="test-2"), started("61s", "k6-0", "1/3", "test-2")), DETECTOR) == []


def test_a_start_that_is_tried_again_because_the_hook_failed_is_clean():
    assert judged(log(HELD, AGAIN), DETECTOR) == []


def test_a_pod_that_comes_back_before_it_was_ready_and_starts_anew_is_clean():
    anew = "41s k6-2#b/charm barrier/test-1 barrier.member_started segment=3 segments=3 >member:unit/k6-2"
    assert judged(log(opened("10s"), started("11s", "k6-2", "3/3"), came_back("40s", "k6-2", "idle"), anew), DETECTOR) == []


def test_a_log_that_ends_before_the_second_start_is_clean():
    assert judged(log(HELD, done("16s", "k6-0")), DETECTOR) == []


def test_a_log_without_a_member_is_unknown():
    assert detect(log(checked("k6-0", "0s", "60s")), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
