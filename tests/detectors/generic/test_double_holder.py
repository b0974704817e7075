"""A lock has one holder: two that were both told so, and had not begun to give it back, held it at once."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PAIR, log
from tests.detectors.telling import detect, judged, span

DETECTOR = "generic/double_holder"
TWICE = """
    1s  asked    l-1  by a  op 1
    2s  granted  l-1  by a  op 1
    3s  asked    l-1  by b  op 2
    4s  granted  l-1  by b  op 2
    9s  leaving  l-1  by a  op 3
    10s left     l-1  by a  op 3
"""


def spaced(lines: str) -> str:
    return "\n".join(" ".join(line.split()) for line in lines.splitlines())


def test_a_second_grant_while_the_first_is_held_is_found():
    told = log(LOCK, spaced(TWICE))
    assert judged(told, DETECTOR) == [("found", "thing l-1 was given to b while a held it, and both held it for 5s")]


def test_a_grant_after_the_release_is_clean():
    lines = "1s granted l-1 by a op 1\n5s leaving l-1 by a op 2\n6s left l-1 by a op 2\n7s granted l-1 by b op 3"
    assert judged(log(LOCK, lines), DETECTOR) == []


def test_a_grant_between_the_question_and_the_answer_of_the_release_is_clean():
    """The release may have taken effect before the grant, whatever the order of the answers."""
    lines = "1s granted l-1 by a op 1\n5s leaving l-1 by a op 2\n6s granted l-1 by b op 3\n7s left l-1 by a op 2"
    assert judged(log(LOCK, lines), DETECTOR) == []


def test_the_same_holder_told_twice_is_clean():
    assert judged(log(LOCK, "1s granted l-1 by a op 1\n2s granted l-1 by a op 2\n3s granted l-2 by b op 3"), DETECTOR) == []


def test_one_that_had_to_renew_and_did_not_holds_no_more():
    timed = LOCK.replace("[activity.lock.kinds]", 'within = { renewed = "10s" }\n    [activity.lock.kinds]')
    lines = "1s granted l-1 by a op 1\n9s renewed l-1 by a\n20s granted l-1 by b op 2\n25s renewed l-1 by b"
    assert judged(log(timed, lines), DETECTOR) == []
    assert [verdict for verdict, _ in judged(log(timed, lines.replace("20s", "18s")), DETECTOR)] == ["found"]


def test_events_of_one_moment_without_an_order_accuse_nobody():
    """Which came first, the release or the grant, cannot be known."""
    lines = "1s granted l-1 by a op 1\n5s granted l-1 by b op 3\n5s left l-1 by a op 2"
    assert judged(log(LOCK, lines, order="time"), DETECTOR) == []
    assert [verdict for verdict, _ in judged(log(LOCK, lines, order="file"), DETECTOR)] == ["found"]


def test_a_release_that_may_be_lost_leaves_it_unknown():
    lines = "1s granted l-1 by a op 1 seq 1\n3s asked l-1 by b op 3 seq 3\n5s granted l-1 by b op 3 seq 4"
    assert [verdict for verdict, _ in judged(log(LOCK, lines), DETECTOR)] == ["unknown"]


def test_a_log_cut_at_its_end_says_that_it_lasts():
    told = log(LOCK, spaced(TWICE[: TWICE.index("9s")]))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert len(span(told, DETECTOR)) == 1
    assert span(told, DETECTOR)[0][1] is None


def test_a_log_that_declares_no_exclusive_thing_is_unknown():
    assert detect(log(PAIR, "1s started t-1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
