"""What looks like a leak and is none: every case of the catalogue's false-positive battery that concerns these families.

Each story is healthy from beginning to end, and long enough that a wrong detector would have time to complain. All
detectors judge it, and none may say `found`.
"""

from __future__ import annotations

import random

import pytest

from tests.detectors.telling import alive, detect, found, in_order, log, swept
from tests.detectors.together import Told
from tests.story import database, tell

LEADER = "1s cp-1/elector lease/janitor lease.acquired\n2s cp-1/janitor control_plane/cp-0-a control_plane.expired"
HOT = """
    5s   cp-1/pool  worker/w-1   worker.slot_created
    6s   cp-1/pool  worker/w-1   worker.spawn_started
    15s  cp-1/pool  worker/w-1   worker.spawned
    16s  cp-1/pool  worker/w-1   worker.assigned
    17s  cp-1/pool  worker/w-1   worker.activation_started
    20s  cp-1/pool  worker/w-1   worker.activated
    21s  cp-1/pool  session/s-1  session.started  >worker/w-1
"""
PARKED = """
    40s  cp-1/pool  session/s-1  session.ended    >worker/w-1
    41s  cp-1/pool  worker/w-1   worker.parked    ttl=1m
"""


def leading(instance: str, since: int, until: int) -> str:
    """The lines of a leader at work: renewals and sweeps every 5 s."""
    renewed = "\n".join(f"{at}s {instance}/elector lease/janitor lease.renewed" for at in range(since, until + 1, 5))
    return f"{renewed}\n{swept(instance, 'janitor', f'{since}s', f'{until}s', '5s')}"


def test_failover_gap_shorter_than_lease_and_retry():
    handover = """
        60s  cp-1/elector  lease/janitor  lease.lost
        62s  cp-1/elector  lease/janitor  lease.attempted
        84s  cp-2/elector  lease/janitor  lease.acquired
        85s  cp-2/janitor  control_plane/cp-0-a  control_plane.expired
    """
    told = log(alive("cp-1", "300s"), alive("cp-2", "300s"), LEADER, leading("cp-1", 3, 55), handover, leading("cp-2", 86, 300))
    assert found(told) == []


def test_clean_release_then_take_over():
    handover = """
        60s  cp-1/elector        lease/janitor         lease.released
        61s  cp-1/control_plane  control_plane/cp-1-a  control_plane.stopped
        62s  cp-2/elector        lease/janitor         lease.acquired
        63s  cp-2/janitor        control_plane/cp-1-a  control_plane.expired
    """
    told = log(alive("cp-1", "60s"), alive("cp-2", "300s"), LEADER, leading("cp-1", 3, 58), handover, leading("cp-2", 64, 300))
    assert found(told) == []


@pytest.mark.parametrize("bound", ["15m", "0s"])
def test_draining_control_plane_with_active_session(bound: str):
    draining = f"60s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started bound={bound} sessions=1"
    used = "\n".join(f"{at}s cp-1/pool session/s-1 session.touched >worker/w-1" for at in range(60, 600, 60))
    assert found(log(alive("cp-1", "600s"), HOT, draining, used)) == []


def test_floor_protected_idle_worker():
    kept = "\n".join(f"{at}s cp-1/janitor worker/w-1 worker.retire_skipped reason=floor floor=1" for at in range(103, 500, 5))
    assert found(log(alive("cp-1", "500s"), LEADER, leading("cp-1", 3, 500), HOT, PARKED, kept)) == []


def test_worker_claimed_again_just_before_its_ttl():
    again = """
        100s  cp-2/pool  worker/w-1   worker.claimed
        101s  cp-2/pool  worker/w-1   worker.activation_started
        102s  cp-2/pool  worker/w-1   worker.activated
        103s  cp-2/pool  session/s-2  session.started  >worker/w-1
    """
    told = log(alive("cp-1", "500s"), alive("cp-2", "500s"), LEADER, leading("cp-1", 3, 500), HOT, PARKED, again)
    assert found(told) == []


def test_fence_miss_followed_by_correct_retry():
    retried = """
        104s  cp-1/janitor  worker/w-1  worker.fence_missed
        109s  cp-1/janitor  worker/w-1  worker.drain_started  reason=hot_idle_ttl_expired
        110s  cp-1/janitor  worker/w-1  worker.pod_deleted
        111s  cp-1/janitor  worker/w-1  worker.retired        reason=hot_idle_ttl_expired
    """
    assert found(log(alive("cp-1", "500s"), LEADER, leading("cp-1", 3, 500), HOT, PARKED, retried)) == []


def test_spawn_that_is_slow_but_within_its_budget():
    slow = """
        5s    cp-1/pool  worker/w-1   worker.slot_created
        6s    cp-1/pool  worker/w-1   worker.spawn_started  budget=8m
        470s  cp-1/pool  worker/w-1   worker.spawned
        471s  cp-1/pool  worker/w-1   worker.assigned
        472s  cp-1/pool  worker/w-1   worker.activation_started
        480s  cp-1/pool  worker/w-1   worker.activated
        481s  cp-1/pool  session/s-1  session.started       >worker/w-1
    """
    assert found(log(alive("cp-1", "600s"), LEADER, leading("cp-1", 3, 600), slow)) == []


