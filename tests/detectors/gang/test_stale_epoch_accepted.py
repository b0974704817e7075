"""A worker's word counts for its own claim, and a claim for its own reservation."""

from __future__ import annotations

import pytest

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/stale_epoch_accepted"
TWICE = """
    5s   s-1/api     job/index  job.claimed   path=queue >worker/w-1-a
    50s  s-1/reaper  job/index  job.requeued
    52s  s-1/api     job/index  job.claimed   path=queue >worker/w-2-a
"""


@pytest.mark.parametrize("kind", ["job.completed", "job.heartbeated"])
def test_a_word_of_an_older_claim_that_is_taken_is_found(kind: str):
    zombie = f"60s s-1/api job/index {kind} reported_by=w-1-a reported_claim=1"
    told = log(scheduler("s-1", "90s"), TWICE, zombie)
    assert judged(told, DETECTOR) == [("found", f"job index took {kind} of w-1-a for claim 1, when it was at 2")]
    assert evidence(told, DETECTOR) == [["s-1-a/api:3"]]
    assert span(told, DETECTOR) == [("1m", "1m")]


def test_a_claim_by_an_older_reservation_is_found():
    told = log(scheduler("s-1", "90s"), "50s s-1/api job/train/0 job.claimed reservation=2 offered_reservation=1 >worker/w-1-a")
    assert judged(told, DETECTOR) == [("found", "job train/0 took job.claimed of w-1-a for reservation 1, when it was at 2")]


def test_a_word_of_the_claimant_is_clean():
    assert judged(log(scheduler("s-1", "90s"), TWICE, "60s s-1/api job/index job.completed"), DETECTOR) == []


def test_a_zombie_that_is_refused_is_clean():
    refused = "60s s-1/api job/index job.done_rejected fence=claim state=running reported_by=w-1-a reported_claim=1"
    assert judged(log(scheduler("s-1", "90s"), TWICE, refused), DETECTOR) == []


def test_a_log_that_ends_before_the_word_is_clean():
    assert judged(log(scheduler("s-1", "55s"), TWICE), DETECTOR) == []


def test_without_a_job_nothing_is_known():
    assert verdict(log("5s s-1/reaper scheduler/s-1-a tick.started loop=reaper"), DETECTOR) == "unknown"
