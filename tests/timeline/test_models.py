"""Each model of `timeline/models` on a story: input and expected rows on one screen. Times are seconds from the start."""

from __future__ import annotations

from typing import Any

import duckdb

from tests.story import SECOND, START_US, story


def told(log: duckdb.DuckDBPyConnection, model: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a model in order; `*_us` in seconds: moments from the story's start, durations as they are."""
    relation = log.sql(f'SELECT {", ".join(columns)} FROM "{model}" ORDER BY ALL')
    return [tuple(_seconds(name, value) for name, value in zip(columns, row, strict=True)) for row in relation.fetchall()]


def _seconds(name: str, value: Any) -> Any:
    if value is None or not name.endswith("_us"):
        return value
    us = value - START_US if value > START_US // 2 else value
    return us // SECOND if us % SECOND == 0 else us / SECOND


# ---- time


def test_a_clock_that_is_off_is_measured_by_the_commits_of_its_actor():
    """Wall clocks may be wrong by any amount: what an actor saw between two commits lies between them."""
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created  +1h
        2s  cp-1/pool  worker/w-1  worker.spawn_started +1h
        4s  cp-1/pool  worker/w-1  worker.spawned       +1h
    """)
    assert told(log, "actor_clock", "actor", "offset_us", "basis", "events") == [("cp-1/pool", 3600, "commits", 3)]
    assert told(log, "event_time", "position", "at_us") == [(1, 0), (2, 2), (3, 4)]


def test_an_actor_without_commits_is_placed_between_its_causes_and_its_effects():
    """It cannot have acted before what led to it, nor after what it led to: the middle of the bounds is taken."""
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created
        3s  kube/pods  worker/w-1  worker.pod_created  +1h <cp-1-a/pool:1
        8s  cp-1/pool  worker/w-1  worker.spawned  <kube-a/pods:1
    """)
    assert told(log, "actor_clock", "actor", "offset_us", "basis") == [("cp-1/pool", 0, "commits"), ("kube/pods", 3599, "causes")]
    assert told(log, "event_time", "position", "at_us") == [(1, 0), (2, 4), (3, 8)]


def test_an_actor_without_commits_is_placed_between_the_commits_of_its_process():
    """The Lamport clock counts every event of a process, so it says between which commits an event of another actor lies."""
    log = story("""
        0s  cp-1/control_plane  control_plane/cp-1-a  control_plane.started
        1s  cp-1/janitor        control_plane/cp-1-a  sweep.started                +1d
        5s  cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
        9s  cp-1/janitor        control_plane/cp-1-a  sweep.started                +1d
    """)
    placed = [("cp-1/control_plane", 0, "commits", 0), ("cp-1/janitor", 86400 - 1.5, "causes", 2.5)]
    assert told(log, "actor_clock", "actor", "offset_us", "basis", "slack_us") == placed
    assert told(log, "event_time", "position", "at_us") == [(1, 0), (2, 2.5), (3, 5), (4, 10.5)]


