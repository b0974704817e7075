"""How fast the simulator is: effects a second of CPU time, against SimPy on the same number of time-outs.

Run it: `python -m tests.sim.bench`. Nothing timed decides a test.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import simpy

from reference_cluster import scenario
from reference_cluster.effects import Program, Sleep
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.kernel import Process
from reference_cluster.sim.run import Run, Simulation, simulate

PROGRAMS = 1_000
ROUNDS = 300


def sleeping_programs(programs: int = PROGRAMS, rounds: int = ROUNDS) -> float:
    """Effects a second of so many programs that do nothing but sleep."""

    async def sleeper(us: int) -> None:
        for _ in range(rounds):
            await Sleep(us)

    def first(_process: Process) -> Program:
        return sleeper(1_000)

    simulation = Simulation(1)
    process = simulation.start("bench", first, "sleeper")
    for number in range(1, programs):
        simulation.spawn(process, sleeper(1_000 + number % 97), "sleeper")
    return programs * rounds / _seconds(lambda: simulation.run(10**12))


def simpy_timeouts(processes: int = PROGRAMS, rounds: int = ROUNDS) -> float:
    """Time-outs a second of so many SimPy processes that do the same."""
    environment = simpy.Environment()

    def sleeper(us: int):
        for _ in range(rounds):
            yield environment.timeout(us)

    for number in range(processes):
        environment.process(sleeper(1_000 + number % 97))
    return processes * rounds / _seconds(environment.run)


def scenario_runs(name: str = "healthy", seeds: int = 10) -> dict[str, float]:
    """A whole scenario with its events: effects, events, simulated seconds and simulated minutes a second."""
    staged = Staged(scenario.load(name))
    simulate(staged, 0)
    runs: list[Run] = []
    seconds = _seconds(lambda: runs.extend(simulate(staged, seed) for seed in range(1, seeds + 1)))
    simulated = sum(run.horizon_us for run in runs) / 1_000_000
    return {
        "effects_per_second": sum(run.effects for run in runs) / seconds,
        "events_per_second": sum(run.events for run in runs) / seconds,
        "times_real_time": simulated / seconds,
        "scenario_minutes_per_second": simulated / 60 / seconds,
    }


def _seconds(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


def main() -> None:
    """Print the figures of this machine; the best of a few rounds, turn and turn about."""
    ours, theirs = zip(*((sleeping_programs(), simpy_timeouts()) for _ in range(6)), strict=True)
    print(f"sleeping programs: {max(ours):,.0f} effects/s; SimPy: {max(theirs):,.0f} time-outs/s; ratio {max(ours) / max(theirs):.2f}")
    for figure, value in scenario_runs().items():
        print(f"healthy scenario with events: {figure} {value:,.0f}")


if __name__ == "__main__":
    main()
