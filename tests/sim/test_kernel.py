"""The kernel: time, ties, tasks, crashes, pauses, and what it says when a program fails."""

from __future__ import annotations

from typing import Any

import pytest

from reference_cluster import effects
from reference_cluster.effects import Cancel, Effect, Emit, Exit, Now, Program, Random, Read, Sleep, Start
from reference_cluster.sim.kernel import ProgramFailed
from reference_cluster.sim.run import Simulation
from tests.sim.small import PROMPT, SECOND, at, heartbeat, play, start


def test_every_effect_is_answered_by_the_driver():
    """The set of effects is closed, and the driver knows all of it."""
    asked = {value for value in vars(effects).values() if isinstance(value, type) and issubclass(value, Effect) and value is not Effect}
    assert asked == set(Simulation(1).handlers)


def test_what_happens_at_the_same_microsecond_happens_in_the_order_it_was_asked_for():
    log: list[str] = []

    async def sleeper(name: str, us: int) -> None:
        await Sleep(us)
        log.append(name)

    play({"a": sleeper("a", 100), "b": sleeper("b", 50), "c": sleeper("c", 100), "d": sleeper("d", 50)})
    assert log == ["b", "d", "a", "c"]


def test_a_sleep_of_nothing_lets_time_pass():
    times: list[int] = []

    async def hasty() -> None:
        for _ in range(3):
            await Sleep(0)
            times.append(at(await Now()))

    play({"a": hasty()})
    assert times == [1, 2, 3]


def test_a_process_sees_its_own_clock():
    seen: list[int] = []

    async def look() -> None:
        await Sleep(5)
        seen.append(at(await Now()))

    simulation = Simulation(1)
    start(simulation, "right", look())
    start(simulation, "fast", look(), clock_offset_us=3 * SECOND)
    simulation.run(SECOND)
    assert seen == [5, 3 * SECOND + 5]


def test_a_draw_of_one_program_does_not_disturb_another():
    async def draws(count: int, into: list[float]) -> None:
        into.extend([await Random() for _ in range(count)])

    alone: list[float] = []
    beside: list[float] = []
    play({"a": draws(3, alone)})
    play({"b": draws(50, []), "a": draws(3, beside)})
    assert alone == beside
    assert len(set(alone)) == 3


def test_a_start_of_the_same_instance_is_a_new_incarnation():
    async def nothing() -> None:
        await Sleep(1)

    simulation = Simulation(7)
    first, second = (start(simulation, "cp-1", nothing()) for _ in range(2))
    assert first.incarnation != second.incarnation
    assert simulation.instances["cp-1"] is second
    simulation.close()


def test_a_crash_ends_every_task_and_nothing_of_them_runs_again():
    """Not even what a `finally` block awaits: a dead process has no last words."""
    log: list[str] = []

    async def child() -> None:
        try:
            await Sleep(SECOND)
        finally:
            await Emit((heartbeat(),))
            log.append("child")

    async def parent() -> None:
        await Start(child(), "child")
        await Sleep(SECOND)
        log.append("parent")

    simulation = Simulation(1)
    process = start(simulation, "a", parent())
    ended: list[str] = []
    simulation.process_ended.append(lambda process, why: ended.append(f"{process.instance} {why}"))
    simulation.after(500, lambda: simulation.crash(process))
    simulation.run(2 * SECOND)
    assert (log, ended, process.alive, process.tasks, simulation.lines) == ([], ["a crashed"], False, {}, [])


def test_an_exit_ends_the_process_with_its_reason():
    log: list[str] = []

    async def program() -> None:
        await Exit("drained")
        log.append("after")

    simulation = Simulation(1)
    simulation.process_ended.append(lambda process, why: log.append(why))
    start(simulation, "a", program())
    simulation.run(SECOND)
    assert log == ["drained"]


def test_a_canceled_task_never_runs_again():
    log: list[str] = []

    async def child() -> None:
        await Sleep(10)
        log.append("ran")

    async def parent() -> None:
        task = await Start(child(), "child")
        await Sleep(5)
        await Cancel(task)
        await Cancel(task)

    play({"a": parent()})
    assert log == []


def test_a_paused_process_runs_late_while_its_clock_goes_on():
    seen: list[int] = []

    async def ticking() -> None:
        for _ in range(4):
            await Sleep(100)
            seen.append(at(await Now()))

    simulation = Simulation(1)
    process = start(simulation, "a", ticking())
    simulation.after(150, lambda: simulation.pause(process, 1_000))
    simulation.run(SECOND)
    assert seen == [100, 1_150, 1_250, 1_350]


@pytest.mark.parametrize("after", [0, 250])
def test_an_exception_that_a_program_lets_go_stops_the_run_and_says_where(after: int):
    async def careless() -> None:
        await Sleep(after)
        await Read("worker", "w-1")
        raise LookupError("no such worker")

    with pytest.raises(ProgramFailed) as failed:
        play({"cp-1": careless()}, seed=42, latency=PROMPT)
    said = str(failed.value)
    for part in ("cp-1-", "/main", "Read(table='worker', key='w-1'", "2026-01-01T00:00:00.002", "seed 42", "LookupError: no such worker"):
        assert part in said
    assert isinstance(failed.value.__cause__, LookupError)


def test_what_is_no_effect_is_answered_by_nobody():
    class Wish(Effect[None]):
        pass

    async def wishing() -> None:
        await Wish()

    with pytest.raises(ProgramFailed, match="which nobody answers"):
        play({"a": wishing()})


def test_a_program_that_never_lets_time_pass_is_stopped():
    async def busy() -> None:
        while True:
            await Now()

    with pytest.raises(ProgramFailed, match="without letting time pass"):
        play({"a": busy()})


def test_effects_are_counted_for_tasks_that_ended_and_for_those_that_go_on():
    async def forever() -> None:
        while True:
            await Sleep(SECOND)

    async def twice() -> None:
        await Sleep(1)
        await Sleep(1)

    simulation = Simulation(1)
    for instance, program in (("a", forever()), ("b", twice())):
        start(simulation, instance, program)
    simulation.run(10 * SECOND)
    assert simulation.effects_asked == 11 + 2
    simulation.close()
    assert simulation.effects_asked == 11 + 2


def test_the_tasks_of_a_process_may_be_many_and_end_in_any_order():
    ended: list[Any] = []

    async def child(us: int) -> None:
        await Sleep(us)
        ended.append(us)

    async def parent() -> None:
        for us in (30, 10, 20):
            await Start(child(us), "child")

    def programs() -> dict[str, Program]:
        return {"a": parent()}

    play(programs())
    assert ended == [10, 20, 30]
