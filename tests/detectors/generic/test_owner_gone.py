"""What a holder had is free 10 s after the holder is gone."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PAIR, PLACE, log
from tests.detectors.telling import detect, judged

DETECTOR = "generic/owner_gone"
TIMED = LOCK.replace("[activity.lock.kinds]", 'within = { gone = "10s" }\n    [activity.lock.kinds]')
HELD = "1s granted l-1 by a op 1\n5s died a\n"
LATER = "30s granted l-2 by b op 2\n"


def test_what_a_dead_holder_still_holds_is_found():
    told = log(TIMED, HELD + LATER)
    assert judged(told, DETECTOR) == [("found", "thing l-1 was still held by a 25s after that was gone; it was to be free within 10s")]


def test_what_a_dead_runner_started_is_found():
    timed = PAIR.replace("[activity.pair.kinds]", 'within = { gone = "10s" }\n    [activity.pair.kinds]')
    told = log(timed, "1s started t-1 by a in s\n5s died a\n30s started t-2 by b in s\n31s ended t-2 by b in s")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]


def test_what_is_given_back_in_its_name_in_time_is_clean():
    assert judged(log(TIMED, HELD + "14s left l-1 by a op 3\n" + LATER), DETECTOR) == []


def test_what_another_takes_over_in_time_is_clean():
    assert judged(log(TIMED, HELD + "14s granted l-1 by b op 3\n" + LATER), DETECTOR) == []


def test_what_was_given_back_before_is_clean():
    assert judged(log(TIMED, "1s granted l-1 by a op 1\n3s left l-1 by a op 2\n5s died a\n" + LATER), DETECTOR) == []


def test_a_log_cut_before_the_time_has_passed_is_pending():
    assert [verdict for verdict, _ in judged(log(TIMED, HELD + "9s granted l-2 by b op 2"), DETECTOR)] == ["pending"]


def test_a_log_that_says_no_time_is_unknown():
    assert detect(log(LOCK, HELD + LATER), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
    assert detect(log(PLACE, "1s placed p-1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
