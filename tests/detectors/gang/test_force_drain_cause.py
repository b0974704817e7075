"""A forced drain is found where the member had stopped and could not say so, and silent where its worker was dead."""

from __future__ import annotations

import pytest

from tests.detectors.gang.telling import checking_in, log, scheduler
from tests.detectors.telling import evidence, judged, rows, span, verdict

DETECTOR = "gang/force_drain_cause"


def drained(trigger: str = "train/1", reason: str = "stale", *, worker_lives_until: str = "90s", between: str = "") -> str:
    """A round of two members in which train/0, on w-1, is drained by force 48 s after its beginning."""
    return f"""
        8s   s-1/api     job/train/0  job.claimed          >worker/w-1-a
        8s   s-1/api     job/train/1  job.claimed          >worker/w-2-a
        12s  s-1/reaper  gang/train   gang.drain_started   triggered_by={trigger} reason={reason}
        12s  s-1/reaper  job/train/0  job.drain_started
        12s  s-1/reaper  job/train/1  job.drain_started    refunded=false
        {between}
        60s  s-1/reaper  job/train/0  job.force_drained    age=48s
        60s  s-1/reaper  gang/train   gang.drain_completed
        {checking_in("w-1-a", "10s", worker_lives_until)}
    """


REJECTED = "20s s-1/api job/train/0 job.ack_rejected >worker/w-1-a"
FINISHED = "16s s-1/api job/train/0 job.done_rejected >worker/w-1-a"


def test_a_member_whose_acks_were_refused_is_found():
    told = log(scheduler("s-1", "90s"), drained(between=REJECTED))
    assert judged(told, DETECTOR) == [("found", "job train/0 was drained by force after 48s in round 1 of train: rejected_acks")]
    assert len(evidence(told, DETECTOR)[0]) == 3
    assert span(told, DETECTOR) == [("12s", "1m")]


def test_a_trigger_that_had_reported_its_own_end_is_found():
    """Its process was gone when the round began: nobody was left to say that it had stopped."""
    told = log(scheduler("s-1", "90s"), drained("train/0", "reported_failure"))
    assert judged(told, DETECTOR) == [("found", "job train/0 was drained by force after 48s in round 1 of train: trigger_already_exited")]


def test_a_member_that_ended_before_it_heard_of_the_round_is_found():
    told = log(scheduler("s-1", "90s"), drained(between=FINISHED))
    assert judged(told, DETECTOR) == [("found", "job train/0 was drained by force after 48s in round 1 of train: exited_before_signal")]


@pytest.mark.parametrize("trigger", ["train/0", "train/1"])
def test_a_dead_worker_is_classified_and_not_found(trigger: str):
    """The reaper drains by force what belongs to a worker that is gone: that is what it is for."""
    told = log(scheduler("s-1", "90s"), drained(trigger, worker_lives_until="15s"))
    assert judged(told, DETECTOR) == []
    assert rows(told, "SELECT job, cause FROM gang_forced_drain WHERE run_id = $run") == [("train/0", "dead_worker")]


def test_a_living_worker_that_said_nothing_is_classified_and_not_found():
    told = log(scheduler("s-1", "90s"), drained())
    assert judged(told, DETECTOR) == []
    assert rows(told, "SELECT job, cause FROM gang_forced_drain WHERE run_id = $run") == [("train/0", "unknown")]


def test_a_report_for_an_older_claim_is_no_cause():
    older = f"{FINISHED} reported_claim=0 fence=claim"
    assert judged(log(scheduler("s-1", "90s"), drained(between=older)), DETECTOR) == []


def test_a_log_that_ends_before_the_forced_drain_is_clean():
    assert judged(log(scheduler("s-1", "50s"), "\n".join(drained(between=REJECTED).splitlines()[:7])), DETECTOR) == []


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(REJECTED), DETECTOR) == "unknown"
