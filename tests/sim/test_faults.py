"""Faults: each does what it says, to those it is about, for as long as it lasts, and the truth says whom it struck."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.errors import UsageError
from reference_cluster.effects import (
    Call,
    CallRefused,
    CallTimedOut,
    Commit,
    Failed,
    List,
    Now,
    Program,
    Read,
    Receive,
    Reply,
    Sleep,
    StoreDown,
    Unknown,
    Watch,
)
from reference_cluster.records import Put
from reference_cluster.sim.fault_table import ACTS, MEDDLINGS
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.kernel import EPOCH_US
from reference_cluster.sim.run import Simulation
from reference_cluster.wire import Message
from tests.sim.small import SECOND, Bystanders, at, heartbeat, play


class MakePod(Message, name="pod.create_for_test"):
    """Make a pod."""


class Made(Message, name="pod.made_for_test"):
    """It is made."""


def struck(simulation: Simulation) -> list[tuple[str, str, bool]]:
    """Name, target without the incarnation's own digits, and effect of every row of the truth."""
    return [(row["name"], row["target"], row["took_effect"]) for row in simulation.truth if row["kind"] == "fault"]


def strikes(simulation: Simulation) -> int:
    return sum(effect for _, _, effect in struck(simulation))


def writer(answers: list[object], label: str = "write", count: int = 1) -> Program:
    """A program that writes a new row each second and notes the answers."""

    async def write() -> None:
        for number in range(count):
            answers.append(await Commit((Put("worker", f"w-{len(answers)}-{number}", {}, None),), (heartbeat(),), label))
            await Sleep(SECOND)

    return write()


def test_a_lost_answer_is_a_commit_that_is_durable_and_unknown():
    answers: list[object] = []
    simulation = play({"a": writer(answers)}, faults=[Fault(name="answer_lost", at_us=0)])
    assert answers == [Unknown()]
    assert len(simulation.store.rows("worker")) == simulation.journal.events == 1
    assert struck(simulation) == [("answer_lost", f"{simulation.instances['a'].incarnation}/main", True)]


def test_a_failed_write_is_not_durable():
    answers: list[object] = []
    fault = Fault(name="store_write_fails", at_us=0, params={"reason": "disk_full"})
    simulation = play({"a": writer(answers)}, faults=[fault])
    assert answers == [Failed("disk_full")]
    assert simulation.store.rows("worker") == []
    assert simulation.lines == []


def test_a_crash_after_a_commit_leaves_the_commit_and_ends_the_process():
    answers: list[object] = []
    simulation = play({"a": writer(answers)}, faults=[Fault(name="crash_between", at_us=0, params={"label": "wri*"})])
    assert answers == []
    assert len(simulation.store.rows("worker")) == 1
    assert not simulation.instances["a"].alive


