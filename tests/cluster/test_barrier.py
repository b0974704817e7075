"""The barrier behaves as its charm promises: told by the event logs of a few seeds."""

from __future__ import annotations

import json

import pytest

from reference_cluster.lifecycle import UndefinedMove
from reference_cluster.scenario import FaultPlan, load
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from reference_cluster.subsystems.barrier.databags import MEMBER
from reference_cluster.subsystems.barrier.scenario import BarrierScenario
from tests.cluster.runs import Happening, decisions, events_of, of_kind, run_of
from timeline.api import Timeline
from timeline.moment import moment_us

SEEDS = (1, 2, 3)


def member(event: Happening) -> str:
    return str(next(ref["id"] for ref in event["refs"] if ref["role"] == "member"))


def test_an_undefined_move_of_a_member_is_an_assertion() -> None:
    """A member that never held at the barrier cannot lose its place there."""
    with pytest.raises(UndefinedMove, match="barrier_member k6-0: no move 'lose' from 'idle'"):
        MEMBER.target("k6-0", "idle", "lose")


@pytest.mark.parametrize("seed", SEEDS)
def test_members_hold_until_the_last_one_is_ready_and_then_run_as_one(seed: int) -> None:
    """The k6 processes come up 10 s apart and run within 10 ms of one another."""
    with Timeline.in_memory(decisions(run_of("barrier_slow_member", seed))) as log:
        rounds = log.sql("SELECT expected, running, start_skew_us, all_ready_us - ts_us AS gathered_us FROM barrier_round").rows()
    assert [(expected, running) for expected, running, *_ in rounds] == [(4, 4)]
    assert rounds[0][2] < 10_000
    assert rounds[0][3] > 10_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_start_is_refused_by_a_unit_that_does_not_lead_while_a_test_is_on_and_without_a_script(seed: int) -> None:
    """Each refusal says why, and which units it counted as busy."""
    asked = [
        {"at": "5s", "on": "k6-1"}, {"at": "6s", "script": ""}, {"at": "7s"}, {"at": "20s"},
    ]  # fmt: skip
    scenario = BarrierScenario.model_validate({
        "name": "refused", "title": "t", "shows": "s", "seed_document": "003", "length": "30s", "units": 2, "tests": asked,
    })  # fmt: skip
    events = tuple(json.loads(line) for line in decisions(simulate(Staged(scenario), seed)))
    refused = of_kind(events, "barrier.start_refused")
    assert [event["reason"] for event in refused] == ["not_leader", "no_script", "already_running"]
    assert [event["data"]["counted"] for event in refused] == [0, 0, 2]
    assert len(of_kind(events, "barrier.start_requested")) == 4
    assert len(of_kind(events, "barrier.opened")) == 1


