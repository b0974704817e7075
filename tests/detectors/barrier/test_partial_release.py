"""A release that has begun is over for all members within 5 s, and a wake-up of 10 s, or the test is given up."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, OVER, RUN, attempted, checked, closed, released
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "barrier/partial_release"
HALF = "\n".join([HELD, released("16s", "k6-0"), released("16s", "k6-1")])
REFUSED = "16s k6-0/charm barrier/test-1 barrier.release_failed attempt=1 outcome=failed reason=refused >member:unit/k6-2"


def test_a_member_that_is_left_out_while_the_leader_lives_is_found():
    """The opening, the first answer and a later event of the same leader are the evidence."""
    told = log(HALF, REFUSED, checked("k6-0", "20s", "60s", "ready"))
    says = "barrier test-1 was released for 2 of 3 members and held k6-2 for 44s more, with a bound of 15s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["opened-test-1", "release_acked-k6-0-test-1", "k6-0-a/charm:11"]]


def test_a_member_that_is_released_much_later_ends_the_finding():
    told = log(HALF, REFUSED, checked("k6-0", "20s", "40s", "ready"), released("46s", "k6-2"), closed("90s"))
    assert span(told, DETECTOR) == [("16s", "46s")]


def test_a_release_of_all_is_clean():
    assert judged(log(HELD, RUN, checked("k6-0", "20s", "30s"), OVER), DETECTOR) == []


def test_a_retry_in_flight_is_clean():
    """The third member answers at the second try, 800 ms later."""
    told = log(HALF, REFUSED, released("16800ms", "k6-2"), checked("k6-0", "20s", "30s"), OVER)
    assert judged(told, DETECTOR) == []


def test_a_test_that_is_given_up_at_the_bound_is_clean():
    assert judged(log(HALF, REFUSED, closed("22s", "release_failed"), checked("k6-0", "30s", "90s")), DETECTOR) == []


def test_a_leader_that_died_in_the_middle_is_another_detectors():
    told = log(HALF, checked("k6-1", "20s", "60s", "ready"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_log_that_ends_within_the_bound_is_pending():
    told = log(HALF, REFUSED, checked("k6-0", "20s", "29s", "ready"), attempted("25s", "k6-2"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_log_that_begins_after_the_opening_is_unknown():
    told = log(released("16s", "k6-0"), checked("k6-0", "20s", "60s", "ready"))
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
