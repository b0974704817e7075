"""What could not be placed is placed within 10 minutes, or it is missed."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PLACE, log
from tests.detectors.telling import detect, judged, span

DETECTOR = "generic/never_placed"
OTHER = "700s placed p-2\n701s ran p-2\n"


def test_what_is_never_placed_is_found():
    told = log(PLACE, "10s unplaced p-1\n60s unplaced p-1\n" + OTHER)
    assert judged(told, DETECTOR) == [
        ("found", "thing p-1 could not be placed for 11m31s, after 2 attempts; it was to be placed within 10m")
    ]


def test_what_is_placed_too_late_is_found_and_over():
    told = log(PLACE, "10s unplaced p-1\n650s placed p-1\n651s ran p-1\n")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert [until is None for _, until in span(told, DETECTOR)] == [False]


def test_what_is_placed_in_time_is_clean():
    assert judged(log(PLACE, "10s unplaced p-1\n600s placed p-1\n601s ran p-1\n" + OTHER), DETECTOR) == []


def test_what_only_a_placed_thing_does_shows_that_it_was_placed():
    assert judged(log(PLACE, "10s unplaced p-1\n500s pulled p-1\n" + OTHER), DETECTOR) == []


def test_what_was_given_up_in_time_is_clean():
    assert judged(log(PLACE, "10s unplaced p-1\n500s dropped p-1\n" + OTHER), DETECTOR) == []


def test_a_log_cut_before_the_time_has_passed_is_pending():
    assert [verdict for verdict, _ in judged(log(PLACE, "10s unplaced p-1\n500s unplaced p-1"), DETECTOR)] == ["pending"]


def test_a_log_that_declares_no_time_is_unknown():
    patient = PLACE.replace('placed = "10m", ', "")
    told = log(patient, "10s unplaced p-1\n" + OTHER)
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
    assert judged(told, DETECTOR) == []
    assert detect(log(LOCK, "1s granted l-1 by a op 1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