def test_the_parts_of_a_test_go_by_sorted_unit_name() -> None:
    """Part i of N, N as the opening says; a unit that joins meanwhile takes none."""
    started = of_kind(events_of("barrier_joined_member"), "barrier.member_started")
    assert sorted((member(event), event["data"]["segment"], event["data"]["segments"]) for event in started) == [
        ("k6-0", 1, 4), ("k6-1", 2, 4), ("k6-2", 3, 4), ("k6-3", 4, 4),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leader_that_leads_since_all_are_ready_releases_them(seed: int) -> None:
    """Its duty is looked at when it becomes the leader: no change of a databag would wake it."""
    events = events_of("barrier_leader_moves", seed)
    moved = of_kind(events, "leader.elected")[-1]
    released = of_kind(events, "barrier.released")
    assert [event["actor"] for event in released] == [f"{moved['data']['unit']}/charm"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pod_that_comes_back_says_that_its_part_was_lost(seed: int) -> None:
    """The barrier closes with the member among the missing, and the next test runs on all units."""
    events = events_of("barrier_lost_member", seed)
    closed = of_kind(events, "barrier.closed")
    assert [(event["subject"]["id"], event["reason"]) for event in closed] == [
        ("test-1", "member_failed"), ("test-2", "done"), ("test-3", "done"),
    ]  # fmt: skip
    assert [ref["id"] for ref in closed[0]["refs"] if ref["role"] == "missing"] == ["k6-2"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_that_never_comes_ends_the_barrier_at_its_deadline(seed: int) -> None:
    """The others are stopped and idle again; the deadline is the one that the opening declares."""
    scenario = BarrierScenario.model_validate({
        "name": "late", "title": "t", "shows": "s", "seed_document": "003", "length": "100s", "units": 3,
        "tests": [{"at": "5s"}], "world": {"slow": {"k6-2": "300s"}},
    })  # fmt: skip
    events = tuple(json.loads(line) for line in decisions(simulate(Staged(scenario), seed)))
    opened, closed = of_kind(events, "barrier.opened")[0], of_kind(events, "barrier.closed")[0]
    assert closed["reason"] == "deadline"
    assert [ref["id"] for ref in closed["refs"] if ref["role"] == "missing"] == ["k6-2"]
    assert opened["data"]["ready_bound_us"] == 60_000_000
    assert sorted(map(member, of_kind(events, "barrier.member_stopped"))) == ["k6-0", "k6-1"]


@pytest.mark.parametrize("seed", SEEDS)
def test_one_refused_release_is_tried_again_for_that_member_alone(seed: int) -> None:
    """The others are released once, and the one that refused a moment later: all within the tolerance."""
    attempts = of_kind(events_of("barrier_release_error", seed), "barrier.release_attempted")
    assert sorted((member(event), event["data"]["attempt"]) for event in attempts) == [
        ("k6-0", 1), ("k6-1", 1), ("k6-2", 1), ("k6-2", 2), ("k6-3", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stop_whose_answer_is_lost_leaves_nobody_busy(seed: int) -> None:
    """The unit says idle all the same, and the next start is accepted."""
    events = events_of("barrier_stop_error", seed)
    assert [event["outcome"] for event in of_kind(events, "barrier.stop_failed")] == ["unknown"]
    assert len({member(event) for event in of_kind(events, "barrier.member_stopped")}) == 4
    assert len(of_kind(events, "barrier.opened")) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failed_hook_makes_nothing_visible_and_is_run_again(seed: int) -> None:
    """The release stops at the first error: the application's databag goes on saying that it gathers."""
    events = events_of("barrier_release_error", seed, "release_stops_at_error")
    failed = of_kind(events, "unit.hook_failed")[0]
    assert (failed["reason"], failed["actor"]) == ("release_failed", "k6-0/charm")
    after = [event for event in events[events.index(failed) + 1 :] if event["actor"] == failed["actor"]]
    assert moment_us(after[0]["time"]) - moment_us(failed["time"]) >= 30_000_000
    assert not of_kind(events[: events.index(after[0])], "barrier.released")


@pytest.mark.parametrize("bug", [None, "duty_only_on_change"])
@pytest.mark.parametrize("fault", ["read_fails", "list_fails"])
def test_juju_goes_on_when_the_store_does_not_answer_it(fault: str, bug: str | None) -> None:
    """For two minutes it does not, whether somebody looks for what a bug does or not; the leadership moves all the same."""
    general = load("barrier_general")
    plan = FaultPlan.model_validate({"name": fault, "target": "juju", "at": "0s", "lasts": "2m", "times": 120})
    staged = Staged(general.model_copy(update={"faults": [*general.faults, plan]}))
    events = tuple(json.loads(line) for line in decisions(simulate(staged, 1, switches={bug: True} if bug else {})))
    assert [event["reason"] for event in of_kind(events, "leader.elected")].count("moved") == 2


def test_changes_are_told_late_at_least_once_and_never_to_their_author() -> None:
    """Every unit but the leader hears of an opening after 300 ms or more; the leader itself is not woken by it."""
    scenario = BarrierScenario.model_validate({
        "name": "told", "title": "t", "shows": "s", "seed_document": "003", "length": "7s", "units": 3,
        "tests": [{"at": "4s"}], "world": {"repeated": 1.0, "start": "60s"}, "config": {"tick_us": "60s"},
    })  # fmt: skip
    events = tuple(json.loads(line) for line in decisions(simulate(Staged(scenario), 1)))
    opened = of_kind(events, "barrier.opened")[0]
    woken = [event for event in events[events.index(opened) :] if event.get("reason") == "relation_changed"]
    assert sorted(event["subject"]["id"] for event in woken) == ["k6-1", "k6-1", "k6-2", "k6-2"]
    assert min(moment_us(event["time"]) for event in woken) - moment_us(opened["commit_time"]) >= 300_000


def test_the_phases_of_a_barrier_follow_one_another_and_fill_its_round() -> None:
    """What its lane shows: members gather, all are ready, they are released; no gap and no overlap until it closes."""
    with Timeline.in_memory(decisions(run_of("barrier_slow_member", 1))) as log:
        phases = log.sql("SELECT state, ts_us, ts_us + dur_us AS until_us FROM barrier_state_interval ORDER BY ts_us, until_us").rows()
        (whole,) = log.sql("SELECT ts_us, ts_us + dur_us AS until_us FROM barrier_round").rows()
    assert [state for state, *_ in phases] == ["gathering", "ready", "released"]
    assert [since for _, since, _ in phases] == [whole[0], *(until for *_, until in phases[:-1])]
    assert phases[-1][2] == whole[1]
