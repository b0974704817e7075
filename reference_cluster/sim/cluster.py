"""The warm-pool cluster of a scenario, in the simulator: control planes, the cluster that runs pods, the clients."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from ingest.errors import UsageError
from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.programs import run_control_plane
from reference_cluster.records import Put
from reference_cluster.scenario import Config, Scenario, draw
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.kernel import Kernel, Process
from reference_cluster.sim.run import Latency, Simulation
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.election import LEASE
from reference_cluster.subsystems.warm_pool.janitor import STUCK_BEFORE_BUDGET, STUCK_BEFORE_BUDGET_US
from reference_cluster.world import clients, kube
from reference_cluster.world.messages import Stop

START_SPREAD_US = 2_000_000


class Staged:
    """A scenario as the runner wants it."""

    latency = Latency()

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.name = scenario.name
        self.duration_us = scenario.length
        self.document: dict[str, Any] = scenario.model_dump(mode="json", exclude_defaults=True)

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

    def world(self, simulation: Simulation, switches: Mapping[str, bool], policy: Mapping[str, Any]) -> Cluster:
        """The cluster of one run, not yet booted."""
        return Cluster(self.scenario, simulation, switches, policy)


class Cluster:
    """The processes of one run."""

    def __init__(self, scenario: Scenario, simulation: Simulation, switches: Mapping[str, bool], policy: Mapping[str, Any]) -> None:
        self.scenario = scenario
        self.simulation = simulation
        on = frozenset(name for name in Switches.named(switches) if switches[name])
        self.switches = Switches(on, simulation.note)
        self.config = _config(scenario.config, policy, self.switches)

    def boot(self) -> None:
        """Write the tenants, then start everything; the replicas come up one after another."""
        simulation, chance = self.simulation, self.simulation.stream("workload")
        for org, tenant in sorted(self.scenario.tenants.items()):
            simulation.store.write(Put("tenant", org, tenant.model_dump(), None))
        simulation.start("kube", lambda process: kube.serve(kube.Kube(self.scenario.world)), "pods")
        for instance in self.scenario.instances():
            simulation.after(draw(simulation.stream("start"), (0, START_SPREAD_US)), partial(self._start, instance))
        sessions = self.scenario.sessions(chance)
        if sessions:
            client = simulation.start("client", lambda process: clients.use(sessions[0]), "session")
            for session in sessions[1:]:
                simulation.spawn(client, clients.use(session), "session")

    def _start(self, instance: str) -> None:
        def main(process: Process) -> Program:
            tenants = dict(self.scenario.tenants)
            return run_control_plane(ControlPlane(instance, process.incarnation, self.config, self.switches, tenants))

        self.simulation.start(instance, main, "control_plane")

    def ended(self, process: Process, why: str) -> None:
        """A replica that crashed comes back at once under a new identity; one that drained has its successor already."""
        if why == "crashed" and process.instance in self.scenario.instances():
            self.simulation.after(START_SPREAD_US, partial(self._start, process.instance))

    def resolve(self, target: str) -> str | None:
        """`leader` is the replica that holds the lease at this moment; everything else means itself."""
        if target != "leader":
            return target
        for row in self.simulation.store.rows("lease"):
            if row.key == LEASE and row["holder"] is not None:
                process = self.simulation.processes[row.text("holder")]
                return process.instance if process.alive else None
        return None

    def rollout(self, instance: str) -> None:
        """Start the successor, and ask the old process to stop."""
        old = self.simulation.instances[instance]
        self._start(instance)
        self.simulation.network.post(f"{old.incarnation}/process", Stop())


def _config(config: Config, policy: Mapping[str, Any], switches: Switches) -> Config:
    """The configuration in force: the scenario's, with the policy's values, spoiled by the switch that spoils it."""
    try:
        merged = Config.model_validate({**config.model_dump(), **policy})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"setting the policy {'.'.join(map(str, first['loc']))}: {first['msg']}; names are {', '.join(Config.model_fields)}"
        ) from None
    if switches.has(STUCK_BEFORE_BUDGET):
        switches.struck(STUCK_BEFORE_BUDGET, "config")
        return merged.model_copy(update={"spawn_stuck_us": STUCK_BEFORE_BUDGET_US})
    return merged
