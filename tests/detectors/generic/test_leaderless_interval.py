"""A thing that somebody has to hold is free for 10 s at most; a hold lasts 15 s unless it is renewed."""

from __future__ import annotations

from tests.detectors.generic.declared import LOCK, log
from tests.detectors.telling import detect, judged, span

DETECTOR = "generic/leaderless_interval"
LEAD = LOCK.replace("[activity.lock.kinds]", 'within = { acquired = "10s", renewed = "15s" }\n    [activity.lock.kinds]')
FIRST = "0s refused l-1 by b op 0\n1s asked l-1 by a op 1\n2s granted l-1 by a op 1\n10s renewed l-1 by a\n"


def test_a_gap_after_a_release_is_found():
    told = log(LEAD, FIRST + "12s left l-1 by a op 2\n30s asked l-1 by b op 3\n31s granted l-1 by b op 3")
    assert judged(told, DETECTOR) == [("found", "nobody held thing l-1 for 19s after a; it may be free for 10s")]
    assert span(told, DETECTOR)[0][1] is not None


def test_a_gap_after_a_holder_that_renewed_no_more_is_found():
    """The lease of 15 s ran out at 25 s."""
    told = log(LEAD, FIRST + "40s asked l-1 by b op 3\n41s granted l-1 by b op 3")
    assert judged(told, DETECTOR) == [("found", "nobody held thing l-1 for 16s after a; it may be free for 10s")]


def test_a_handover_in_time_is_clean():
    lines = FIRST + "12s left l-1 by a op 2\n20s asked l-1 by b op 3\n31s granted l-1 by b op 3\n40s renewed l-1 by b"
    assert judged(log(LEAD, lines), DETECTOR) == []


def test_a_log_cut_in_the_gap_is_pending():
    lines = FIRST + "12s left l-1 by a op 2\n20s refused l-2 by b op 0"
    assert [verdict for verdict, _ in judged(log(LEAD, lines), DETECTOR)] == ["pending"]


def test_a_thing_that_may_be_free_is_not_judged():
    told = log(LOCK, FIRST + "12s left l-1 by a op 2\n300s granted l-1 by b op 3")
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