def test_abandoned_spawn_that_is_parked_and_used_again():
    abandoned = """
        5s    cp-1/pool  worker/w-1   worker.slot_created
        6s    cp-1/pool  session/s-1  session.preclaimed    >worker/w-1
        6s    cp-1/pool  worker/w-1   worker.spawn_started
        20s   cp-1/pool  session/s-1  acquire.abandoned
        90s   cp-1/pool  worker/w-1   worker.spawned
        91s   cp-1/pool  worker/w-1   worker.assigned
        92s   cp-1/pool  worker/w-1   worker.activation_started
        95s   cp-1/pool  worker/w-1   worker.activated
        96s   cp-1/pool  worker/w-1   worker.parked         ttl=1m
        130s  cp-1/pool  worker/w-1   worker.claimed
        131s  cp-1/pool  worker/w-1   worker.activation_started
        132s  cp-1/pool  worker/w-1   worker.activated
        133s  cp-1/pool  session/s-2  session.started       >worker/w-1
    """
    assert found(log(alive("cp-1", "400s"), LEADER, leading("cp-1", 3, 400), abandoned)) == []


def test_long_streaming_query():
    """A session that runs for an hour keeps its worker hot for an hour."""
    used = "\n".join(f"{at}s cp-1/pool session/s-1 session.touched >worker/w-1" for at in range(60, 3600, 60))
    assert found(log(alive("cp-1", "3600s"), HOT, used)) == []


def test_activation_of_twenty_minutes_with_row_heartbeat():
    rewritten = "\n".join(f"{at}s cp-1/pool worker/w-1 worker.heartbeated" for at in range(77, 1200, 60))
    served = "1200s cp-1/pool worker/w-1 worker.activated\n1201s cp-1/pool session/s-1 session.started >worker/w-1"
    activating = "\n".join(HOT.splitlines()[:6])
    assert found(log(alive("cp-1", "1300s"), LEADER, leading("cp-1", 3, 1300), activating, rewritten, served)) == []


def test_configuration_that_changes_while_a_worker_is_parked():
    """Its TTL was the longer one when it was parked; the shorter one is declared later, and reaps it."""
    changed = """
        60s   cp-1/control_plane  control_plane/cp-1-a  config.declared  version=2 hot_idle_ttl=30s
        345s  cp-1/janitor        worker/w-1            worker.retired   reason=hot_idle_ttl_expired
    """
    parked = PARKED.replace("ttl=1m", "ttl=5m")
    assert found(log(alive("cp-1", "500s"), LEADER, leading("cp-1", 3, 500), HOT, parked, changed)) == []


def test_process_that_is_paused_for_less_than_its_lease():
    """Everything of it is late together: heartbeats, renewals, sweeps, upkeep."""
    awake = f"""
        78s  cp-1/elector        lease/janitor         lease.renewed
        78s  cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
        79s  cp-1/janitor        control_plane/cp-1-a  sweep.started
        {leading("cp-1", 83, 300)}
    """
    told = log(alive("cp-1", "60s"), alive("cp-2", "300s"), LEADER, leading("cp-1", 3, 58), awake)
    assert found(told) == []


HANDED_OVER = """
    60s  cp-1/elector  lease/janitor  lease.lost
    62s  cp-1/elector  lease/janitor  lease.attempted
    84s  cp-2/elector  lease/janitor  lease.acquired
    85s  cp-2/janitor  worker/w-1     worker.drain_started  reason=hot_idle_ttl_expired
    86s  cp-2/janitor  worker/w-1     worker.retired        reason=hot_idle_ttl_expired
"""


def test_shuffled_and_repeated_delivery_changes_nothing():
    events = tell("\n".join(in_order(alive("cp-1", "300s"), alive("cp-2", "300s"), LEADER, HOT, PARKED, HANDED_OVER)))
    shuffled = random.Random(7).sample(events, len(events))
    in_turn, in_any = Told(database(events)), Told(database(shuffled))
    assert found(in_turn) == found(in_any) == []
    assert detect(in_turn).verdicts == detect(in_any).verdicts


@pytest.mark.parametrize("actor", ["cp-1/pool", "cp-1/janitor", "cp-1/control_plane", "cp-1/elector"])
def test_clock_skew_between_emitters(actor: str):
    """A day on one actor's clock makes a word about that clock, and nothing else."""
    whole = "\n".join([alive("cp-1", "300s"), LEADER, leading("cp-1", 3, 300), HOT, PARKED, "109s cp-1/janitor worker/w-1 worker.retired"])
    skewed = "\n".join(f"{line} +1d" if f" {actor} " in f" {' '.join(line.split()[:2])} " else line for line in whole.splitlines())
    assert found(log(skewed)) == []
    assert detect(log(skewed)).verdicts == detect(log(whole)).verdicts | {"control_loop/clock_skew": "unknown"}


LEAKING = "\n".join([alive("cp-1", "300s"), LEADER, leading("cp-1", 3, 100), HOT, PARKED, "101s cp-1/elector lease/janitor lease.lost"])


def _told(lines: list[str]) -> set[tuple[str, str]]:
    if not lines:
        return set()
    return {(finding.detector, finding.subject.id) for finding in detect(log(*lines)).findings if finding.verdict == "found"}


@pytest.mark.parametrize("part", [0.1, 0.3, 0.35, 0.5, 0.7, 0.9])
def test_log_truncated_at_its_end_finds_nothing_that_the_whole_does_not(part: float):
    lines = in_order(LEAKING)
    whole = _told(lines)
    assert ("warm_pool/stale_hot_idle", "w-1") in whole
    assert _told(lines[: int(len(lines) * part)]) <= whole


@pytest.mark.parametrize("part", [0.05, 0.2, 0.4, 0.6])
def test_log_truncated_at_its_start_finds_nothing_that_the_whole_does_not(part: float):
    lines = in_order(LEAKING)
    assert _told(lines[int(len(lines) * part) :]) <= _told(lines)