def test_an_actor_that_nothing_ties_to_the_store_keeps_its_own_clock():
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created
        3s  kube/pods  worker/w-1  worker.pod_created
    """)
    assert told(log, "actor_clock", "actor", "offset_us", "basis") == [("cp-1/pool", 0, "commits"), ("kube/pods", 0, "none")]


def test_a_clock_that_jumps_moves_no_event_past_the_commits_around_it():
    """`seq` is the order of an actor's own stream: an event stays between the commits before and after it."""
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created
        1s  cp-1/pool  worker/w-1  worker.spawn_started  +1d
        2s  cp-1/pool  worker/w-1  worker.spawned
        3s  cp-1/pool  worker/w-1  worker.memory_moved   -1d
        4s  cp-1/pool  worker/w-1  worker.assigned
    """)
    assert told(log, "event_time", "position", "at_us") == [(1, 0), (2, 2), (3, 2), (4, 2), (5, 4)]


def test_the_log_has_a_beginning_and_an_end():
    log = story("""
        2s  cp-1/pool  worker/w-1  worker.slot_created
        9s  cp-1/pool  worker/w-1  worker.spawned
    """)
    assert told(log, "log_bounds", "run_id", "start_us", "end_us", "events") == [("run", 2, 9, 2)]


def test_a_hole_in_an_actors_numbers_is_a_gap():
    """Missing numbers are lost events; a stream that does not begin at 0 or 1 has lost its beginning."""
    log = story("""
        0s  cp-1/pool     control_plane/cp-1-a  sweep.started  seq=1
        5s  cp-1/pool     control_plane/cp-1-a  sweep.started  seq=2
        9s  cp-1/pool     control_plane/cp-1-a  sweep.started  seq=5
        9s  cp-1/janitor  control_plane/cp-1-a  sweep.started  seq=4
    """)
    assert told(log, "evidence_gap", "actor", "first_missing", "last_missing", "before_us", "after_us", "event_id") == [
        ("cp-1/janitor", 1, 3, None, 9, "cp-1-a/janitor:4"),
        ("cp-1/pool", 3, 4, 5, 9, "cp-1-a/pool:5"),
    ]


# ---- control planes


def test_a_configuration_holds_from_when_it_was_said():
    log = story("""
        0s  cp-1/control_plane  control_plane/cp-1-a  config.declared  version=1 hot_idle_ttl=1m
        9s  cp-1/control_plane  control_plane/cp-1-a  config.declared  version=2 hot_idle_ttl=2m
    """)
    columns = ("control_plane", "since_us", "version", "hot_idle_ttl_us", "lease_duration_us")
    assert told(log, "control_plane_config", *columns) == [("cp-1-a", 0, 1, 60, 20), ("cp-1-a", 9, 2, 120, 20)]
    assert told(log, "run_config", "hot_idle_ttl_us", "lease_duration_us") == [(120, 20)]


def test_a_log_without_its_head_still_has_the_thresholds_of_its_sweeps():
    """What only the head said is null, so that whoever needs it answers `unknown`."""
    log = story("0s  cp-1/janitor  control_plane/cp-1-a  sweep.started  hot_idle_ttl=90s")
    assert told(log, "run_config", "hot_idle_ttl_us", "lease_duration_us") == [(90, None)]


def test_a_control_plane_lives_from_start_to_stop_or_expiry():
    log = story("""
        0s   cp-1/control_plane  control_plane/cp-1-a  control_plane.started
        1s   cp-2/control_plane  control_plane/cp-2-a  control_plane.started
        5s   cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
        6s   cp-2/control_plane  control_plane/cp-2-a  control_plane.drain_started  bound=15m
        8s   cp-2/control_plane  control_plane/cp-2-a  control_plane.stopped
        30s  cp-3/janitor        control_plane/cp-1-a  control_plane.expired
    """)
    assert told(log, "control_plane_life", "instance", "started_us", "last_heartbeat_us", "stopped_us", "expired_us") == [
        ("cp-1", 0, 5, None, 30),
        ("cp-2", 1, None, 8, None),
    ]
    assert told(log, "control_plane_life", "control_plane", "drain_started_us", "drain_bound_us", "drain_event_id") == [
        ("cp-1-a", None, None, None),
        ("cp-2-a", 6, 900, "cp-2-a/control_plane:2"),
    ]


def test_a_control_plane_that_came_back_is_not_gone():
    log = story("""
        0s   cp-1/control_plane  control_plane/cp-1-a  control_plane.started
        30s  cp-2/janitor        control_plane/cp-1-a  control_plane.expired
        31s  cp-1/control_plane  control_plane/cp-1-a  control_plane.revived
    """)
    assert told(log, "control_plane_life", "control_plane", "last_heartbeat_us", "expired_us") == [("cp-1-a", 31, None)]


# ---- leadership


def leaders(text: str) -> list[tuple[Any, ...]]:
    return told(story(text), "leadership_interval", "ts_us", "holder", "term", "dur_us", "ended_by", "is_open", "end_event_id")


def test_a_leader_leads_until_it_gives_the_lease_up():
    assert leaders("""
        0s   cp-1/elector  lease/janitor  lease.attempted
        0s   cp-1/elector  lease/janitor  lease.acquired
        5s   cp-1/elector  lease/janitor  lease.renewed
        20s  cp-1/elector  lease/janitor  lease.lost
        22s  cp-2/elector  lease/janitor  lease.acquired
        30s  cp-2/elector  lease/janitor  lease.released
        31s  cp-1/elector  lease/janitor  lease.acquired
    """) == [
        (0, "cp-1-a", 1, 20, "lost", False, "cp-1-a/elector:4"),
        (22, "cp-2-a", 2, 8, "released", False, "cp-2-a/elector:2"),
        (31, "cp-1-a", 3, 0, "open", True, None),
    ]


def test_a_leader_that_vanishes_leads_until_its_lease_runs_out():
    """Nobody says that it is over: the lease's own duration does."""
    assert leaders("""
        0s   cp-1/elector  lease/janitor  lease.attempted  duration=20s
        0s   cp-1/elector  lease/janitor  lease.acquired
        5s   cp-1/elector  lease/janitor  lease.renewed
        99s  cp-2/pool     control_plane/cp-2-a  sweep.started
    """) == [(0, "cp-1-a", 1, 25, "lapsed", False, None)]


