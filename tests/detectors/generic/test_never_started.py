"""What was placed runs within 10 minutes, or it is missed."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, PLACE, log
from tests.detectors.telling import detect, judged

DETECTOR = "generic/never_started"
OTHER = "700s placed p-2\n701s ran p-2\n"


def test_what_has_a_place_and_never_runs_is_found():
    told = log(PLACE, "10s placed p-1\n20s pulled p-1\n" + OTHER)
    assert judged(told, DETECTOR) == [("found", "thing p-1 was placed and did not run for 11m31s; it was to run within 10m")]


def test_what_runs_in_time_is_clean():
    assert judged(log(PLACE, "10s placed p-1\n610s ran p-1\n" + OTHER), DETECTOR) == []


def test_what_was_placed_before_the_log_began_is_clean():
    """It may have run before as well."""
    assert judged(log(PLACE, "10s pulled p-1\n" + OTHER), DETECTOR) == []


def test_what_was_given_up_in_time_is_clean():
    assert judged(log(PLACE, "10s placed p-1\n300s dropped p-1\n" + OTHER), DETECTOR) == []


def test_a_log_cut_before_the_time_has_passed_is_pending():
    assert [verdict for verdict, _ in judged(log(PLACE, "10s placed p-1\n300s pulled p-1"), DETECTOR)] == ["pending"]


def test_a_log_that_places_nothing_is_unknown():
    assert detect(log(LOCK, "1s granted l-1 by a op 1"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
