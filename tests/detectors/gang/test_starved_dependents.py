"""A job that waits for a failed one has to fail within a tick of the reaper; a whole tick later it is starved."""

from __future__ import annotations

from tests.detectors.gang.telling import log, loop, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/starved_dependents"
WAITING = """
    2s  s-1/api  job/extract  job.submitted
    3s  s-1/api  job/report   job.submitted  to_state=blocked >dependency:job/extract
    5s  s-1/api  job/extract  job.claimed    path=queue >worker/w-1-a
"""
FAILED = "12s s-1/api job/extract job.failed reason=retries_exhausted"


def test_a_job_that_waits_for_a_failed_one_is_found():
    told = log(scheduler("s-1", "60s"), WAITING, FAILED)
    assert judged(told, DETECTOR) == [("found", "job report was blocked for 48.01s after extract had failed, which it waits for")]
    assert len(evidence(told, DETECTOR)[0]) == 3
    assert span(told, DETECTOR) == [("12s", None)]


def test_a_job_that_fails_with_what_it_waits_for_is_clean():
    failed = "20s s-1/reaper job/report job.failed reason=dependency_failed"
    assert judged(log(scheduler("s-1", "60s"), WAITING, FAILED, failed), DETECTOR) == []


def test_a_job_that_waits_for_one_that_is_tried_again_is_clean():
    assert judged(log(scheduler("s-1", "60s"), WAITING, "12s s-1/api job/extract job.requeued"), DETECTOR) == []


def test_a_job_that_waits_for_one_that_is_done_is_unblocked():
    done = "12s s-1/api job/extract job.completed\n13s s-1/api job/report job.unblocked"
    assert judged(log(scheduler("s-1", "60s"), WAITING, done), DETECTOR) == []


def test_a_log_that_ends_before_the_next_tick_leaves_it_pending():
    assert [said for said, _ in judged(log(scheduler("s-1", "25s"), WAITING, FAILED), DETECTOR)] == ["pending"]


def test_a_reaper_that_fell_silent_leaves_it_pending():
    told = log(scheduler("s-1", "10s"), loop("s-1", "admission", "15s", "90s"), WAITING, FAILED)
    assert [said for said, _ in judged(told, DETECTOR)] == ["pending"]


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(WAITING), DETECTOR) == "unknown"
