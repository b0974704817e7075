"""Half a gang may last for the reservation timeout (30 s) and two ticks; one tick more that changes nothing is the proof."""

from __future__ import annotations

from tests.detectors.gang.telling import log, loop, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/partial_gang_stuck"
HALF = """
    5s   s-1/admission  job/train/0  job.reserved  >worker/w-1-a
    5s   s-1/admission  job/train/1  job.reserved  >worker/w-2-a
    6s   s-1/api        job/train/0  job.claimed   >worker/w-1-a
"""
ROLLED_BACK = "36s s-1/admission job/train/1 job.rolled_back"
ENDED = f"""
    {HALF}
    20s  s-1/api        job/train/0  job.completed
    36s  s-1/admission  job/train/1  job.rolled_back
"""


def test_a_member_that_runs_while_its_peer_is_blocked_is_found():
    told = log(scheduler("s-1", "120s"), HALF, ROLLED_BACK)
    assert judged(told, DETECTOR) == [
        ("found", "gang train had 1 members running, 0 ended and 1 blocked for 1m24s, and no drain round led out of it")
    ]
    assert len(evidence(told, DETECTOR)[0]) == 2
    assert span(told, DETECTOR) == [("36s", None)]


def test_a_member_that_is_blocked_when_its_peer_has_ended_is_found():
    told = log(scheduler("s-1", "120s"), ENDED)
    assert judged(told, DETECTOR) == [
        ("found", "gang train had 0 members running, 1 ended and 1 blocked for 1m24s, and no drain round led out of it")
    ]


def test_a_drain_round_leads_out_of_it():
    drained = "50s s-1/api job/train/0 job.drain_started"
    assert judged(log(scheduler("s-1", "120s"), HALF, ROLLED_BACK, drained), DETECTOR) == []


def test_half_a_gang_between_reserve_and_claim_is_clean():
    claimed = "34s s-1/api job/train/1 job.claimed >worker/w-2-a"
    assert judged(log(scheduler("s-1", "120s"), HALF, claimed), DETECTOR) == []


def test_a_gang_whose_end_is_a_tick_away_is_clean():
    """One is done, one is blocked: the next tick of the reaper ends the gang as a whole."""
    failed = "50s s-1/reaper job/train/1 job.failed reason=gang_failed"
    assert judged(log(scheduler("s-1", "120s"), ENDED, failed), DETECTOR) == []


def test_a_gang_of_which_one_is_done_and_one_runs_is_clean():
    claimed = "7s s-1/api job/train/1 job.claimed >worker/w-2-a"
    assert judged(log(scheduler("s-1", "120s"), HALF, claimed, "20s s-1/api job/train/0 job.completed"), DETECTOR) == []


def test_a_log_that_ends_within_the_window_leaves_it_pending():
    assert [said for said, _ in judged(log(scheduler("s-1", "70s"), HALF, ROLLED_BACK), DETECTOR)] == ["pending"]


def test_an_admission_that_fell_silent_leaves_it_pending():
    told = log(scheduler("s-1", "60s"), loop("s-1", "reaper", "70s", "200s"), HALF, ROLLED_BACK)
    assert [said for said, _ in judged(told, DETECTOR)] == ["pending"]


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(HALF), DETECTOR) == "unknown"
