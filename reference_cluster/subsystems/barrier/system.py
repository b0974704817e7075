"""The barrier of a scenario: the units, Juju's controller, the operators."""

from __future__ import annotations

from functools import partial

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.records import Put
from reference_cluster.scenario import draw
from reference_cluster.subsystems.barrier import juju
from reference_cluster.subsystems.barrier.databags import APPLICATION, CLEAR, TABLE
from reference_cluster.subsystems.barrier.hooks import run_unit
from reference_cluster.subsystems.barrier.messages import Elect, Leave
from reference_cluster.subsystems.barrier.scenario import BarrierScenario, LeaderChange
from reference_cluster.subsystems.barrier.truth import Witness
from reference_cluster.subsystems.barrier.unit import Unit
from reference_cluster.system import Host, System

START_SPREAD_US = 1_000_000


class Barrier(System):
    """The processes of one run."""

    def __init__(self, scenario: BarrierScenario, host: Host, switches: Switches) -> None:
        super().__init__(host)
        self.scenario = scenario
        self.switches = switches
        self.units: dict[str, Unit] = {}
        """The memory of the latest pod of each unit."""

    def boot(self) -> None:
        """Write the empty databag, start everything, and plan what Juju and people will do."""
        host, scenario = self.host, self.scenario
        host.write(Put(TABLE, APPLICATION, {**CLEAR, "writer": None}, None))
        controller = host.start("juju", "elections", lambda incarnation: juju.serve_elections())
        for unit in scenario.instances():
            host.after(draw(host.stream("start"), (0, START_SPREAD_US)), partial(self._start, unit))
        host.after(START_SPREAD_US, lambda: self._elect(scenario.instances()[0], "first"))
        chance = host.stream("plan")
        for change in scenario.leader_changes:
            if change.when == "all_ready":
                host.spawn(controller, "elections", juju.move_leader_when_all_are_ready())
            else:
                host.after(draw(chance, change.at), partial(self._move_leader, change))
        for scaling in scenario.joins:
            host.after(draw(chance, scaling.at), partial(self._start, scaling.unit))
        for scaling in scenario.leaves:
            host.after(draw(chance, scaling.at), partial(host.post, f"{scaling.unit}/hooks", Leave()))
        self._plan_tests()
        if self.switches.on:
            Witness(host, scenario.config, self.units, self.switches).look()

    def _plan_tests(self) -> None:
        """The operators' actions, all of one process; there is none where nobody runs a test."""
        chance, host = self.host.stream("workload"), self.host
        programs = []
        for number, test in enumerate(self.scenario.tests, 1):
            stop_after_us = draw(chance, test.stop_after) if test.stop_after is not None else None
            programs.append(juju.run_test(f"test-{number}", draw(chance, test.at), test.script, test.on, stop_after_us))
        if programs:
            operator = host.start("operator", "actions", lambda incarnation: programs[0])
            for program in programs[1:]:
                host.spawn(operator, "actions", program)

    def _start(self, name: str) -> None:
        def main(incarnation: str) -> Program:
            self.units[name] = Unit(name, incarnation, self.scenario.config, self.scenario.world, self.switches)
            return run_unit(self.units[name])

        self.host.start(name, "charm", main)

    def _leader(self) -> str | None:
        return next((row.text("unit") for row in self.host.rows("leader")), None)

    def _living(self) -> list[str]:
        return [name for name in sorted(self.units) if self.host.incarnation(name) is not None]

    def _elect(self, unit: str, reason: str) -> None:
        self.host.post(juju.CONTROLLER, Elect(unit=unit, reason=reason))

    def _move_leader(self, change: LeaderChange) -> None:
        others = [name for name in self._living() if name != self._leader()]
        if change.to in others or (change.to is None and others):
            self._elect(change.to or others[0], "moved")

    def _replace_leader(self) -> None:
        """The lease of a leader that has gone runs out; one whose pod is back keeps it."""
        leader, living = self._leader(), self._living()
        if leader not in living and living:
            self._elect(living[0], "unit_gone")

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: ARG002  # what matters is whether any pod of the unit lives
        """A pod that was killed comes back after a while; a leader that stays away is replaced."""
        if instance not in self.units:
            return
        if why != "left":
            self.host.after(draw(self.host.stream("start"), self.scenario.world.away), partial(self._start, instance))
        if instance == self._leader():
            self.host.after(self.scenario.config.leader_lease_us if why != "left" else 0, self._replace_leader)

    def resolve(self, target: str) -> str | None:
        """`leader` is the unit that leads at this moment; everything else means itself."""
        return self._leader() if target == "leader" else target