def test_a_leader_that_renews_after_its_lease_ran_out_leads_anew():
    """So a log that is cut before the late renewal tells the same as the whole log."""
    assert leaders("""
        0s   cp-1/elector  lease/janitor  lease.attempted  duration=20s
        0s   cp-1/elector  lease/janitor  lease.acquired
        50s  cp-1/elector  lease/janitor  lease.renewed
        60s  cp-1/elector  lease/janitor  lease.renewed
    """) == [(0, "cp-1-a", 1, 20, "lapsed", False, None), (50, "cp-1-a", 1, 10, "open", True, None)]


def test_a_leader_is_replaced_where_another_acquires_the_lease():
    assert leaders("""
        0s  cp-1/elector  lease/janitor  lease.acquired
        9s  cp-2/elector  lease/janitor  lease.acquired
        9s  cp-2/elector  lease/quota    lease.acquired
    """) == [
        (0, "cp-1-a", 1, 9, "replaced", False, "cp-2-a/elector:1"),
        (9, "cp-2-a", 1, 0, "open", True, None),
        (9, "cp-2-a", 2, 0, "open", True, None),
    ]


# ---- workers


def test_a_worker_has_one_stretch_per_durable_state():
    """Stretches follow one another without a gap; the end state stays open until the log ends."""
    log = story("""
        0s   cp-1/pool     worker/w-1  worker.slot_created
        4s   cp-1/pool     worker/w-1  worker.spawned
        5s   cp-1/pool     worker/w-1  worker.assigned
        6s   cp-1/pool     worker/w-1  worker.activation_started
        7s   cp-1/pool     worker/w-1  worker.activated
        9s   cp-1/pool     worker/w-1  worker.parked  ttl=1m
        71s  cp-2/janitor  worker/w-1  worker.drain_started
        72s  cp-2/janitor  worker/w-1  worker.retired
        80s  cp-2/janitor  control_plane/cp-2-a  sweep.completed
    """)
    assert told(log, "worker_state_interval", "ts_us", "state", "dur_us", "is_open", "next_state") == [
        (0, "spawning", 4, False, "idle"),
        (4, "idle", 1, False, "reserved"),
        (5, "reserved", 1, False, "activating"),
        (6, "activating", 1, False, "hot"),
        (7, "hot", 2, False, "hot_idle"),
        (9, "hot_idle", 62, False, "draining"),
        (71, "draining", 1, False, "retired"),
        (72, "retired", 8, True, None),
    ]


def test_a_rewrite_is_a_write_but_no_new_stretch():
    """A stretch ends when state, owner or epoch changes: a claim by another owner does both."""
    log = story("""
        0s   cp-1/pool  worker/w-1  worker.parked
        20s  cp-1/pool  worker/w-1  worker.refreshed  moved_basis=true
        30s  cp-2/pool  worker/w-1  worker.claimed
    """)
    assert told(log, "worker_write", "at_us", "kind", "from_state", "to_state", "owner", "epoch", "moved_basis") == [
        (0, "worker.parked", "hot", "hot_idle", "cp-1-a", 1, None),
        (20, "worker.refreshed", "hot_idle", "hot_idle", "cp-1-a", 1, True),
        (30, "worker.claimed", "hot_idle", "reserved", "cp-2-a", 2, None),
    ]
    assert told(log, "worker_state_interval", "ts_us", "state", "owner", "epoch", "dur_us") == [
        (0, "hot_idle", "cp-1-a", 1, 30),
        (30, "reserved", "cp-2-a", 2, 0),
    ]


