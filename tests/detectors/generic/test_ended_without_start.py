"""What ends was going on, and what is given back was held."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PAIR, PLACE, log
from tests.detectors.telling import detect, judged

DETECTOR = "generic/ended_without_start"


def test_a_second_end_is_found():
    told = log(PAIR, "1s started t-1\n2s ended t-1\n3s ended t-1")
    assert judged(told, DETECTOR) == [("found", "thing t-1 was ended and was not going on: it had ended before and was not started since")]


def test_an_end_without_any_start_is_found_only_where_the_log_is_whole():
    """Else the start may lie before the log's beginning."""
    lines = "1s started t-1\n2s ended t-2"
    assert judged(log(PAIR, lines), DETECTOR) == []
    told = log(PAIR, lines, is_whole=True)
    assert judged(told, DETECTOR) == [("found", "thing t-2 was ended and was not going on: it was never started")]


def test_a_lock_given_back_twice_is_found():
    told = log(LOCK, "1s granted l-1 by a op 1\n2s left l-1 by a op 2\n3s granted l-1 by b op 3\n4s left l-1 by a op 4")
    says = "thing l-1 was ended and was not going on: a had given it back before and has not got it since"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_release_accepted_after_it_was_refused_is_found():
    told = log(LOCK, "1s granted l-1 by b op 1\n2s kept l-1 by a op 2\n3s left l-1 by a op 2")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]


def test_a_lock_given_back_after_a_question_without_an_answer_is_clean():
    """The question may have been granted, and its answer lost."""
    lines = "1s granted l-1 by a op 1\n2s left l-1 by a op 2\n3s asked l-1 by a op 3\n4s left l-1 by a op 4"
    assert judged(log(LOCK, lines), DETECTOR) == []


def test_pairs_one_after_the_other_are_clean():
    assert judged(log(PAIR, "1s started t-1\n2s ended t-1\n3s started t-1\n4s ended t-1", is_whole=True), DETECTOR) == []


def test_two_ends_of_one_moment_without_an_order_accuse_nobody():
    lines = "1s started t-1\n2s ended t-1 in a\n2s started t-1 in b\n2s ended t-1 in b"
    assert judged(log(PAIR, lines, order="time"), DETECTOR) == []


def test_a_start_that_may_be_lost_leaves_it_unknown():
    lines = "1s started t-1 seq 1\n2s ended t-1 seq 2\n4s started t-2 seq 4\n9s ended t-1 seq 5"
    assert [verdict for verdict, _ in judged(log(PAIR, lines), DETECTOR)] == ["unknown"]


def test_a_log_cut_at_its_beginning_is_clean():
    assert judged(log(PAIR, "2s ended t-1\n3s started t-1\n4s ended t-1"), DETECTOR) == []
    assert judged(log(LOCK, "2s left l-1 by a op 2"), DETECTOR) == []


def test_a_log_of_nothing_that_ends_is_unknown():
    assert detect(log(PLACE, "1s placed t-1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
