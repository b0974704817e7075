"""A report of the current claim that is refused only because the gang drains, and the job is claimed once more."""

from __future__ import annotations

import pytest

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/lost_result"
DRAINING = """
    8s   s-1/api     job/train/0  job.claimed        >worker/w-1-a
    12s  s-1/reaper  gang/train   gang.drain_started
    12s  s-1/reaper  job/train/0  job.drain_started
"""
AGAIN = """
    57s  s-1/reaper     job/train/0  job.force_drained
    60s  s-1/reaper     job/train/0  job.requeued
    65s  s-1/admission  job/train/0  job.reserved  >worker/w-2-a
    66s  s-1/api        job/train/0  job.claimed   >worker/w-2-a
"""


@pytest.mark.parametrize(("kind", "said"), [("job.done_rejected", "done"), ("job.fail_rejected", "failed")])
def test_a_report_that_is_refused_in_a_drain_and_run_again_is_found(kind: str, said: str):
    told = log(scheduler("s-1", "90s"), DRAINING, f"14s s-1/api job/train/0 {kind} >worker/w-1-a", AGAIN)
    assert judged(told, DETECTOR) == [("found", f"job train/0 was {said} on w-1-a, refused as preempting, and claimed again 52s later")]
    assert evidence(told, DETECTOR) == [["s-1-a/api:2", "s-1-a/api:3"]]
    assert span(told, DETECTOR) == [("14s", "1m6s")]


REFUSED = "14s s-1/api job/train/0 job.done_rejected >worker/w-1-a"


def test_a_report_that_is_taken_in_a_drain_is_clean():
    """It counts as the member's word that it has stopped."""
    taken = "14s s-1/api job/train/0 job.preempted reason=finished"
    assert judged(log(scheduler("s-1", "90s"), DRAINING, taken, "\n".join(AGAIN.splitlines()[2:])), DETECTOR) == []


def test_a_zombie_that_is_refused_for_its_claim_is_clean():
    assert judged(log(scheduler("s-1", "90s"), DRAINING, f"{REFUSED} reported_claim=0 fence=claim", AGAIN), DETECTOR) == []


def test_a_report_that_comes_after_the_forced_drain_is_clean():
    """The worker was cut off for longer than a drain may take; the job is not its own any more."""
    late = "58s s-1/api job/train/0 job.done_rejected state=preempted >worker/w-1-a"
    assert judged(log(scheduler("s-1", "90s"), DRAINING, late, AGAIN), DETECTOR) == []


def test_a_log_that_ends_before_the_next_claim_leaves_it_pending():
    assert [said for said, _ in judged(log(scheduler("s-1", "40s"), DRAINING, REFUSED), DETECTOR)] == ["pending"]


def test_a_job_that_is_never_run_again_is_clean():
    """Its gang failed as a whole; there is nothing to do twice."""
    assert judged(log(scheduler("s-1", "90s"), DRAINING, REFUSED, "60s s-1/reaper job/train/0 job.failed"), DETECTOR) == []


def test_without_a_job_nothing_is_known():
    assert verdict(log("5s s-1/reaper scheduler/s-1-a tick.started loop=reaper"), DETECTOR) == "unknown"
