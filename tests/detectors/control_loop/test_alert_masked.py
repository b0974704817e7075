"""A pass that could not list may not move the gauge of the last good run."""

from __future__ import annotations

from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "control_loop/alert_masked"


def failed(at: int, stamped: str = "true") -> str:
    return f"{at}s cp-1/janitor control_plane/cp-1-a sweep.list_failed step=orphan list_ok=false stamped={stamped}"


DONE = "5s cp-1/janitor control_plane/cp-1-a sweep.completed step=orphan"


def test_failed_lists_that_move_the_gauge_are_found_once():
    told = log(DONE, failed(10), failed(15))
    says = "control_plane cp-1-a moved the gauge of janitor/orphan to now in 2 passes that could not list anything"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/janitor:2"]]
    assert span(told, DETECTOR) == [("10s", "15s")]


def test_failed_lists_that_leave_the_gauge_alone_are_clean():
    assert judged(log(DONE, failed(10, "false"), failed(15, "false")), DETECTOR) == []


def test_a_list_that_was_good_and_empty_may_move_it():
    assert judged(log(DONE, DONE.replace("5s", "10s")), DETECTOR) == []


def test_a_log_that_ends_before_the_first_failure_is_clean():
    assert judged(log(DONE), DETECTOR) == []


def test_a_log_without_sweeps_is_unknown():
    assert detect(log("5s cp-1/pool worker/w-1 worker.activated"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
