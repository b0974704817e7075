"""Why gangs and jobs wait: each story and where the time went, in seconds."""

from __future__ import annotations

from tests.detectors.gang.telling import log, loop, scheduler
from tests.story import SECOND
from timeline.why import parts_of

SUBMITTED = """
    1s  s-1/api  gang/train   gang.submitted
    1s  s-1/api  job/train/0  job.submitted
    1s  s-1/api  job/train/1  job.submitted
"""
RESERVED = """
    11s  s-1/admission  gang/train   gang.reserved
    11s  s-1/admission  job/train/0  job.reserved  >worker/w-1
    11s  s-1/admission  job/train/1  job.reserved  >worker/w-2
"""
CLAIMED = """
    12s  s-1/api  job/train/0  job.claimed  >worker/w-1
    14s  s-1/api  job/train/1  job.claimed  >worker/w-2
"""
STAYS = """
    35s  s-1/api  job/train/0  job.heartbeated
    35s  s-1/api  job/train/1  job.heartbeated
"""


def spent(workload: str, *texts: str) -> list[tuple[str, float]]:
    """Where the time of `kind/id` went, in order: reason, seconds."""
    kind, _, id_ = workload.partition("/")
    parts = parts_of(log(*texts).connection, "run", kind, id_)
    assert (parts["ts_us"] + parts["dur_us"]).to_list()[:-1] == parts["ts_us"].to_list()[1:]
    return [(reason, us / SECOND) for reason, us in parts.select("reason", "dur_us").rows()]


# ---- gangs and their members


def test_a_gang_waits_in_the_queue_for_a_tick_then_for_its_members():
    """Until the first is claimed it waits for its reservation, until the last is for its peers; each member by its own row."""
    ended = "40s s-1/api job/train/0 job.completed\n50s s-1/api job/train/1 job.completed\n60s s-1/api worker/w-1 worker.checked_in"
    story = (scheduler("s-1", "60s"), SUBMITTED, RESERVED, CLAIMED, STAYS, ended)
    assert spent("gang/train", *story) == [("queue", 10), ("reservation_wait", 1), ("gang_peer_missing", 2), ("running", 36)]
    assert spent("job/train/0", *story) == [("queue", 10), ("reservation_wait", 1), ("gang_peer_missing", 2), ("running", 26)]
    assert spent("job/train/1", *story) == [("queue", 10), ("reservation_wait", 3), ("running", 36)]


def test_a_gang_that_no_tick_can_place_waits_for_capacity():
    """From the first refusal on; its members wait for the same."""
    refused = """
        5s   s-1/admission  gang/train  gang.admission_refused  size=2 fitting=1 active=1
        10s  s-1/admission  gang/train  gang.admission_refused  size=2 fitting=1 active=1
    """
    story = (scheduler("s-1", "10s"), SUBMITTED, refused, RESERVED)
    for workload in ["gang/train", "job/train/0"]:
        assert spent(workload, *story) == [("queue", 4), ("no_capacity", 6), ("reservation_wait", 0)]


def test_a_placement_that_was_not_written_is_tried_again():
    missed = "6s s-1/admission gang/train gang.reserve_missed reservation=1 fence=state want=blocked got=reserved"
    assert spent("gang/train", scheduler("s-1", "10s"), SUBMITTED, missed, RESERVED)[:2] == [("queue", 5), ("back_off", 5)]


def test_a_gang_that_waits_while_admission_stands_still_waits_for_the_lock():
    """A tick at 5 s hangs and the next is at 25 s. The reaper's loop goes on, and is not what it waits for."""
    hung = "5s s-1/admission scheduler/s-1-a tick.started loop=admission"
    story = (scheduler("s-1", "0s"), hung, loop("s-1", "reaper", "10s", "60s"), loop("s-1", "admission", "25s", "60s"))
    assert spent("gang/train", *story, SUBMITTED) == [("queue", 4), ("lock_not_held", 20), ("queue", 35.01)]


def test_a_drain_is_told_apart_from_the_wait_for_the_reaper_that_ends_it():
    """A member that has stopped waits for the others; when all have, the gang waits for a tick of the reaper, then for admission."""
    drained = """
        20s  s-1/api     gang/train   gang.drain_started
        20s  s-1/api     job/train/0  job.preempted      reason=trigger_exited
        20s  s-1/api     job/train/1  job.drain_started
        24s  s-1/api     job/train/1  job.preempted
        30s  s-1/reaper  gang/train   gang.drain_completed
        30s  s-1/reaper  job/train/0  job.requeued
        30s  s-1/reaper  job/train/1  job.requeued
    """
    story = (scheduler("s-1", "35s"), SUBMITTED, RESERVED, CLAIMED, drained)
    assert spent("gang/train", *story)[3:] == [("running", 6), ("draining", 4), ("preempted", 6), ("queue", 5.01)]
    assert spent("job/train/0", *story)[3:] == [("running", 6), ("preempted", 10), ("queue", 5.01)]
    assert spent("job/train/1", *story)[2:] == [("running", 6), ("draining", 4), ("preempted", 6), ("queue", 5.01)]


def test_a_drain_that_the_reaper_does_not_end_waits_for_its_lock():
    """All have stopped at 24 s, and the reaper's last tick was at 20 s."""
    drained = """
        22s  s-1/api  gang/train   gang.drain_started
        22s  s-1/api  job/train/0  job.preempted  reason=trigger_exited
        24s  s-1/api  job/train/1  job.preempted
    """
    story = (scheduler("s-1", "20s"), loop("s-1", "admission", "25s", "60s"), SUBMITTED, RESERVED, CLAIMED, drained)
    for workload in ["gang/train", "job/train/0"]:
        assert spent(workload, *story)[-1] == ("lock_not_held", 36.01)


