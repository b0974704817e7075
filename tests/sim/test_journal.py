"""The recorder: what an event line says, in which order, caused by what; and what the recording lines hold."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingest.events.base import Event, Ref
from ingest.events.control_loop import ControlPlaneHeartbeated, ControlPlaneHeartbeatFailed
from reference_cluster.effects import Call, Commit, Emit, Now, Program, Random, Read, Receive, Reply, Said, Sleep, Start
from reference_cluster.records import Put
from reference_cluster.sim.journal import digest_of
from reference_cluster.sim.kernel import ProgramFailed
from reference_cluster.sim.run import Latency, Simulation
from reference_cluster.wire import Message
from tests.sim.small import PROMPT, SECOND, heartbeat, play, start


class Work(Message, name="test.work"):
    """Something to do."""


def events(simulation: Simulation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in simulation.lines]


def emits(*subjects: str) -> Program:
    """A program that says one event after another."""

    async def program() -> None:
        for subject in subjects:
            await Emit((heartbeat(subject),))

    return program()


def test_a_line_is_the_event_in_the_order_of_the_envelope_without_what_is_empty():
    async def program() -> None:
        await Sleep(5)
        refs = (Ref(role="lease", kind="lease", id="janitor"),)
        await Emit((Said(ControlPlaneHeartbeatFailed(), "cp-1-7f3a", refs=refs, reason="failed", outcome="unknown"),))

    simulation = Simulation(1, run_id="night-1")
    incarnation = start(simulation, "cp-1", program(), "heart", clock_offset_us=-10).incarnation
    simulation.run(SECOND)
    assert simulation.lines == [
        (
            f'{{"event_id":"{incarnation}/heart:1","run_id":"night-1","time":"2025-12-31T23:59:59.999995Z","actor":"cp-1/heart",'
            f'"incarnation":"{incarnation}","seq":1,"clock":1,"kind":"control_plane.heartbeat_failed",'
            '"subject":{"kind":"control_plane","id":"cp-1-7f3a"},"refs":[{"role":"lease","kind":"lease","id":"janitor"}],'
            '"outcome":"unknown","reason":"failed"}\n'
        ).encode()
    ]
    Event.model_validate_json(simulation.lines[0])


def test_the_event_of_a_commit_has_its_revision_and_the_clock_of_the_store_and_the_time_it_was_asked_for():
    async def program() -> None:
        await Sleep(500)
        await Commit((Put("worker", "w-1", {}, None),), (heartbeat(), heartbeat()), "new")

    simulation = play({"cp-1": program()})
    times = [(event["revision"], event["time"], event["commit_time"]) for event in events(simulation)]
    assert times == [(1, "2026-01-01T00:00:00.000500Z", "2026-01-01T00:00:00.001500Z")] * 2


def test_an_event_is_caused_by_the_last_one_of_its_task_and_the_first_by_what_started_the_task():
    async def child() -> None:
        await Emit((heartbeat("child"),))

    async def parent() -> None:
        await Emit((heartbeat("first"), heartbeat("second")))
        await Start(child(), "child")
        await Emit((heartbeat("third"), heartbeat("named", caused_by=("somewhere/else:1",))))

    simulation = play({"cp-1": parent()})
    by_id = {event["event_id"]: event["subject"]["id"] for event in events(simulation)}
    causes = {event["subject"]["id"]: [by_id.get(cause, cause) for cause in event.get("caused_by", [])] for event in events(simulation)}
    assert causes == {"first": [], "second": ["first"], "third": ["second"], "child": ["second"], "named": ["somewhere/else:1"]}


def test_what_a_handler_says_first_was_caused_by_its_caller_and_comes_after_it_by_the_clock():
    async def server() -> None:
        await Emit((heartbeat("up"),))
        for _ in range(2):
            request = await Receive("b/work")
            await Emit((heartbeat("working"),))
            await Reply(request, Work())

    async def caller() -> None:
        await Emit((heartbeat("one"), heartbeat("two"), heartbeat("asking")))
        await Call("b/work", Work(), SECOND)
        await Emit((heartbeat("answered"),))

    simulation = play({"b": server(), "a": caller()})
    found = {event["subject"]["id"]: event for event in events(simulation)}
    assert found["working"]["caused_by"] == [found["asking"]["event_id"]]
    assert found["asking"]["clock"] < found["working"]["clock"] < found["answered"]["clock"]


def test_the_clock_passes_through_the_store():
    """Who reads after a commit is later than the commit, although no message went between the two."""

    async def writer() -> None:
        await Emit(tuple(heartbeat() for _ in range(5)))
        await Commit((Put("worker", "w-1", {}, None),), (heartbeat("written"),), "new")

    async def reader() -> None:
        await Sleep(SECOND)
        await Read("worker", "w-1")
        await Emit((heartbeat("read"),))

    clocks = {event["subject"]["id"]: event["clock"] for event in events(play({"a": writer(), "b": reader()}))}
    assert (clocks["written"], clocks["read"]) == (6, 7)


@given(some.integers(0, 10_000), some.lists(some.sampled_from("ECSWN"), min_size=1, max_size=8), some.integers(1, 4))
def test_streams_have_no_holes_and_clocks_agree_with_causes_and_revisions(seed: int, steps: list[str], replicas: int):
    """Whatever the programs do: seq counts up by one in each actor incarnation, and time never runs against a cause."""

    async def program(depth: int) -> None:
        for step in steps:
            match step:
                case "E":
                    await Emit((heartbeat(), heartbeat()))
                case "C":
                    await Commit((), (heartbeat(),), "say")
                case "S" if depth < 2:
                    await Start(program(depth + 1), "child")
                case "W":
                    await Sleep(700)
                case _:
                    await Now()

    programs = {f"cp-{number}": program(0) for number in range(replicas)}
    found = events(play(programs, seed=seed, latency=Latency(), until_us=SECOND))
    by_id = {event["event_id"]: event for event in found}
    assert len(by_id) == len(found)
    seqs = Counter((event["actor"], event["incarnation"]) for event in found)
    assert all(
        {e["seq"] for e in found if (e["actor"], e["incarnation"]) == actor} == set(range(1, count + 1)) for actor, count in seqs.items()
    )
    assert all(by_id[cause]["clock"] < event["clock"] for event in found for cause in event.get("caused_by", []))
    committed = [event for event in found if "revision" in event]
    assert committed == sorted(committed, key=lambda event: (event["revision"], event["clock"]))
    assert len({event["revision"] for event in committed}) == len(committed)


def test_an_event_with_an_outcome_that_its_kind_does_not_have_is_a_bug_of_ours():
    async def program() -> None:
        await Emit((Said(ControlPlaneHeartbeated(), "cp-1-7f3a", outcome="skipped"),))

    with pytest.raises(ProgramFailed, match=r"cp-1/main said control_plane\.heartbeated with the outcome 'skipped'; it has committed"):
        play({"cp-1": program()})


@pytest.mark.parametrize("said", [heartbeat(""), heartbeat(reason=5), heartbeat(epoch="three")])
def test_what_is_no_event_is_a_bug_of_ours(said: Said):
    async def program() -> None:
        await Emit((said,))

    with pytest.raises(ProgramFailed, match=r"which is no (event|object)"):
        play({"cp-1": program()})


def test_the_digest_is_of_the_lines_without_their_run():
    lines, digests = [], []
    for run_id in ("monday", 'tues"day \t\x7f\u2028é'):
        simulation = Simulation(1, run_id=run_id, latency=PROMPT)
        start(simulation, "cp-1", emits(*(f"cp-{number}" for number in range(130))))
        simulation.run(SECOND)
        lines.append(simulation.lines)
        digests.append((simulation.journal.digest, simulation.journal.trail))
    assert lines[0] != lines[1]
    assert digests[0] == digests[1]
    normal = [line.replace(b'"run_id":"monday",', b"") for line in lines[0]]
    assert digests[0] == (sha256(b"".join(normal)).hexdigest(), [sha256(b"".join(normal[:n])).hexdigest()[:8] for n in (64, 128)])


def test_the_effect_journal_has_a_row_for_every_answer_in_the_order_of_the_answers():
    """The value is kept only of local chance; of the store, the revision at which the effect took place."""

    async def program() -> None:
        await Now()
        await Random()
        await Commit((Put("worker", "w-1", {}, None),), (), "new")
        await Commit((Put("worker", "w-1", {}, None),), (), "new")
        await Read("worker", "w-2")
        await Sleep(5)

    simulation = Simulation(1, latency=PROMPT, journal=True)
    incarnation = start(simulation, "cp-1", program()).incarnation
    simulation.run(SECOND)
    simulation.journal.end()
    effects, ended = events(simulation)
    rows = effects["data"]["effects"]
    chance = rows[1][3]
    assert 0 <= chance < 1
    assert [row[:5] for row in rows] == [
        [f"{incarnation}/main#1", 1, "Now", 1_767_225_600_000_000, None],
        [f"{incarnation}/main#1", 2, "Random", chance, None],
        [f"{incarnation}/main#1", 3, "Commit", "committed", 1],
        [f"{incarnation}/main#1", 4, "Commit", "conflict", 1],
        [f"{incarnation}/main#1", 5, "Read", "done", 1],
        [f"{incarnation}/main#1", 6, "Sleep", "done", None],
    ]
    assert rows[4][5] == digest_of(None)
    assert (effects["kind"], ended["kind"], ended["data"]["events"]) == ("recording.effects", "recording.ended", 0)


def test_a_long_effect_journal_is_written_in_stretches():
    async def program() -> None:
        for _ in range(450):
            await Sleep(1)

    simulation = Simulation(1, latency=PROMPT, journal=True)
    start(simulation, "cp-1", program())
    simulation.run(SECOND)
    simulation.journal.end()
    assert [len(event["data"].get("effects", [])) for event in events(simulation)] == [200, 200, 50, 0]
