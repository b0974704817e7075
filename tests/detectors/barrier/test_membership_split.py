"""The members of a test are those of its opening, and their parts add up to it."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, OVER, RUN, opened, started
from tests.detectors.telling import detect, evidence, judged, log

DETECTOR = "barrier/membership_split"


def test_a_member_that_counts_a_unit_more_is_found():
    told = log(opened("10s"), started("11s", "k6-0", "1/3"), started("11s", "k6-1", "2/3"), started("13s", "k6-2", "3/4"))
    says = "k6-2 took part 3 of 4 of barrier test-1, which was opened for 3 members; 1 took a part that does not fit"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["opened-test-1", "member_started-k6-2-test-1"]]


def test_a_unit_that_takes_part_without_being_a_member_is_found():
    told = log(HELD, started("13s", "k6-3", "4/4"))
    says = "k6-3 took part 4 of 4 of barrier test-1, which was opened for 3 members; 1 took a part that does not fit"
    assert judged(told, DETECTOR) == [("found", says)]


def test_two_members_with_one_part_are_found():
    told = log(opened("10s"), started("11s", "k6-0", "1/3"), started("11s", "k6-1", "2/3"), started("13s", "k6-2", "2/3"))
    says = "k6-1 took part 2 of 3 of barrier test-1, which was opened for 3 members; 2 took a part that does not fit"
    assert judged(told, DETECTOR) == [("found", says)]


def test_parts_that_add_up_are_clean():
    assert judged(log(HELD, RUN, OVER), DETECTOR) == []


def test_members_that_have_not_begun_yet_are_clean():
    assert judged(log(opened("10s"), started("11s", "k6-1", "2/3")), DETECTOR) == []


def test_another_number_of_members_in_the_next_test_is_clean():
    four = ("k6-0", "k6-1", "k6-2", "k6-3")
    second = [opened("60s", four, "test-2"), *(started("61s", unit, f"{number}/4", "test-2") for number, unit in enumerate(four, 1))]
    assert judged(log(HELD, RUN, OVER, *second), DETECTOR) == []


def test_a_log_that_begins_after_the_opening_is_unknown():
    """Nobody knows for how many members the test was cut."""
    assert detect(log(started("11s", "k6-2", "3/4")), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
