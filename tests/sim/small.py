"""A small world for tests: a few programs, each in a process of its own, and what they noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ingest.events.control_loop import ControlPlaneHeartbeated
from reference_cluster.effects import Program, Said
from reference_cluster.sim.fault_table import Means
from reference_cluster.sim.faults import Fault, Faults
from reference_cluster.sim.kernel import EPOCH_US, Process
from reference_cluster.sim.run import Latency, Simulation

SECOND = 1_000_000
PROMPT = Latency(store_us=(1_000, 1_000), network_us=(1_000, 1_000), watch_us=(10_000, 10_000))
"""No jitter, so that a test can say at which microsecond something takes place."""


class Bystanders:
    """A world that knows one dynamic name, `leader`, and notes who was rolled out."""

    def __init__(self, leader: str | None = None) -> None:
        self.leader = leader
        self.rolled_out: list[str] = []

    def resolve(self, target: str) -> str | None:
        return self.leader if target == "leader" else target

    def rollout(self, instance: str) -> None:
        self.rolled_out.append(instance)


def start(simulation: Simulation, instance: str, program: Program, component: str = "main", clock_offset_us: int = 0) -> Process:
    """A process that runs this one program."""

    def main(_process: Process) -> Program:
        return program

    return simulation.start(instance, main, component, clock_offset_us)


def play(
    programs: dict[str, Program],
    *,
    faults: Sequence[Fault] = (),
    world: Bystanders | None = None,
    seed: int = 1,
    latency: Latency = PROMPT,
    until_us: int = 60 * SECOND,
    prepare: Callable[[Simulation], object] = lambda simulation: None,
) -> Simulation:
    """Run programs by instance name to the end, and give the simulation for a look at what is left."""
    simulation = Simulation(seed, latency=latency)
    prepare(simulation)
    faulty = Faults(Means(simulation, simulation.store, simulation.network, world or Bystanders()), list(faults))
    for instance, program in programs.items():
        start(simulation, instance, program)
    try:
        simulation.run(until_us)
    finally:
        simulation.close()
    faulty.end()
    return simulation


def heartbeat(subject: str = "cp-1-0000", **more: Any) -> Said:
    """The shortest event there is."""
    return Said(ControlPlaneHeartbeated(), subject, **more)


def at(clock_us: int) -> int:
    """What a true clock shows, as microseconds into the run."""
    return clock_us - EPOCH_US