def test_a_write_that_was_not_committed_moves_no_state():
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.parked
        5s  cp-1/pool  worker/w-1  worker.drain_started  outcome=unknown
    """)
    assert told(log, "worker_state_interval", "ts_us", "state", "dur_us", "is_open") == [(0, "hot_idle", 5, True)]


def test_memory_is_told_apart_from_the_store():
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.memory_moved  memory_to=hot
        4s  cp-1/pool  worker/w-1  worker.memory_moved  memory_to=hot_idle
        4s  cp-2/pool  worker/w-1  worker.memory_moved  memory_to=reserved
        9s  cp-1/pool  worker/w-1  worker.memory_moved  memory_to=forgotten
    """)
    assert told(log, "worker_memory_interval", "control_plane", "ts_us", "state", "dur_us", "is_open") == [
        ("cp-1-a", 0, "hot", 4, False),
        ("cp-1-a", 4, "hot_idle", 5, False),
        ("cp-1-a", 9, "forgotten", 0, True),
        ("cp-2-a", 4, "reserved", 5, True),
    ]


def test_slots_are_counted_like_the_store_counts_them():
    """A parked worker leaves the count and comes back with its claim; the cap is the last one that was said."""
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created  cap=2
        1s  cp-1/pool  worker/w-2  worker.slot_created  cap=2
        5s  cp-1/pool  worker/w-1  worker.parked
        6s  cp-1/pool  session/s-1  acquire.capacity_refused  cap=1
        7s  cp-1/pool  worker/w-1  worker.claimed
        9s  cp-1/pool  worker/w-2  worker.slot_freed
    """)
    assert told(log, "org_slots", "ts_us", "org", "active", "cap", "dur_us") == [
        (0, "acme", 1, 2, 1),
        (1, "acme", 2, 2, 4),
        (5, "acme", 1, 2, 1),
        (6, "acme", 1, 1, 1),
        (7, "acme", 2, 1, 2),
        (9, "acme", 1, 1, 0),
    ]


# ---- sessions and sweeps


def test_a_session_lasts_until_it_ends_or_its_control_plane_is_gone():
    """A control plane that was marked as gone took its sessions with it when its heart stopped."""
    log = story("""
        0s   cp-1/control_plane  control_plane/cp-1-a  control_plane.started
        1s   cp-1/pool           worker/w-1   worker.activated
        1s   cp-1/pool           session/s-1  session.started  >worker/w-1
        2s   cp-2/pool           worker/w-2   worker.activated
        2s   cp-2/pool           session/s-2  session.started  >worker/w-2
        3s   cp-2/pool           session/s-3  session.started  >worker/w-3
        5s   cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
        9s   cp-2/pool           session/s-2  session.ended
        30s  cp-2/janitor        control_plane/cp-1-a  control_plane.expired
    """)
    columns = ("session", "worker", "control_plane", "ts_us", "dur_us", "is_open", "ended_by", "end_event_id")
    assert told(log, "session_interval", *columns) == [
        ("s-1", "w-1", "cp-1-a", 1, 4, False, "owner_gone", "cp-2-a/janitor:1"),
        ("s-2", "w-2", "cp-2-a", 2, 7, False, "session.ended", "cp-2-a/pool:4"),
        ("s-3", "w-3", "cp-2-a", 3, 27, True, None, None),
    ]


def test_a_sweep_knows_when_its_loop_came_again():
    log = story("""
        0s  cp-1/janitor  control_plane/cp-1-a  sweep.started    sweep=janitor interval=5s
        1s  cp-1/janitor  control_plane/cp-1-a  sweep.completed  step=orphan listed=3 acted=1
        2s  cp-1/reaper   control_plane/cp-1-a  sweep.started    sweep=fallback interval=1m scope=instance
        6s  cp-1/janitor  control_plane/cp-1-a  sweep.started    sweep=janitor interval=5s
        7s  cp-1/janitor  control_plane/cp-1-a  sweep.list_failed  step=orphan list_ok=false
    """)
    assert told(log, "sweep_run", "actor", "sweep", "scope", "interval_us", "at_us", "next_us") == [
        ("cp-1/janitor", "janitor", "fleet", 5, 0, 6),
        ("cp-1/janitor", "janitor", "fleet", 5, 6, None),
        ("cp-1/reaper", "fallback", "instance", 60, 2, None),
    ]
    assert told(log, "sweep_step", "at_us", "step", "list_ok", "listed", "acted", "failed") == [
        (1, "orphan", True, 3, 1, 0),
        (7, "orphan", False, None, None, None),
    ]
