"""A worker that has a job, running or still stopping, for more than a second has no room for a member."""

from __future__ import annotations

import pytest

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/capacity_overcommitted"
CLAIMED = "5s s-1/api job/train/0 job.claimed >worker/w-1-a"
DRAINING = f"""
    {CLAIMED}
    20s  s-1/api  gang/train   gang.drain_started
    20s  s-1/api  job/train/0  job.drain_started
"""
STOPPED = "32s s-1/api job/train/0 job.preempted"
PLACED = "25s s-1/admission job/tune/0 job.reserved >worker/w-1-a"


def test_a_member_placed_beside_one_that_is_still_stopping_is_found():
    told = log(scheduler("s-1", "60s"), DRAINING, PLACED, STOPPED)
    assert judged(told, DETECTOR) == [
        ("found", "worker w-1-a got tune/0 while train/0 was preempting on it, for 20s already; the two overlapped for 7s")
    ]
    assert evidence(told, DETECTOR) == [["s-1-a/admission:13", "s-1-a/api:3"]]
    assert span(told, DETECTOR) == [("25s", "32s")]


def test_a_member_placed_on_a_worker_that_runs_a_job_is_found():
    assert [said for said, _ in judged(log(scheduler("s-1", "60s"), CLAIMED, PLACED), DETECTOR)] == ["found"]


@pytest.mark.parametrize("at", ["32s", "40s"])
def test_a_member_placed_once_the_other_has_stopped_is_clean(at: str):
    """In the same tick, or later."""
    assert judged(log(scheduler("s-1", "60s"), DRAINING, STOPPED, PLACED.replace("25s", at, 1)), DETECTOR) == []


def test_a_job_that_was_claimed_while_the_placement_was_made_is_clean():
    """The admission had read the rows before; the reservation will time out."""
    race = "24500ms s-1/api job/index job.claimed path=queue >worker/w-1-a"
    assert judged(log(scheduler("s-1", "60s"), race, PLACED), DETECTOR) == []


def test_a_log_that_begins_after_the_claim_knows_of_no_overlap():
    assert judged(log(scheduler("s-1", "60s"), PLACED, STOPPED), DETECTOR) == []


def test_without_a_job_nothing_is_known():
    assert verdict(log("5s s-1/reaper scheduler/s-1-a tick.started loop=reaper"), DETECTOR) == "unknown"
