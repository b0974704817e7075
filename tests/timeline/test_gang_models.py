"""The lives of gangs and jobs, rebuilt from their events: the rows that detectors and `why` read."""

from __future__ import annotations

from tests.detectors.gang.telling import log
from tests.story import START_US, rows

ROUND = """
    2s   s-1/api        gang/train   gang.submitted
    2s   s-1/api        job/train/0  job.submitted
    2s   s-1/api        job/train/1  job.submitted       ordinal=1
    5s   s-1/admission  gang/train   gang.reserved
    5s   s-1/admission  job/train/0  job.reserved        >worker/w-1-a
    5s   s-1/admission  job/train/1  job.reserved        >worker/w-2-a
    6s   s-1/api        job/train/0  job.claimed         >worker/w-1-a
    8s   s-1/api        job/train/1  job.claimed         >worker/w-2-a
    20s  s-1/api        gang/train   gang.drain_started  triggered_by=train/1
    20s  s-1/api        job/train/0  job.drain_started
    20s  s-1/api        job/train/1  job.drain_started   refunded=false
    22s  s-1/api        job/train/0  job.ack_rejected    want_epoch=1 >worker/w-1-a
    24s  s-1/api        job/train/0  job.preempted
    70s  s-1/reaper     job/train/1  job.force_drained   age=50s
    70s  s-1/reaper     gang/train   gang.drain_completed
    70s  s-1/reaper     job/train/0  job.requeued
    70s  s-1/reaper     job/train/1  job.requeued
"""


def seconds(table: str, columns: str, order: str = "ts_us") -> str:
    return f"SELECT {columns}, (ts_us - {START_US}) / 1000000, dur_us / 1000000, is_open FROM {table} ORDER BY {order}"


def test_a_job_is_in_one_state_after_another_until_the_log_ends():
    told = rows(log(ROUND).connection, seconds("job_state_interval", "state, worker, claim, attempts, epoch", "job, ts_us"))
    assert told[:6] == [
        ("blocked", None, 0, 0, 0, 2, 3, False),
        ("reserved", "w-1-a", 0, 0, 0, 5, 1, False),
        ("running", "w-1-a", 1, 1, 0, 6, 14, False),
        ("preempting", "w-1-a", 1, 0, 1, 20, 4, False),
        ("preempted", "w-1-a", 1, 0, 1, 24, 46, False),
        ("blocked", None, 1, 0, 1, 70, 0, True),
    ]


def test_a_reservation_lasts_until_its_last_member_is_claimed():
    assert rows(log(ROUND).connection, seconds("gang_reservation", "gang, reservation, size, claimed, ended_by")) == [
        ("train", 1, 2, 2, "claimed", 5, 3, False)
    ]


def test_a_reservation_that_a_worker_never_claimed_is_rolled_back():
    """The one member runs, the other's time was up."""
    half = "\n".join([*ROUND.splitlines()[:8], "36s s-1/admission job/train/1 job.rolled_back"])
    assert rows(log(half).connection, seconds("gang_reservation", "claimed, ended_by")) == [(1, "rolled_back", 5, 31, False)]


def test_a_round_counts_how_each_member_came_out_of_it():
    assert rows(log(ROUND).connection, seconds("gang_round", "epoch, trigger_job, draining, acked, rejected, forced, result")) == [
        (1, "train/1", 2, 1, 1, 1, "blocked", 20, 50, False)
    ]


def test_an_attempt_ends_with_the_row_and_its_process_with_the_worker():
    """The row says preempted at 24 s; the process had ended a second before."""
    process = """
        7s   w-1/worker  job/train/0  job.process_started  >worker/w-1-a
        23s  w-1/worker  job/train/0  job.process_ended    reason=preempted >worker/w-1-a
    """
    columns = f"job, worker, ended_by, (process_ended_us - {START_US}) / 1000000, process_reason"
    assert rows(log(ROUND, process).connection, seconds("job_attempt", columns)) == [
        ("train/0", "w-1-a", "job.preempted", 23, "preempted", 6, 18, False),
        ("train/1", "w-2-a", "job.force_drained", None, None, 8, 62, False),
    ]


def test_a_census_changes_once_for_what_is_written_at_once():
    columns = "blocked, reserved, running, preempting, preempted"
    assert rows(log(ROUND).connection, seconds("gang_census", columns)) == [
        (2, 0, 0, 0, 0, 2, 3, False),
        (0, 2, 0, 0, 0, 5, 1, False),
        (0, 1, 1, 0, 0, 6, 2, False),
        (0, 0, 2, 0, 0, 8, 12, False),
        (0, 0, 0, 2, 0, 20, 4, False),
        (0, 0, 0, 1, 1, 24, 46, False),
        (2, 0, 0, 0, 0, 70, 0, True),
    ]


def test_a_turn_at_a_loop_holds_the_lock_for_as_long_as_its_tick_lasts():
    turns = """
        0s   s-1/reaper  job/first        job.failed
        10s  s-1/reaper  scheduler/s-1-a  tick.started    loop=reaper
        12s  s-1/reaper  scheduler/s-1-a  tick.completed  loop=reaper
        20s  s-1/reaper  scheduler/s-1-a  tick.skipped    loop=reaper
        30s  s-1/reaper  scheduler/s-1-a  tick.failed     loop=reaper reason=store_error
        40s  s-1/reaper  scheduler/s-1-a  tick.started    loop=reaper
        45s  s-1/reaper  job/last         job.failed
    """
    assert rows(log(turns).connection, seconds("gang_tick", "result, has_lock, reason")) == [
        ("completed", True, None, 10, 2, False),
        ("skipped", False, "lock_held", 20, 0, False),
        ("failed", False, "store_error", 30, 0, False),
        ("open", True, None, 40, 5, True),
    ]
