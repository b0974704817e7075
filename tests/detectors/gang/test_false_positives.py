"""What looks like a leak of a gang and is none: every detector stays silent on each of these."""

from __future__ import annotations

import random

import pytest

from tests.detectors.gang.telling import checking_in, complete, log, loop, scheduler
from tests.detectors.telling import found, in_order, rows
from tests.detectors.together import Told
from tests.story import database, tell

END = "150s"
LIVING = "\n".join(
    [
        scheduler("s-1", END),
        *(f"0s s-1/api worker/{worker} worker.registered\n{checking_in(worker, '5s', END)}" for worker in ("w-1-a", "w-2-a")),
    ]
)
ADMITTED = """
    2s   s-1/api        gang/train   gang.submitted
    2s   s-1/api        job/train/0  job.submitted
    2s   s-1/api        job/train/1  job.submitted       ordinal=1
    5s   s-1/admission  gang/train   gang.reserved
    5s   s-1/admission  job/train/0  job.reserved         >worker/w-1-a
    5s   s-1/admission  job/train/1  job.reserved         >worker/w-2-a
"""
CLAIMED = """
    6s   s-1/api        job/train/0  job.claimed          >worker/w-1-a
    6s   w-1/worker     job/train/0  job.process_started  >worker/w-1-a
    7s   s-1/api        job/train/1  job.claimed          >worker/w-2-a
    7s   w-2/worker     job/train/1  job.process_started  >worker/w-2-a
"""
DRAINED = """
    20s  w-2/worker     job/train/1  job.process_ended    reason=failed >worker/w-2-a
    20s  s-1/api        job/train/1  job.fail_reported    >worker/w-2-a
    20s  s-1/api        gang/train   gang.drain_started   triggered_by=train/1 draining=1
    20s  s-1/api        job/train/0  job.drain_started
    20s  s-1/api        job/train/1  job.preempted        from_state=running reason=trigger_exited
"""
ACKED = """
    24s  w-1/worker     job/train/0  job.process_ended    reason=preempted >worker/w-1-a
    24s  s-1/api        job/train/0  job.preempted        reason=acked
    30s  s-1/reaper     gang/train   gang.drain_completed
    30s  s-1/reaper     job/train/0  job.requeued         reason=drain_completed
    30s  s-1/reaper     job/train/1  job.requeued         reason=drain_completed
"""
READMITTED = """
    35s  s-1/admission  gang/train   gang.reserved        reservation=2
    35s  s-1/admission  job/train/0  job.reserved         reservation=2 >worker/w-2-a
    35s  s-1/admission  job/train/1  job.reserved         reservation=2 >worker/w-1-a
    36s  s-1/api        job/train/0  job.claimed          reservation=2 offered_reservation=2 >worker/w-2-a
    37s  s-1/api        job/train/1  job.claimed          reservation=2 offered_reservation=2 >worker/w-1-a
"""
DONE = """
    80s  s-1/api        job/train/0  job.completed
    95s  s-1/api        job/train/1  job.completed
"""


def test_gang_that_fails_is_drained_and_runs_again_to_its_end():
    """Planned rescheduling: stopped on one worker first, started on another then."""
    assert found(log(LIVING, ADMITTED, CLAIMED, DRAINED, ACKED, READMITTED, DONE)) == []


def test_single_late_ack_of_an_old_epoch():
    """The worker repeats its word from round 1 in round 2, and then says the right one."""
    late = """
        60s  s-1/reaper     gang/train   gang.drain_started   triggered_by=train/1 draining=2
        60s  s-1/reaper     job/train/0  job.drain_started
        60s  s-1/reaper     job/train/1  job.drain_started    refunded=false
        62s  s-1/api        job/train/0  job.ack_rejected     want_epoch=2 got_epoch=1 >worker/w-2-a
        63s  s-1/api        job/train/0  job.preempted        reason=acked
        64s  s-1/api        job/train/1  job.preempted        reason=acked
        70s  s-1/reaper     gang/train   gang.drain_completed
        70s  s-1/reaper     job/train/0  job.requeued
        70s  s-1/reaper     job/train/1  job.requeued
    """
    assert found(log(LIVING, ADMITTED, CLAIMED, DRAINED, ACKED, READMITTED, late)) == []


def test_forced_drain_of_a_dead_worker():
    """It is silent for 30 s, its gang is drained, its own member by force: classified, and nobody is accused."""
    dead = f"""
        {scheduler("s-1", END)}
        {checking_in("w-1-a", "5s", END)}
        {checking_in("w-2-a", "5s", "10s")}
        50s  s-1/reaper  job/train/1  job.found_stale      age=40s age_basis=heartbeat_us
        50s  s-1/reaper  gang/train   gang.drain_started   triggered_by=train/1 draining=2 reason=stale
        50s  s-1/reaper  job/train/0  job.drain_started
        50s  s-1/reaper  job/train/1  job.drain_started    refunded=false
        54s  s-1/api     job/train/0  job.preempted        reason=acked
        100s s-1/reaper  job/train/1  job.force_drained    age=50s
        100s s-1/reaper  gang/train   gang.drain_completed
        100s s-1/reaper  job/train/0  job.requeued
        100s s-1/reaper  job/train/1  job.requeued
    """
    told = log(ADMITTED, CLAIMED, dead)
    assert found(told) == []
    assert rows(told, "SELECT job, cause FROM gang_forced_drain WHERE run_id = $run") == [("train/1", "dead_worker")]


def test_gang_in_mid_drain():
    assert found(log(scheduler("s-1", "40s"), ADMITTED, CLAIMED, DRAINED)) == []


