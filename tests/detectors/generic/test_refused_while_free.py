"""A lock that nobody can have held is not refused."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PAIR, log
from tests.detectors.telling import detect, judged

DETECTOR = "generic/refused_while_free"
FREE = "1s asked l-1 by a op 1\n2s granted l-1 by a op 1\n3s leaving l-1 by a op 2\n4s left l-1 by a op 2\n"
REFUSED = "5s asked l-1 by b op 3\n6s refused l-1 by b op 3\n"


def test_a_refusal_after_the_release_was_answered_is_found():
    told = log(LOCK, FREE + REFUSED)
    assert judged(told, DETECTOR) == [("found", "thing l-1 was refused to b although nobody held it since a gave it back")]


def test_a_refusal_whose_question_came_before_that_answer_is_clean():
    """It may have been decided while the lock was held."""
    assert judged(log(LOCK, FREE + REFUSED.replace("5s", "3.5s")), DETECTOR) == []


def test_a_refusal_while_somebody_else_asks_is_clean():
    lines = FREE + "4.5s asked l-1 by c op 4\n" + REFUSED + "7s granted l-1 by c op 4"
    assert judged(log(LOCK, lines), DETECTOR) == []


def test_a_question_without_an_answer_may_have_been_granted():
    assert judged(log(LOCK, FREE + "4.5s asked l-1 by c op 4\n" + REFUSED), DETECTOR) == []


def test_a_log_that_begins_in_the_middle_is_clean():
    """Who held the lock before the log began is not known until somebody gives it back."""
    assert judged(log(LOCK, REFUSED), DETECTOR) == []
    assert judged(log(LOCK, "4s left l-1 by a op 2\n" + REFUSED), DETECTOR) == []


def test_a_grant_that_may_be_lost_leaves_it_unknown():
    lines = "2s granted l-1 by a op 1 seq 1\n4s left l-1 by a op 2 seq 2\n5s asked l-1 by b op 3 seq 4\n6s refused l-1 by b op 3 seq 5"
    assert [verdict for verdict, _ in judged(log(LOCK, lines), DETECTOR)] == ["unknown"]


def test_an_answer_without_a_question_is_clean():
    """Nobody knows since when it had been on its way."""
    assert judged(log(LOCK, FREE + "6s refused l-1 by b op 3"), DETECTOR) == []


def test_a_log_that_declares_no_exclusive_thing_is_unknown():
    assert detect(log(PAIR, "1s started t-1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