def test_a_conflict_has_no_answer_worth_losing():
    answers: list[object] = []

    async def twice() -> None:
        put = Put("worker", "w-1", {}, None)
        answers.extend([type(await Commit((put,), (), "write")).__name__ for _ in range(2)])

    play({"a": twice()}, faults=[Fault(name="answer_lost", at_us=0, params={"nth": 2})])
    assert answers == ["Committed", "Conflict"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"times": 2}, "FFCCC"),
        ({"for_us": 2 * SECOND + SECOND // 2}, "FFFCC"),
        ({"at_us": SECOND // 2, "for_us": SECOND}, "CFCCC"),
        ({"params": {"nth": 3}}, "CCFFF"),
        ({"params": {"nth": 2}, "times": 1}, "CFCCC"),
        ({"params": {"label": "other"}}, "CCCCC"),
        ({"target": "a"}, "FFFFF"),
        ({"target": "a/other"}, "CCCCC"),
        ({"target": "leader"}, "FFFFF"),
    ],
)
def test_a_fault_strikes_whom_it_is_about_while_it_lasts(fault: dict[str, Any], expected: str):
    answers: list[object] = []
    plan = [Fault.model_validate({"name": "store_write_fails", "at_us": 0, **fault})]
    simulation = play({"a": writer(answers, count=5)}, faults=plan, world=Bystanders(leader="a"))
    assert "".join(type(answer).__name__[0] for answer in answers) == expected
    assert strikes(simulation) == expected.count("F")


def test_a_fault_that_struck_nobody_says_so():
    """A name that means nobody at that moment, and a fault for which nothing came by."""
    plan = [Fault(name="renew_blip", target="leader", at_us=5), Fault(name="list_fails", at_us=7)]
    simulation = play({"a": writer([])}, faults=plan)
    assert struck(simulation) == [("renew_blip", "leader", False), ("list_fails", "*", False)]
    assert [row["time"] for row in simulation.truth] == ["2026-01-01T00:00:00.000005Z", "2026-01-01T00:00:00.000007Z"]


def test_when_no_fault_is_in_force_no_effect_is_looked_at():
    handlers: list[bool] = []

    def look(simulation: Simulation) -> None:
        before = dict(simulation.handlers)
        for moment in (5, 15, 25):
            simulation.after(moment, lambda: handlers.append(simulation.handlers == before))

    play({}, faults=[Fault(name="list_fails", at_us=10, for_us=10), Fault(name="list_fails", at_us=12, for_us=10)], prepare=look)
    assert handlers == [True, False, True]


@pytest.mark.parametrize(("name", "ask"), [("list_fails", List("worker")), ("read_fails", Read("worker", "w-1"))])
def test_a_failed_reading_raises_in_the_program(name: str, ask: List | Read):
    raised: list[str] = []

    async def reader() -> None:
        try:
            await ask
        except StoreDown as error:
            raised.append(str(error))

    play({"a": reader()}, faults=[Fault(name=name, at_us=0, params={"reason": "no_route"})])
    assert raised == ["no_route"]


def serve_pods(made: list[int]) -> Program:
    async def serve() -> None:
        while True:
            request = await Receive("kube/pods")
            made.append(at(await Now()))
            await Reply(request, Made())

    return serve()


@pytest.mark.parametrize(
    ("name", "params", "outcome", "ended_us", "made"),
    [
        ("call_fails", {"reason": "pod_create", "after_us": 500}, "CallRefused: pod_create", 500, 0),
        ("call_hangs", {}, "CallTimedOut: kube/pods", SECOND, 0),
        ("answer_lost", {}, "CallTimedOut: kube/pods", SECOND, 1),
        ("spawn_slow", {"by_us": 9_000, "label": "kube/*:pod.create*"}, "Made", 11_000, 1),
        ("spawn_fails", {"label": "kube/*:pod.create*", "reason": "pod_create", "after_us": 7}, "CallRefused: pod_create", 7, 0),
    ],
)
def test_a_call_may_be_refused_lost_half_lost_or_slow(name: str, params: dict[str, Any], outcome: str, ended_us: int, made: int):
    made_us: list[int] = []
    log: list[object] = []

    async def caller() -> None:
        try:
            log.append(type(await Call("kube/pods", MakePod(), SECOND)).__name__)
        except (CallRefused, CallTimedOut) as error:
            log.append(f"{type(error).__name__}: {error}")
        log.append(at(await Now()))

    play({"kube": serve_pods(made_us), "a": caller()}, faults=[Fault(name=name, target="a", at_us=0, params=params)])
    assert log == [outcome, ended_us]
    assert len(made_us) == made


def test_a_fault_that_waits_for_one_answer_does_not_take_the_next():
    """The call is lost with its receiver, so its answer never comes; the read after it is left alone."""
    log: list[object] = []

    async def caller() -> None:
        with pytest.raises(CallTimedOut):
            await Call("nobody/pods", MakePod(), SECOND)
        log.append(await Read("worker", "w-1"))

    simulation = play({"a": caller()}, faults=[Fault(name="answer_lost", at_us=0)])
    assert log == [None]
    assert strikes(simulation) == 0


def test_a_delayed_watch_is_late_even_for_those_who_wait_already():
    seen: list[int] = []

    async def watcher() -> None:
        after = 0
        while True:
            for change in await Watch("tenant", after):
                seen.append(at(await Now()))
                after = change.revision

    def writes(simulation: Simulation) -> None:
        for number, moment in enumerate((SECOND, 20 * SECOND)):
            put = Put("tenant", f"org-{number}", {}, None)
            simulation.after(moment, lambda put=put: simulation.store.write(put))  # type: ignore[misc]  # mypy cannot infer it

    fault = Fault(name="watch_delay", at_us=SECOND // 2, for_us=5 * SECOND, params={"by_us": 3 * SECOND})
    play({"a": watcher()}, faults=[fault], prepare=writes)
    assert seen == [4 * SECOND + 10_000, 20 * SECOND + 11_000]


def test_acts_crash_pause_roll_out_and_edit_the_store():
    world = Bystanders(leader="b")
    answers: list[object] = []
    plan = [
        Fault(name="pause", target="a", at_us=500, for_us=10 * SECOND),
        Fault(name="rollout", target="leader", at_us=1_000),
        Fault(name="crash", target="b", at_us=2_000),
        Fault(name="crash", target="b", at_us=3_000),
        Fault(name="set", at_us=4_000, params={"table": "config", "key": "pool", "changes": {"ttl_us": 5}}),
        Fault(name="set", at_us=5_000, params={"table": "config", "key": "pool", "changes": {"ttl_us": 6}}),
    ]
    simulation = play({"a": writer(answers, count=2), "b": writer([], count=9)}, faults=plan, world=world)
    a, b = simulation.processes.values()
    assert world.rolled_out == ["b"]
    assert (a.alive, b.alive, a.paused_until_us) == (True, False, 10 * SECOND + 500)
    assert [(row.fields, row.version) for row in simulation.store.rows("config")] == [({"ttl_us": 6}, 2)]
    assert struck(simulation) == [
        ("pause", a.incarnation, True),
        ("rollout", b.incarnation, True),
        ("crash", b.incarnation, True),
        ("set", "config/pool", True),
        ("set", "config/pool", True),
        ("crash", "b", False),
    ]


def test_a_fault_that_nobody_knows_is_refused_with_the_names_there_are():
    with pytest.raises(UsageError, match=r"planning the fault 'gremlin': there is none of that name; there are answer_lost, .*watch_delay"):
        play({}, faults=[Fault(name="gremlin", at_us=0)])


@pytest.mark.parametrize(("name", "missing"), [("spawn_slow", "by_us"), ("pause", "for_us"), ("set", "table, key, changes")])
def test_a_fault_that_does_not_say_enough_is_refused_before_the_run(name: str, missing: str):
    with pytest.raises(UsageError, match=f"planning the fault '{name}': it must say {missing}; it says label"):
        play({}, faults=[Fault(name=name, at_us=0, params={"label": "*"})])


def test_every_fault_says_what_it_does():
    for act in ACTS.values():
        assert act.does.__doc__
    for meddling in MEDDLINGS.values():
        does = meddling.instead or meddling.after
        assert does is not None
        assert does.__doc__


def test_a_slow_process_takes_longer_on_each_way_and_only_for_a_while():
    """Two ways of 1 ms for each commit; 10 ms more each while it lasts, and as before afterwards."""
    ended: list[int] = []

    async def write() -> None:
        for number in range(3):
            await Commit((Put("worker", f"w-{number}", {}, None),), (heartbeat(),), "write")
            ended.append(await Now() - EPOCH_US)
            await Sleep(SECOND)

    play({"a": write()}, faults=[Fault(name="slow", target="a", at_us=500_000, for_us=SECOND, params={"by_us": 10_000})])
    starts = [0, ended[0] + SECOND, ended[1] + SECOND]
    assert [end - start for start, end in zip(starts, ended, strict=True)] == [2_000, 22_000, 2_000]


def test_an_answer_is_held_up_once():
    """It happened at its time; the program hears of it later, and of the next one at once."""
    ended: list[int] = []

    async def read() -> None:
        for _ in range(2):
            await Read("worker", "w-1")
            ended.append(await Now() - EPOCH_US)

    play({"a": read()}, faults=[Fault(name="held_up", target="a", at_us=0, times=1, params={"by_us": SECOND})])
    assert [ended[0], ended[1] - ended[0]] == [1_000 + SECOND, 2_000]
