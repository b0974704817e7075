"""A unit whose process has ended says so within 25 s."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, RUN, came_back, checked, ended, opened, ready, started, stopped
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "barrier/busy_holder_gone"
REFUSED = "80s k6-0/charm application/k6 barrier.start_refused unit=k6-0 counted=1 reason=already_running >counted:unit/k6-2"
LOST = "\n".join([HELD, RUN, came_back("40s", "k6-2", "ready")])


def test_a_unit_that_comes_back_busy_with_nothing_is_found():
    """Its readiness, the pod that replaced it, and a later wake-up that still says ready are the evidence."""
    told = log(LOST, checked("k6-2", "50s", "100s", "ready", "b"), REFUSED)
    says = "unit k6-2 stayed busy with test-1 for 1m with nothing running, with a bound of 25s; 1 starts were refused"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["opened-test-1", "member_ready-k6-2-test-1", "k6-2-b/charm:1", "k6-2-b/charm:4"]]
    assert span(told, DETECTOR) == [("40s", None)]


def test_a_unit_whose_process_was_stopped_and_that_stays_busy_is_found():
    told = log(HELD, RUN, ended("30s", "k6-2", "stopped"), checked("k6-2", "40s", "90s", "ready"))
    says = "unit k6-2 stayed busy with test-1 for 1m with nothing running, with a bound of 25s; 0 starts were refused"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_unit_that_comes_back_and_says_that_its_part_was_lost_is_clean():
    lost = "40s k6-2#b/charm barrier/test-1 barrier.member_done exit_code=-1 reason=lost >member:unit/k6-2"
    assert judged(log(LOST, lost, checked("k6-2", "50s", "200s", "done", "b")), DETECTOR) == []


def test_a_stop_in_progress_is_clean():
    """The process ended 20 s before the unit could say so."""
    told = log(HELD, RUN, ended("30s", "k6-2", "stopped"), checked("k6-2", "40s", "45s", "ready"), stopped("50s", "k6-2"),
        checked("k6-2", "60s", "200s"))  # fmt: skip
    assert judged(told, DETECTOR) == []


def test_a_long_test_is_clean():
    assert judged(log(HELD, RUN, checked("k6-2", "20s", "600s", "ready"), REFUSED), DETECTOR) == []


def test_a_unit_that_is_ready_for_the_next_test_is_clean():
    second = [opened("60s", test="test-2"), started("61s", "k6-2", "3/3", "test-2"), ready("64s", "k6-2", "test-2")]
    told = log(HELD, RUN, ended("50s", "k6-2", "stopped"), *second, checked("k6-2", "70s", "300s", "ready"))
    assert judged(told, DETECTOR) == []


def test_a_log_that_ends_within_the_bound_is_pending():
    told = log(LOST, checked("k6-2", "50s", "60s", "ready", "b"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_log_that_begins_after_the_opening_is_unknown():
    told = log(ready("15s", "k6-2"), came_back("40s", "k6-2", "ready"), checked("k6-2", "50s", "100s", "ready", "b"))
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
