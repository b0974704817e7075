"""A member of a gang is never pending and never claimed from the queue."""

from __future__ import annotations

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import detect, evidence, judged, span, verdict

DETECTOR = "gang/atomicity_break"
SUBMITTED = """
    2s  s-1/api  job/train/0  job.submitted
    2s  s-1/api  job/train/1  job.submitted
    2s  s-1/api  job/index    job.submitted
"""


def test_a_member_that_is_unblocked_alone_is_found_once():
    claimed = "20s s-1/api job/train/0 job.claimed path=queue >worker/w-1-a"
    told = log(scheduler("s-1", "30s"), SUBMITTED, "10s s-1/reaper job/train/0 job.unblocked", claimed)
    assert judged(told, DETECTOR) == [("found", "job train/0 of train left its gang: blocked to pending")]
    assert evidence(told, DETECTOR) == [["s-1-a/reaper:5"]]
    assert span(told, DETECTOR) == [("10s", "10s")]
    assert [finding.severity for finding in detect(told, [DETECTOR]).findings] == ["invariant"]


def test_a_member_that_is_claimed_from_the_queue_is_found():
    told = log(scheduler("s-1", "30s"), "20s s-1/api job/train/0 job.claimed path=queue from_state=pending >worker/w-1-a")
    assert judged(told, DETECTOR) == [("found", "job train/0 of train left its gang: pending to running, from the queue")]


def test_members_that_are_placed_and_claimed_together_are_clean():
    together = """
        10s  s-1/admission  job/train/0  job.reserved  >worker/w-1-a
        10s  s-1/admission  job/train/1  job.reserved  >worker/w-2-a
        11s  s-1/api        job/train/0  job.claimed   >worker/w-1-a
        12s  s-1/api        job/train/1  job.claimed   >worker/w-2-a
    """
    assert judged(log(scheduler("s-1", "30s"), SUBMITTED, together), DETECTOR) == []


def test_a_plain_job_may_wait_in_the_queue():
    assert judged(log(scheduler("s-1", "30s"), SUBMITTED, "9s s-1/api job/index job.claimed path=queue >worker/w-1-a"), DETECTOR) == []


def test_a_log_that_ends_before_the_write_is_clean():
    assert judged(log(scheduler("s-1", "9s"), SUBMITTED), DETECTOR) == []


def test_without_a_job_nothing_is_known():
    assert verdict(log("5s s-1/reaper scheduler/s-1-a tick.started loop=reaper"), DETECTOR) == "unknown"
