"""A scenario in the simulator: the runner's view of it, and the host that its system runs on."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.records import Put, Row
from reference_cluster.scenario import Scenario, draw
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.kernel import Kernel, Process
from reference_cluster.sim.run import Latency, Simulation
from reference_cluster.wire import Message


class Staged:
    """A scenario as the runner wants it."""

    latency = Latency()

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.name = scenario.name
        self.duration_us = scenario.length
        self.document = scenario.document()

    def plan(self, chance: random.Random) -> list[Fault]:
        """The fault plan with every time drawn."""
        return [
            Fault(
                name=fault.name,
                target=fault.target,
                at_us=draw(chance, fault.at),
                for_us=draw(chance, fault.lasts) or None,
                times=fault.times,
                params=fault.params,
            )
            for fault in self.scenario.faults
        ]

    def plan_of(self, seed: int) -> list[Fault]:
        """The fault plan that a run with this seed draws."""
        return self.plan(Kernel(seed).stream("faults"))

    def world(self, simulation: Simulation, switches: Mapping[str, bool], policy: Mapping[str, Any]) -> World:
        """The system of one run, not yet booted."""
        return World(self.scenario.with_policy(policy), simulation, switches)


class SimulatedHost:
    """What the simulator offers a system (`reference_cluster.system.Host`)."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.stream = simulation.stream
        self.after = simulation.after

    def write(self, put: Put) -> None:
        """A row that nobody in the simulation writes."""
        self._simulation.store.write(put)

    def rows(self, table: str) -> list[Row]:
        """The rows as they are now."""
        return self._simulation.store.rows(table)

    def start(self, instance: str, component: str, main: Callable[[str], Program]) -> str:
        """A process from this moment on."""
        return self._simulation.start(instance, lambda process: main(process.incarnation), component).incarnation

    def spawn(self, incarnation: str, component: str, program: Program) -> None:
        """A program from this moment on."""
        self._simulation.spawn(self._simulation.processes[incarnation], program, component)

    def post(self, address: str, message: Message) -> None:
        """A message without a sender."""
        self._simulation.network.post(address, message)

    def incarnation(self, instance: str) -> str | None:
        """The latest process of that instance, if it lives."""
        process = self._simulation.instances.get(instance)
        return process.incarnation if process is not None and process.alive else None

    def instance(self, incarnation: str) -> str | None:
        """The instance of that process, if it lives."""
        process = self._simulation.processes.get(incarnation)
        return process.instance if process is not None and process.alive else None


class World:
    """The system of one run, with the switches that are on in it."""

    def __init__(self, scenario: Scenario, simulation: Simulation, switches: Mapping[str, bool]) -> None:
        on = frozenset(name for name in Switches.named(switches) if switches[name])
        self._system = scenario.build(SimulatedHost(simulation), Switches(on, simulation.note))
        self.boot, self.resolve, self.rollout = self._system.boot, self._system.resolve, self._system.rollout

    def ended(self, process: Process, why: str) -> None:
        """Tell the system which process is gone."""
        self._system.ended(process.instance, process.incarnation, why)