def test_reservation_in_progress():
    """One member is claimed, the other's worker is late but within the timeout."""
    late = "33s s-1/api job/train/1 job.claimed >worker/w-2-a"
    assert found(log(LIVING, ADMITTED, CLAIMED.splitlines()[1], late)) == []


def test_holders_of_a_lock_that_alternate():
    """Whoever comes first leads for one tick; the other says that it sat the tick out, and shows 0."""
    turns = []
    for at in range(10, 150, 10):
        one, other = ("s-1", "s-2") if at % 20 else ("s-2", "s-1")
        turns.append(loop(one, "reaper", f"{at}s", f"{at}s"))
        turns.append(f"{at}s {other}/reaper scheduler/{other}-a tick.skipped loop=reaper")
        for name, shown in ((one, 1), (other, 0)):
            turns.append(f"{at + 1}s {name}/scheduler scheduler/{name}-a scheduler.gauge_observed shown={shown}")
    configured = "\n".join(f"0s {name}/scheduler scheduler/{name}-a scheduler.configured" for name in ("s-1", "s-2"))
    assert found(log(configured, *turns)) == []


def test_losers_of_a_compare_and_set():
    """A row that moved on under the writer is a conflict, and no harm: the next tick sees it as it is."""
    lost = """
        20s  s-1/api        job/index    job.claim_refused     reason=lost_race fence=state want=pending got=running >worker/w-1-a
        25s  s-1/admission  gang/train   gang.reserve_missed   reservation=2 fence=state want=blocked got=preempting
        30s  s-1/reaper     gang/train   gang.drain_missed     fence=state want=running got=done
        30s  s-1/reaper     job/train/0  job.fence_missed      origin=reaper fence=heartbeat_us want="1" got="2"
    """
    assert found(log(LIVING, ADMITTED, CLAIMED, lost, DONE)) == []


@pytest.mark.parametrize("triggers", [(1,), (1, 0), (1, 0, 1)])
def test_triggers_that_rotate_below_the_bound(triggers: tuple[int, ...]):
    lines = ["2s s-1/api gang/train gang.submitted"]
    for number, trigger in enumerate(triggers):
        at = 5 + 40 * number
        lines += [f"{at}s s-1/admission job/train/{member} job.reserved >worker/w-{member + 1}-a" for member in (0, 1)]
        lines += [f"{at + 1}s s-1/api job/train/{member} job.claimed >worker/w-{member + 1}-a" for member in (0, 1)]
        lines.append(f"{at + 10}s s-1/api gang/train gang.drain_started triggered_by=train/{trigger} draining=1")
        lines.append(f"{at + 10}s s-1/api job/train/{trigger} job.preempted reason=trigger_exited")
        lines.append(f"{at + 10}s s-1/api job/train/{1 - trigger} job.drain_started")
        lines.append(f"{at + 14}s s-1/api job/train/{1 - trigger} job.preempted reason=acked")
        lines.append(f"{at + 25}s s-1/reaper gang/train gang.drain_completed")
        lines += [f"{at + 25}s s-1/reaper job/train/{member} job.requeued" for member in (0, 1)]
    assert found(log(LIVING, "\n".join(lines))) == []


def test_member_that_is_done_while_its_gang_is_failed_at_the_next_tick():
    """One member is done, the other was never claimed: until the reaper's next tick the gang holds both."""
    ending = """
        20s  s-1/api        job/train/0  job.completed
        36s  s-1/admission  job/train/1  job.rolled_back
        40s  s-1/reaper     job/train/1  job.failed           reason=gang_failed
    """
    assert found(log(LIVING, ADMITTED, CLAIMED.splitlines()[1], ending)) == []


def test_zombie_whose_word_is_refused():
    """A worker that was cut off says what it did; its job has moved on, and it stops by itself."""
    zombie = """
        20s  s-1/api     job/index  job.claimed          path=queue >worker/w-1-a
        20s  w-1/worker  job/index  job.process_started  >worker/w-1-a
        50s  w-1/worker  job/index  job.process_ended    reason=silent >worker/w-1-a
        60s  s-1/reaper  job/index  job.requeued         reason=stale
        61s  s-1/api     job/index  job.claimed          path=queue >worker/w-2-a
        61s  w-2/worker  job/index  job.process_started  claim=2 >worker/w-2-a
        70s  s-1/api     job/index  job.done_rejected    reported_by=w-1-a reported_claim=1 fence=claim state=running
        80s  w-2/worker  job/index  job.process_ended    claim=2 >worker/w-2-a
        80s  s-1/api     job/index  job.completed
    """
    assert found(log(LIVING, zombie)) == []


WHOLE = f"{LIVING}\n{ADMITTED}\n{CLAIMED}\n{DRAINED}\n{ACKED}\n{READMITTED}\n{DONE}"


def test_shuffled_and_repeated_delivery_changes_nothing():
    events = tell("\n".join(complete(in_order(WHOLE))))
    shuffled = random.Random(7).sample(events, len(events)) + events[:50]
    assert found(Told(database(events))) == found(Told(database(shuffled))) == []


@pytest.mark.parametrize("actor", ["s-1/api", "s-1/reaper", "s-1/admission", "s-1/scheduler", "w-1/worker"])
def test_clock_skew_between_emitters(actor: str):
    """A day on one actor's clock changes nothing that is said about gangs."""
    skewed = "\n".join(f"{line} +1d" if line.split()[1:2] == [actor] else line for line in WHOLE.splitlines())
    assert found(log(skewed)) == []


@pytest.mark.parametrize("part", [0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("is_head", [True, False], ids=["head", "tail"])
def test_log_that_is_cut(part: float, is_head: bool):
    lines = in_order(WHOLE)
    place = int(len(lines) * part)
    assert found(log(*(lines[:place] if is_head else lines[place:]))) == []
