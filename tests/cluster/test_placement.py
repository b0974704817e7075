"""What placement promises, read off the events of whole runs; and its plain functions."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from reference_cluster.scenario import load, names
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from reference_cluster.subsystems.placement.instances import INSTANCE
from reference_cluster.subsystems.placement.jobs import Problem, parse
from reference_cluster.subsystems.placement.packing import Room, pack
from reference_cluster.subsystems.placement.scenario import PlacementScenario
from tests.cluster.runs import Happening, events_of, of_kind

SCENARIOS = [name for name in names() if isinstance(load(name), PlacementScenario)]
SMALL = "name: web\nnumInstances: 1\ncontainers:\n  app: {image: web, memory: 1G}\n"
PYTHON_TAG = "tag:yaml.org,2002:python/name:os.system"
NODES = {"node-1": Room(8192, 40960), "node-2": Room(8192, 40960)}


# ---- a job file


def test_a_job_file_is_understood_as_docker_compose_would() -> None:
    """Memory and local disk of an instance are sums over its containers; a shared volume takes no room on the node."""
    job = parse(load("placement_webapp").submissions[0].file)  # type: ignore[attr-defined]  # a scenario of placement has submissions
    assert (job.name, job.instances, job.host) == ("simple-webapp", 3, "simple-webapp.example")
    assert (job.memory_mb, job.disk_mb) == (6 * 1024, 10 * 1024 + 100)
    assert job.first.healthcheck is not None
    assert (job.first.healthcheck.interval, job.first.healthcheck.timeout, job.first.healthcheck.unhealthy_threshold) == (60, 30, 2)


def test_a_bare_no_is_a_restart_policy() -> None:
    """YAML reads it as false; users of docker-compose write it."""
    assert parse(SMALL.replace("memory: 1G", "memory: 1G, restart: no")).first.restart == "no"


@pytest.mark.parametrize(
    ("file", "detail"),
    [
        ("name: [", "line 1, column 8: expected the node content, but found '<stream end>'."),
        ("", "the file: Input should be a valid dictionary or instance of Job."),
        (SMALL.replace("1G", "plenty"), "containers.app.memory: Value error, 'plenty' is no size; write 100M, 2G, 1T."),
        (SMALL.replace("memory", "momory"), "containers.app.memory: Field required."),
        (SMALL.replace("web\n", "../web\n", 1), "name: String should match pattern '^[a-z][a-z0-9-]{0,40}$'."),
        ("!!python/name:os.system x", f"line 1, column 1: could not determine a constructor for the tag '{PYTHON_TAG}'."),
        ("x: " + "[" * 2000, "not YAML."),
        ("#" * 70_000, "The file has 70000 bytes of at most 65536."),
    ],
    ids=["syntax", "empty", "size", "field", "name", "tag", "deep", "long"],
)  # fmt: skip  # one case a line
def test_a_bad_job_file_is_told_where_it_is_wrong(file: str, detail: str) -> None:
    """Nothing in it is executed, and the problem names the place."""
    with pytest.raises(Problem) as problem:
        parse(file)
    assert (problem.value.reason, problem.value.detail) == ("invalid-job", detail)


def test_a_problem_is_an_rfc_9457_object_with_the_numbers() -> None:
    """The form and the words are those of the seed document."""
    problem = Problem("insufficient-memory", "Job requires 12G of memory but only 10G can be allocated.", "my-cool-job", 12288, 10240)
    assert json.loads(problem.document()) == {
        "type": "https://github.com/barrucadu/ozymandias/main/docs/errors.markdown#insufficient-memory",
        "title": "Insufficient memory for job",
        "detail": "Job requires 12G of memory but only 10G can be allocated.",
        "job": "my-cool-job",
        "required_mb": 12288,
        "available_mb": 10240,
    }


# ---- packing


def test_instances_are_spread_where_there_is_room() -> None:
    """Two instances of a small job stand on two nodes."""
    assert sorted(pack({"web-0": Room(1024, 0), "web-1": Room(1024, 0)}, NODES).values()) == ["node-1", "node-2"]


def test_slots_are_packed_tightly_where_spreading_would_leave_one_out() -> None:
    """5 G + 3 G stand on one node, 4 G + 4 G on the other."""
    wanted = {name: Room(size * 1024, 0) for name, size in {"a": 5, "b": 4, "c": 4, "d": 3}.items()}
    assert len(pack(wanted, NODES)) == 4


def test_as_many_are_placed_as_can_be() -> None:
    """Of three slots that fill a node each, two find a place; disk counts as memory does."""
    assert len(pack({name: Room(6000, 0) for name in "abc"}, NODES)) == 2
    assert len(pack({name: Room(0, 30000) for name in "abc"}, NODES)) == 2
    assert pack({"a": Room(9000, 0)}, NODES) == {}


# ---- runs


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_durable_move_is_one_of_the_life_cycle_table(name: str) -> None:
    """Each move of an instance starts where the last one ended, and ends where the table allows."""
    moves: dict[str, list[Happening]] = defaultdict(list)
    for event in events_of(name):
        if "to_state" in event["data"] and event["subject"]["kind"] == "instance":
            moves[event["subject"]["id"]].append(event)
    assert moves
    for story in moves.values():
        states = [event["data"] for event in sorted(story, key=lambda event: event["revision"])]
        assert states[0]["to_state"] == "allocated"
        assert all(after["from_state"] == before["to_state"] for before, after in pairwise(states))
        assert all(move["to_state"] in INSTANCE.table[move["from_state"]].values() for move in states[1:])


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_version_of_the_schedule_is_committed_once(name: str) -> None:
    """Whoever loses the race commits nothing: versions follow one another without a gap and without a twin."""
    versions = [event["data"]["version"] for event in of_kind(events_of(name), "schedule.committed")]
    assert versions
    assert versions == list(range(2, len(versions) + 2))


def test_a_job_and_its_schedule_are_one_commit() -> None:
    """The user is told yes only when both are there."""
    events = events_of("placement_webapp")
    submissions = of_kind(events, "submission.committed")
    assert submissions
    for submission in submissions:
        assert [one["revision"] for one in of_kind(events, "schedule.committed")].count(submission["revision"]) == 1


def test_a_job_that_does_not_fit_is_rejected_with_the_numbers_and_changes_nothing() -> None:
    """24 G are wanted where 20 G can be had in whole instances."""
    events = events_of("placement_webapp")
    rejected = {event["subject"]["id"]: event for event in of_kind(events, "submission.rejected")}
    assert rejected["my-cool-job"]["data"]["detail"] == "Job requires 24G of memory but only 20G can be allocated."
    assert {event["workload"] for event in of_kind(events, "instance.allocated")} == {"simple-webapp"}


def test_a_record_is_there_exactly_while_its_instance_is_healthy() -> None:
    """Record and state change in one commit."""
    events = events_of("placement_healthy", seed=3)
    moves = {
        (event["revision"], event["subject"]["id"]): event
        for event in events
        if event["kind"].startswith("instance.") and "revision" in event
    }
    records = of_kind(events, "dns.added", "dns.removed")
    assert len(records) > 10
    for event in records:
        move = moves[event["revision"], event["subject"]["id"]]["data"]
        assert move["to_state" if event["kind"] == "dns.added" else "from_state"] == "healthy"


def test_a_scheduler_that_restarts_within_its_lease_keeps_everything() -> None:
    """It finds its lease alive, and no container stops."""
    events = events_of("placement_rolling_restart")
    assert [event["reason"] for event in of_kind(events, "node.reconciled")] == ["fresh"] * 4 + ["lease_alive"] * 4
    assert of_kind(events, "container.stopped", "node.lease_expired", "instance.lost") == []


def test_a_node_that_is_cut_off_stops_its_containers_before_others_start_them() -> None:
    """The fence comes before the first schedule that gives its slots away, and the node comes back to an empty place."""
    events = events_of("placement_long_partition")
    (fenced,) = of_kind(events, "runtime.fenced")
    stopped = [event["time"] for event in of_kind(events, "container.stopped") if event.get("reason") == "fenced"]
    lost = of_kind(events, "instance.lost")
    assert fenced["data"]["strays"] == len(stopped) == len(lost) > 0
    assert max(stopped) < min(event["time"] for event in lost)


def test_a_short_stall_past_the_lease_costs_nothing() -> None:
    """The lease runs out and is taken anew within the grace: no container stops, and the records come back."""
    events = events_of("placement_short_stall")
    assert of_kind(events, "node.lease_expired")
    assert of_kind(events, "container.stopped", "instance.lost") == []
    assert len(of_kind(events, "dns.added")) == 6 + len(
        [event for event in of_kind(events, "dns.removed") if event["reason"] == "lease_expired"]
    )


def test_what_found_no_place_is_placed_when_a_machine_comes_back() -> None:
    """As many as fit at once, the others later."""
    events = events_of("placement_partial_fit")
    waiting = {event["subject"]["id"] for event in of_kind(events, "slot.unplaced")}
    topped_up = {event["revision"] for event in of_kind(events, "schedule.committed") if event["data"]["trigger"] == "top_up"}
    assert waiting
    assert waiting == {event["data"]["slot"] for event in of_kind(events, "instance.allocated") if event["revision"] in topped_up}


def test_losers_of_the_race_compute_again_from_what_is_there() -> None:
    """Each lost commit is answered by a try on a newer version, or by nothing where nothing was left to do."""
    tries: dict[str, list[Happening]] = defaultdict(list)
    for event in of_kind(events_of("placement_race_for_slots"), "schedule.attempted", "schedule.conflicted"):
        if event["data"]["trigger"] == "node_expired":
            tries[event["actor"]].append(event)
    assert any(event["kind"] == "schedule.conflicted" for story in tries.values() for event in story)
    for story in tries.values():
        for before, after in pairwise(event for event in story if event["kind"] == "schedule.attempted"):
            assert after["data"]["base"] > before["data"]["base"]


def test_a_container_that_ended_well_is_started_again_only_where_the_policy_says_so() -> None:
    """`batch` restarts on failure; it ended with 0."""
    stopped = of_kind(events_of("placement_healthy"), "instance.stopped")
    assert [(event["workload"], event["reason"], event["data"]["exit_code"]) for event in stopped] == [("batch", "on-failure", 0)]


def test_a_request_goes_to_a_healthy_instance_of_the_job_of_its_host() -> None:
    """The ingress of any node knows all of them."""
    proxied = of_kind(events_of("placement_healthy"), "ingress.proxied")
    assert len(proxied) > 5
    assert {event["data"]["instance"].rpartition("-")[0] for event in proxied} == {"web"}


def test_timings_are_a_policy_and_are_declared() -> None:
    """Another lease changes what is declared and what happens."""
    lines = simulate(Staged(load("placement_short_stall")), 1, policy={"lease_ttl_us": "40s"}).lines
    events = [{"data": {}, **json.loads(line)} for line in lines]
    assert {event["data"]["lease_ttl_us"] for event in of_kind(events, "placement.configured")} == {40_000_000}
    assert of_kind(events, "node.lease_expired") == []
