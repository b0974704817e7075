"""A round that refused every ack for its epoch is found when it is over; one late ack among good ones is not."""

from __future__ import annotations

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/epoch_mismatch_ack"
ROUND = """
    8s   s-1/api     job/train/0  job.claimed         >worker/w-1-a
    8s   s-1/api     job/train/1  job.claimed         >worker/w-2-a
    12s  s-1/api     gang/train   gang.drain_started
    12s  s-1/api     job/train/0  job.drain_started
    12s  s-1/api     job/train/1  job.drain_started
"""
REFUSED = """
    20s  s-1/api     job/train/0  job.ack_rejected    >worker/w-1-a
    21s  s-1/api     job/train/1  job.ack_rejected    >worker/w-2-a
"""
FORCED = """
    60s  s-1/reaper  job/train/0  job.force_drained
    60s  s-1/reaper  job/train/1  job.force_drained
    60s  s-1/reaper  gang/train   gang.drain_completed
"""


def test_a_round_in_which_all_acks_were_refused_is_found():
    told = log(scheduler("s-1", "90s"), ROUND, REFUSED, FORCED)
    assert judged(told, DETECTOR) == [
        ("found", "gang train refused all 2 words of its members in round 1; the highest epoch that one of them gave is 0")
    ]
    assert evidence(told, DETECTOR)[0][1] == "s-1-a/api:6"
    assert span(told, DETECTOR) == [("12s", "1m")]


def test_one_late_ack_of_an_old_epoch_beside_good_ones_is_clean():
    """The other member's word was taken, so the two sides read the epoch alike."""
    accepted = "22s s-1/api job/train/1 job.preempted reason=acked"
    told = log(scheduler("s-1", "90s"), ROUND, REFUSED.splitlines()[1], accepted, "60s s-1/reaper gang/train gang.drain_completed")
    assert judged(told, DETECTOR) == []


def test_a_refusal_for_another_cause_than_the_epoch_is_clean():
    """The same word twice: the second time the row has moved on."""
    again = REFUSED.replace("job.ack_rejected", "job.ack_rejected fence=state state=preempted")
    assert judged(log(scheduler("s-1", "90s"), ROUND, again, FORCED), DETECTOR) == []


def test_a_round_in_which_everybody_was_silent_is_clean():
    assert judged(log(scheduler("s-1", "90s"), ROUND, FORCED), DETECTOR) == []


def test_a_log_that_ends_before_the_round_leaves_it_pending():
    """A good word may still come."""
    assert [said for said, _ in judged(log(scheduler("s-1", "40s"), ROUND, REFUSED), DETECTOR)] == ["pending"]


def test_a_log_that_begins_within_the_round_is_clean():
    """What was said before it begins is not known."""
    assert judged(log(scheduler("s-1", "90s"), REFUSED, FORCED), DETECTOR) == []


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(REFUSED), DETECTOR) == "unknown"
