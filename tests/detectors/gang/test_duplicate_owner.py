"""Two processes of one job must not run at once; overlap of less than 2 s may come from clocks that are placed by causes."""

from __future__ import annotations

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/duplicate_owner"
FIRST = """
    5s   s-1/api     job/index  job.submitted
    6s   s-1/api     job/index  job.claimed          path=queue >worker/w-1-a
    7s   w-1/worker  job/index  job.process_started  claim=1 >worker/w-1-a
"""
SECOND = """
    60s  s-1/reaper  job/index  job.requeued
    62s  s-1/api     job/index  job.claimed          path=queue >worker/w-2-a
    63s  w-2/worker  job/index  job.process_started  claim=2 >worker/w-2-a
"""


def ended(at: str, reason: str = "fenced") -> str:
    return f"{at} w-1/worker job/index job.process_ended claim=1 reason={reason} >worker/w-1-a"


SECOND_ENDED = "120s w-2/worker job/index job.process_ended claim=2 reason=done >worker/w-2-a"


def test_a_process_that_goes_on_while_another_worker_runs_the_job_is_found():
    told = log(scheduler("s-1", "130s"), FIRST, SECOND, ended("100s"), SECOND_ENDED)
    assert judged(told, DETECTOR) == [("found", "job index ran on w-1-a and on w-2-a at once, for 37s")]
    assert evidence(told, DETECTOR) == [["w-1-a/worker:1", "w-2-a/worker:1"]]
    assert span(told, DETECTOR) == [("1m3s", "1m40s")]


def test_a_worker_that_gave_up_in_time_is_clean():
    """It had no answer for as long as a job may be silent, and stopped by itself."""
    assert judged(log(scheduler("s-1", "130s"), FIRST, SECOND, ended("40s", "silent"), SECOND_ENDED), DETECTOR) == []


def test_an_overlap_that_clocks_may_account_for_is_clean():
    assert judged(log(scheduler("s-1", "130s"), FIRST, SECOND, ended("64500ms"), SECOND_ENDED), DETECTOR) == []


def test_a_worker_that_died_with_its_process_is_clean():
    """It said nothing after the start; nobody can say that its process went on."""
    assert judged(log(scheduler("s-1", "130s"), FIRST, SECOND, SECOND_ENDED), DETECTOR) == []


def test_the_same_worker_may_take_the_job_again():
    again = SECOND.replace("w-2", "w-1")
    assert judged(log(scheduler("s-1", "130s"), FIRST, again, ended("66s")), DETECTOR) == []


def test_a_log_cut_before_the_first_process_is_known_to_go_on_is_clean():
    assert judged(log(scheduler("s-1", "130s"), FIRST, SECOND), DETECTOR) == []


def test_without_a_claim_nothing_is_known():
    assert verdict(log("5s s-1/reaper scheduler/s-1-a tick.started loop=reaper"), DETECTOR) == "unknown"
