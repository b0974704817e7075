"""What the warm pool promises, read off the events of whole runs."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from reference_cluster.lifecycle import UndefinedMove
from reference_cluster.scenario import load, names
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from reference_cluster.subsystems.warm_pool.rows import WORKER
from reference_cluster.subsystems.warm_pool.scenario import WarmPoolScenario
from tests.cluster.runs import by_subject, decisions, events_of, of_kind

TICK = ["expire_control_planes", "overdue_draining", "orphan", "stuck", "hot_idle_ttl", "version", "stranded"]


@pytest.mark.parametrize("name", [name for name in names() if load(name).system == "warm_pool"])
def test_every_durable_move_is_one_of_the_life_cycle_table(name: str) -> None:
    """Each write of a worker starts where the last one ended, and ends where the table allows."""
    writes = [event for event in events_of(name) if "to_state" in event["data"]]
    for story in by_subject(writes).values():
        ordered = sorted(story, key=lambda event: event["revision"])
        assert ordered[0]["data"].get("from_state") is None
        for before, after in pairwise(ordered):
            assert after["data"]["from_state"] == before["data"]["to_state"]
            assert after["data"]["to_state"] in WORKER.table[before["data"]["to_state"]].values()
            assert after["epoch"] == before["epoch"] + (after["kind"] == "worker.claimed")


def test_an_undefined_move_names_subject_state_move_and_what_is_allowed() -> None:
    """A bug of ours is told so that it can be mended."""
    with pytest.raises(UndefinedMove, match="worker w-1: no move 'park' from 'idle'; it allows"):
        WORKER.target("w-1", "idle", "park")


@pytest.mark.parametrize("name", ["healthy", "crash_while_retiring", "drain_stuck"])
def test_a_worker_is_drained_then_its_pod_deleted_then_retired(name: str) -> None:
    """So that no pod is left without a row (duckgres pull 452)."""
    order = ("worker.drain_started", "worker.pod_deleted", "worker.retired")
    stories = by_subject(of_kind(events_of(name), *order))
    ended = [story for story in stories.values() if story[-1]["kind"] == "worker.retired"]
    assert ended
    for story in ended:
        kinds = [event["kind"] for event in story]
        assert kinds[0] == "worker.drain_started"
        assert kinds[-2:] == ["worker.pod_deleted", "worker.retired"]


def test_the_leader_sweeps_in_a_fixed_order() -> None:
    """Every tick of the janitor ends its steps in the same order, and speaks even when it found nothing."""
    ticks: list[list[str]] = []
    for event in of_kind(events_of("healthy"), "sweep.started", "sweep.completed"):
        if event["data"]["sweep"] == "janitor":
            if event["kind"] == "sweep.started":
                ticks.append([])
            else:
                ticks[-1].append(event["data"]["step"])
    assert len(ticks) > 40
    assert all(tick == TICK for tick in ticks[:-1])


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_burst_never_passes_the_cap(seed: int) -> None:
    """Counting and taking are one step: at no revision has the tenant more busy workers than its cap."""
    state: dict[str, str] = {}
    for event in sorted(
        (event for event in events_of("burst_at_cap", seed) if "to_state" in event["data"]), key=lambda event: event["revision"]
    ):
        state[event["subject"]["id"]] = event["data"]["to_state"]
        assert sum(one not in ("hot_idle", "retired", "lost") for one in state.values()) <= 4


def test_a_refusal_lists_what_it_counted() -> None:
    """As many counted workers stand in the refs as the figure says."""
    refused = of_kind(events_of("burst_at_cap"), "acquire.capacity_refused")
    assert refused
    for event in refused:
        counted = [ref["id"] for ref in event["refs"] if ref["role"] == "counted"]
        assert len(counted) == event["data"]["counted"] == event["data"]["cap"]


def test_a_claim_takes_a_parked_worker_over_under_a_new_epoch() -> None:
    """Across control planes too: the new owner stands in the row, the old one in the event."""
    claimed = of_kind(events_of("healthy"), "worker.claimed")
    assert any(event["data"]["owner"] != event["data"]["previous_owner"] for event in claimed)
    assert all(event["epoch"] > 1 for event in claimed)


def test_a_worker_that_comes_up_for_nobody_is_parked_and_used_again() -> None:
    """A client that leaves does not take its spawn with it (duckgres pull 741)."""
    impatient = {"org": "acme", "at": "5s", "hold": "10s", "patience": "3s", "on": "cp-1"}
    scenario = WarmPoolScenario.model_validate({
        "name": "impatient", "title": "t", "shows": "s", "seed_document": "004", "length": "1m",
        "tenants": {"acme": {}}, "world": {"pod_ready": "10s"}, "arrivals": [impatient, {**impatient, "at": "30s"}],
    })  # fmt: skip
    events = [json.loads(line) for line in decisions(simulate(Staged(scenario), 1))]
    told = of_kind(events, "acquire.abandoned", "worker.parked", "worker.claimed", "session.started")
    assert [event["kind"] for event in told][:4] == ["acquire.abandoned", "worker.parked", "worker.claimed", "session.started"]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_lost_answer_never_writes_twice(seed: int) -> None:
    """Where nobody knows whether a write was made, the row is read before anything else is tried."""
    events = events_of("lost_answers", seed)
    unknown = [event for event in of_kind(events, "worker.commit_failed") if event["outcome"] == "unknown"]
    assert unknown
    started = [event["subject"]["id"] for event in of_kind(events, "session.started")]
    assert len(started) == len(set(started))


def test_a_replica_that_lost_the_lease_stands_again() -> None:
    """Each loss is followed by an attempt of the same process within lease, retry and back-off."""
    events = events_of("renew_blips")
    for lost in of_kind(events, "lease.lost"):
        again = [
            event
            for event in of_kind(events, "lease.attempted")
            if event["incarnation"] == lost["incarnation"] and event["clock"] > lost["clock"]
        ]
        assert again


def test_terms_of_leadership_only_grow() -> None:
    """The term is the fencing number: no two leaderships share one."""
    terms = [event["data"]["term"] for event in of_kind(events_of("renew_blips"), "lease.acquired")]
    assert terms == sorted(set(terms))
    assert len(terms) >= 4
