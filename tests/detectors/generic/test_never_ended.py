"""What was started ends: before it is started again, before its scope is closed, in the time that its source allows."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PAIR, log
from tests.detectors.telling import detect, judged, span

DETECTOR = "generic/never_ended"
TIMED = PAIR.replace("[activity.pair.kinds]", 'within = { ended = "10s" }\n    [activity.pair.kinds]')


def test_a_second_start_before_the_end_is_found():
    told = log(PAIR, "1s started t-1\n5s started t-1\n6s ended t-1")
    assert judged(told, DETECTOR) == [("found", "thing t-1 was started and started again before it ended (4s)")]


def test_what_goes_on_when_its_scope_is_closed_is_found():
    told = log(PAIR, "1s started t-1 in s\n2s started t-2 in s\n3s ended t-2 in s\n5s closed s in s\n9s started t-9 in z")
    assert judged(told, DETECTOR) == [
        ("found", "thing t-1 was started and was still going on when its scope was closed (8s)"),
        ("pending", "thing t-9 was started and has not ended (0s)"),
    ]


def test_an_end_after_the_scope_was_closed_is_found_as_well():
    told = log(PAIR, "1s started t-1 in s\n5s closed s in s\n7s ended t-1 in s")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]


def test_what_goes_on_for_too_long_is_found_and_stays_found_when_it_ends():
    assert [verdict for verdict, _ in judged(log(TIMED, "1s started t-1\n12s started t-2\n12.5s ended t-2"), DETECTOR)] == ["found"]
    told = log(TIMED, "1s started t-1\n13s ended t-1")
    assert judged(told, DETECTOR) == [("found", "thing t-1 was started and ended too late (12s)")]


def test_what_ends_in_time_is_clean():
    assert judged(log(TIMED, "1s started t-1 in s\n11s ended t-1 in s\n12s closed s in s"), DETECTOR) == []


def test_an_open_watch_is_told_as_open_and_never_as_a_leak():
    told = log(TIMED, "1s opened w-1\n9000s started t-1\n9001s ended t-1")
    assert judged(told, DETECTOR) == [("pending", "thing w-1 was started and is open (2h30m)")]
    assert [until for _, until in span(told, DETECTOR)] == [None]


def test_a_log_cut_before_the_time_has_passed_is_pending():
    assert [verdict for verdict, _ in judged(log(TIMED, "1s started t-1\n9s started t-2\n9.5s ended t-2"), DETECTOR)] == ["pending"]


def test_an_end_that_may_be_lost_leaves_it_unknown():
    lines = "1s started t-1 seq 1\n12s started t-2 seq 3\n12.5s ended t-2 seq 4"
    assert [verdict for verdict, _ in judged(log(TIMED, lines), DETECTOR)] == ["unknown"]


def test_a_log_of_nothing_that_is_started_is_unknown():
    assert detect(log(LOCK, "1s granted l-1 by a op 1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
