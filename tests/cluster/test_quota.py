"""What the controllers of the replay lesson promise, read off the events of whole runs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reference_cluster.bugs import Bug
from reference_cluster.records import Change, Row
from reference_cluster.subsystems.quota.process import Cache
from reference_cluster.subsystems.quota.queue import Queue
from reference_cluster.subsystems.quota.rows import REPLICA
from tests.cluster.runs import BUGS, SCENARIOS, events_of, found, of_kind, run_of

LESSON = [bug for bug in BUGS if bug.catalogue_id.startswith("RP-") and bug.catalogue_id != "RP-06"]
QUOTA = [name for name in SCENARIOS if name.startswith("quota_")]
SECOND = 1_000_000


def row(key: str, **fields: object) -> Row:
    return Row("replica", key, 1, 0, 1, {"priority": 0, **fields})


@pytest.mark.parametrize("name", QUOTA)
def test_every_move_of_a_replica_is_one_of_the_life_cycle_table(name: str) -> None:
    """Each durable move starts in a phase that allows it."""
    moves = {(state, to) for state, row in REPLICA.table.items() for to in row.values()}
    moved = of_kind(events_of(name), "replica.started", "replica.evicted", "replica.deleted")
    assert moved
    for event in moved:
        assert (event["data"]["from_phase"], event["data"]["to_phase"]) in moves


@pytest.mark.parametrize("name", QUOTA)
def test_a_quota_counts_the_reservations_that_are_there(name: str) -> None:
    """What is taken is the number of reservations that were made and not released, at each of their writes, and never too much."""
    there: dict[str, set[str]] = {}
    written = of_kind(events_of(name), "reservation.created", "reservation.released")
    assert written
    for event in sorted(written, key=lambda event: event["revision"]):
        data, held = event["data"], there.setdefault(event["data"]["quota"], set())
        if event["kind"] == "reservation.created":
            assert event["subject"]["id"] not in held
            assert data["used"] <= data["slots"]
            held.add(event["subject"]["id"])
        else:
            held.remove(event["subject"]["id"])
        assert data["used"] == len(held)


def test_seed_82219_plays_the_script_of_the_lesson() -> None:
    """Admitted at 1 s, no room said, room given unseen, bound at 3 s with the answer lost, a new leader, rolled back, scanned."""
    steps = [
        ("workload.admitted", None), ("replica.unschedulable", "quota"), ("quota.changed", None), ("reservation.created", None),
        ("binding.created", None), ("binding.create_failed", None), ("lease.acquired", None), ("policy.rolled_back", None),
        ("replica.created", "replaces"), ("replica.deleted", "policy_rolled_back"), ("reservation.released", "job_missing"),
    ]  # fmt: skip
    told = iter([(event["kind"], event.get("reason")) for event in events_of("quota_82219", 82219)])
    assert [step for step in steps if step not in told] == []


@pytest.mark.parametrize("bug", LESSON, ids=lambda bug: bug.name)
def test_seed_82219_brings_to_light_what_each_switch_spoils(bug: Bug) -> None:
    """The lesson's one script is enough for five of the six; the sixth needs a second generation."""
    told = {finding.detector for finding in found(run_of("quota_82219", 82219, bug).lines)}
    assert set(bug.detectors) <= told


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert run_of("quota_general", 7).lines == run_of("quota_general", 7).lines


def test_a_retry_after_a_lost_answer_meets_the_first_reservation() -> None:
    """The worked example: the new leader reuses what the old one made, though its own cache does not know it."""
    events = events_of("quota_duplicate_reservation")
    [created] = of_kind(events, "reservation.created")
    conflicted, reused = of_kind(events, "reservation.conflicted"), of_kind(events, "reservation.reused")
    assert {event["data"]["fence"] for event in conflicted} == {"row_exists"}
    assert {event["subject"]["id"] for event in reused} == {created["subject"]["id"]}
    assert of_kind(events, "replica.started")


def test_a_binding_whose_answer_was_lost_is_confirmed_and_not_made_again() -> None:
    events = events_of("quota_double_binding")
    bound = [event["data"]["replica"] for event in of_kind(events, "binding.created")]
    assert len(bound) == len(set(bound))
    assert of_kind(events, "binding.confirmed")


def test_a_leader_that_slept_too_long_is_told_so() -> None:
    """Somebody else leads in a later term; the sleeper finds out at its first write, and stops."""
    events = events_of("quota_double_binding")
    [lost] = of_kind(events, "lease.lost")
    acquired = of_kind(events, "lease.acquired")
    assert lost["reason"] in {"taken_over", "fenced"}
    assert [event["data"]["term"] for event in acquired] == [1, 2]


def test_a_renewal_that_did_not_work_is_said_with_the_reason_and_the_time_since_the_last() -> None:
    """The sleeper's renewal meets the other's term, long after its lease ran out."""
    [failed] = of_kind(events_of("quota_double_binding"), "lease.renew_failed")
    assert (failed["outcome"], failed["reason"]) == ("rejected", "conflict")
    assert failed["data"]["since_renewal_us"] > 3 * SECOND


