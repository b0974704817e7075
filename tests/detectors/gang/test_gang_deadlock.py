"""Two gangs hold each the worker that the other's member was placed on, for longer than two ticks of the admission (10 s)."""

from __future__ import annotations

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/gang_deadlock"
CROSSED = """
    5s   s-1/admission  job/a/0  job.reserved     >worker/w-1-a
    5s   s-1/admission  job/a/1  job.reserved     >worker/w-2-a
    5s   s-1/admission  job/b/0  job.reserved     >worker/w-1-a
    5s   s-1/admission  job/b/1  job.reserved     >worker/w-2-a
    6s   s-1/api        job/a/0  job.claimed      >worker/w-1-a
    7s   s-1/api        job/b/1  job.claimed      >worker/w-2-a
    36s  s-1/admission  job/a/1  job.rolled_back
    36s  s-1/admission  job/b/0  job.rolled_back
"""


def test_two_gangs_that_wait_for_each_other_are_found_with_what_each_holds():
    told = log(scheduler("s-1", "60s"), CROSSED)
    assert judged(told, DETECTOR) == [
        ("found", "gang a holds w-1-a (a/0) and waits for w-2-a; b holds w-2-a (b/1) and waits for w-1-a, for 24.01s")
    ]
    assert len(evidence(told, DETECTOR)[0]) == 4
    assert span(told, DETECTOR) == [("36s", None)]


def test_a_drain_of_one_of_them_ends_it():
    drained = "60s s-1/api job/b/1 job.drain_started"
    assert span(log(scheduler("s-1", "90s"), CROSSED, drained), DETECTOR) == [("36s", "1m")]


def test_a_gang_that_waits_for_another_that_is_whole_is_clean():
    """Gang b has both its members: it will end, and then gang a has its turn."""
    whole = CROSSED.replace("36s  s-1/admission  job/b/0  job.rolled_back", "8s s-1/api job/b/0 job.claimed >worker/w-1-a")
    assert judged(log(scheduler("s-1", "60s"), whole), DETECTOR) == []


def test_two_half_gangs_on_workers_of_their_own_are_no_deadlock():
    apart = CROSSED.replace("job/b/0  job.reserved     >worker/w-1-a", "job/b/0  job.reserved     >worker/w-3-a")
    assert judged(log(scheduler("s-1", "60s"), apart), DETECTOR) == []


def test_a_log_that_ends_within_two_ticks_leaves_it_pending():
    assert [said for said, _ in judged(log(scheduler("s-1", "45s"), CROSSED), DETECTOR)] == ["pending"]


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(CROSSED), DETECTOR) == "unknown"