def test_a_gang_of_which_one_member_never_came_misses_a_peer():
    """Its reservation is taken back and the other runs on: both know why, and so does the gang."""
    alone = """
        12s  s-1/api        job/train/0  job.claimed      >worker/w-1
        35s  s-1/api        job/train/0  job.heartbeated
        45s  s-1/admission  job/train/1  job.rolled_back
        60s  s-1/api        job/train/0  job.heartbeated
    """
    story = (scheduler("s-1", "60s"), SUBMITTED, RESERVED, alone)
    assert spent("gang/train", *story)[2:] == [("gang_peer_missing", 48.01)]
    assert spent("job/train/0", *story)[2:] == [("gang_peer_missing", 48.01)]
    assert spent("job/train/1", *story)[1:] == [("reservation_wait", 34), ("gang_peer_missing", 15.01)]


def test_a_member_that_falls_silent_was_lost_from_its_last_sign_of_life_on():
    """Known only when the reaper looks, and true from then back; its peer runs without it."""
    silent = """
        35s  s-1/api     job/train/0  job.heartbeated
        40s  s-1/api     job/train/1  job.heartbeated
        45s  s-1/api     job/train/0  job.heartbeated
        75s  s-1/reaper  gang/train   gang.drain_started  reason=stale
        75s  s-1/reaper  job/train/0  job.drain_started
        75s  s-1/reaper  job/train/1  job.drain_started   refunded=false
    """
    story = (scheduler("s-1", "75s"), SUBMITTED, RESERVED, CLAIMED, silent)
    assert spent("job/train/1", *story)[2:] == [("running", 26), ("lost_worker", 35), ("draining", 0.01)]
    assert spent("gang/train", *story)[3:] == [("running", 26), ("lost_worker", 35), ("draining", 0.01)]


# ---- plain jobs


def test_a_job_waits_for_its_dependency_then_for_a_worker_that_asks():
    """No gang: blocked is its dependencies, pending is the queue."""
    story = """
        1s   s-1/api  worker/w-1  worker.registered
        1s   s-1/api  job/etl     job.submitted  from_state=null to_state=blocked
        9s   s-1/api  job/etl     job.unblocked
        10s  s-1/api  job/etl     job.claimed    >worker/w-1 path=queue
        25s  s-1/api  job/etl     job.completed
    """
    assert spent("job/etl", scheduler("s-1", "30s"), story) == [("dependency", 8), ("queue", 1), ("running", 15)]


def test_a_pending_job_waits_for_capacity_while_no_worker_is_idle():
    """The only worker has another job until 20 s and asks for work a second later."""
    story = """
        1s   s-1/api  worker/w-1  worker.registered
        2s   s-1/api  job/long    job.submitted
        3s   s-1/api  job/long    job.claimed    >worker/w-1 path=queue
        4s   s-1/api  job/etl     job.submitted
        20s  s-1/api  job/long    job.completed  >worker/w-1
        21s  s-1/api  job/etl     job.claimed    >worker/w-1 path=queue
        30s  s-1/api  job/etl     job.completed
    """
    assert spent("job/etl", scheduler("s-1", "30s"), story) == [("no_capacity", 16), ("queue", 1), ("running", 9)]


def test_a_worker_that_is_offline_is_no_capacity():
    story = """
        1s   s-1/api     worker/w-1  worker.registered
        5s   s-1/reaper  worker/w-1  worker.marked_offline  from_state=active to_state=offline age=60s reason=silent
        6s   s-1/api     job/etl     job.submitted
        16s  s-1/api     worker/w-1  worker.checked_in      from_state=offline
        17s  s-1/api     job/etl     job.claimed            >worker/w-1 path=queue
    """
    assert spent("job/etl", scheduler("s-1", "30s"), story)[:2] == [("no_capacity", 10), ("queue", 1)]


def test_a_job_that_is_run_again_goes_back_to_the_queue():
    story = """
        1s   s-1/api  worker/w-1  worker.registered
        1s   s-1/api  job/etl     job.submitted
        2s   s-1/api  job/etl     job.claimed    >worker/w-1 path=queue
        10s  s-1/api  job/etl     job.requeued   reason=reported_failure
        12s  s-1/api  job/etl     job.claimed    >worker/w-1 path=queue
        20s  s-1/api  job/etl     job.failed     reason=retries_exhausted
    """
    assert spent("job/etl", scheduler("s-1", "30s"), story) == [("queue", 1), ("running", 8), ("queue", 2), ("running", 8)]


def test_a_job_that_is_pending_twice_while_no_worker_is_idle_waits_for_capacity_until_one_is():
    """A worker that has never joined takes it in between and gives it back; the other is busy all that time, until 20 s."""
    story = """
        1s   s-1/api  worker/w-1  worker.registered
        2s   s-1/api  job/long    job.submitted
        3s   s-1/api  job/long    job.claimed    >worker/w-1 path=queue
        4s   s-1/api  job/etl     job.submitted
        6s   s-1/api  job/etl     job.claimed    >worker/w-9 path=queue
        8s   s-1/api  job/etl     job.requeued   reason=reported_failure
        20s  s-1/api  job/long    job.completed  >worker/w-1
        21s  s-1/api  job/etl     job.claimed    >worker/w-1 path=queue
        30s  s-1/api  job/etl     job.completed
    """
    told = log(scheduler("s-1", "30s"), story)
    steps = "SELECT count(*) FROM why_job WHERE workload_id = 'etl' GROUP BY at_us, position, event_id HAVING count(*) > 1"
    assert told.connection.sql(steps).fetchall() == []
    waited = [("no_capacity", 2), ("running", 2), ("no_capacity", 12), ("queue", 1), ("running", 9)]
    assert spent("job/etl", scheduler("s-1", "30s"), story) == waited