def test_whoever_takes_the_lead_over_says_what_it_had_read_and_whose_lease_had_run_out() -> None:
    """Each event rests on the record of the first leader, as the store had it."""
    events = events_of("quota_double_binding")
    [_, second] = of_kind(events, "lease.acquired")
    [expired] = of_kind(events, "lease.observed_expired")
    assert expired["data"] == {"holder": second["data"]["previous_holder"], "term": 1}
    assert expired["inputs"] == second["inputs"]
    [read] = second["inputs"]
    assert (read["source"], read["kind"], read["id"]) == ("store", "lease", "scheduler")


def test_a_shortage_that_is_over_orders_no_node() -> None:
    """The scheduler's cache says no; the store says yes; the replica runs."""
    events = events_of("quota_race")
    assert of_kind(events, "capacity.requested") == []
    assert {event["data"]["source"] for event in of_kind(events, "replica.unschedulable")} == {"store"}
    assert len(of_kind(events, "replica.started")) == 2


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_real_shortage_orders_one_node_for_each_replica_within_the_bound(seed: int) -> None:
    """Never two nodes at once for one replica, and no more than the surge in all."""
    there: dict[str, str] = {}
    for event in of_kind(events_of("quota_healthy", seed), "capacity.requested", "capacity.removed"):
        if event["kind"] == "capacity.removed":
            del there[event["subject"]["id"]]
        else:
            assert event["data"]["replica"] not in there.values()
            there[event["subject"]["id"]] = event["data"]["replica"]
            assert len(there) <= 3


@pytest.mark.parametrize("seed", range(1, 6))
def test_recovery_capacity_is_replaced_before_it_is_deleted(seed: int) -> None:
    """At each rollback another replica of the workload is healthy when one is deleted."""
    deleted = [event["data"] for event in of_kind(events_of("quota_rollback", seed), "replica.deleted")]
    assert len([data for data in deleted if data["role"] == "recovery"]) == 2
    assert [data for data in deleted if data["healthy_left"] == 0] == []


@pytest.mark.parametrize("seed", range(1, 6))
def test_what_a_deletion_leaves_behind_is_taken_back(seed: int) -> None:
    """No reservation of a replica that is gone is there as the run ends."""
    events = events_of("quota_orphans", seed)
    gone = {event["subject"]["id"] for event in of_kind(events, "replica.deleted")}
    made = {event["subject"]["id"]: event["data"]["replica"] for event in of_kind(events, "reservation.created")}
    released = {event["subject"]["id"] for event in of_kind(events, "reservation.released")}
    assert gone
    assert [name for name, replica in made.items() if replica in gone and name not in released] == []


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_given_up_on_a_status_of_another_generation(seed: int) -> None:
    """Each promotion names one generation twice, and two replicas of it run by then."""
    events = events_of("quota_stale_status", seed)
    promoted = of_kind(events, "workload.promoted")
    assert promoted
    assert {(event["generation"], event["data"]["observed_generation"]) for event in promoted} == {(42, 42)}
    running = events.index(promoted[0])
    assert sum(event["generation"] == 42 for event in of_kind(events[:running], "replica.started")) == 2


def test_a_loop_speaks_also_when_it_finds_nothing() -> None:
    """Silence is a finding of its own, so each loop says something at every interval."""
    for kind, interval_us in (("repair.scanned", 2 * SECOND), ("autoscaler.computed", SECOND), ("rollout.scanned", SECOND // 2)):
        said = of_kind(events_of("quota_82219", 82219), kind)
        assert len(said) >= 29 * SECOND // (interval_us + SECOND // 10)


def test_a_retry_waits_twice_as_long_as_the_one_before_up_to_a_bound() -> None:
    queue = Queue()
    waits = [queue.back_off("r-1", 0, 500, 3000)[1] for _ in range(5)]
    assert waits[:3] == [500, 1000, 2000]
    assert all(before <= after for before, after in pairwise(waits))
    assert waits[-1] == 3000


def test_the_highest_priority_is_due_first() -> None:
    queue, pending = Queue(), [row("b"), row("a"), row("c", priority=5)]
    queue.keep(pending)
    queue.back_off("b", 0, 500, 3000)
    assert [replica.key for replica in queue.due(pending, 100)] == ["c", "a"]
    assert [replica.key for replica in queue.due(pending, 500)] == ["c", "a", "b"]


def test_a_cache_that_begins_again_forgets_what_was_deleted_meanwhile() -> None:
    """A watch that broke missed the deletion; the new list does not."""
    cache = Cache("replica")
    cache.take([Change(1, "replica", "a", row("a")), Change(2, "replica", "b", row("b"))])
    cache.begin([row("b")])
    assert [replica.key for replica in cache.list()] == ["b"]
    cache.take([Change(3, "replica", "b", None)])
    assert cache.list() == []
