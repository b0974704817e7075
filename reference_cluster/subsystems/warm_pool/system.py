"""The warm-pool cluster of a scenario: control planes, the cluster that runs pods, the clients."""

from __future__ import annotations

from functools import partial

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.records import Put
from reference_cluster.scenario import draw
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.election import LEASE
from reference_cluster.subsystems.warm_pool import clients, kube
from reference_cluster.subsystems.warm_pool.janitor import STUCK_BEFORE_BUDGET, STUCK_BEFORE_BUDGET_US
from reference_cluster.subsystems.warm_pool.messages import Stop
from reference_cluster.subsystems.warm_pool.programs import run_control_plane
from reference_cluster.subsystems.warm_pool.scenario import WarmPoolScenario
from reference_cluster.system import Host, System

START_SPREAD_US = 2_000_000


class WarmPool(System):
    """The processes of one run."""

    def __init__(self, scenario: WarmPoolScenario, host: Host, switches: Switches) -> None:
        super().__init__(host)
        self.scenario = scenario
        self.switches = switches
        self.config = scenario.config
        if switches.has(STUCK_BEFORE_BUDGET):
            switches.struck(STUCK_BEFORE_BUDGET, "config")
            self.config = self.config.model_copy(update={"spawn_stuck_us": STUCK_BEFORE_BUDGET_US})

    def boot(self) -> None:
        """Write the tenants, then start everything; the replicas come up one after another."""
        host = self.host
        for org, tenant in sorted(self.scenario.tenants.items()):
            host.write(Put("tenant", org, tenant.model_dump(), None))
        host.start("kube", "pods", lambda incarnation: kube.serve(kube.Kube(self.scenario.world)))
        for instance in self.scenario.instances():
            host.after(draw(host.stream("start"), (0, START_SPREAD_US)), partial(self._start, instance))
        sessions = self.scenario.sessions(host.stream("workload"))
        if sessions:
            client = host.start("client", "session", lambda incarnation: clients.use(sessions[0]))
            for session in sessions[1:]:
                host.spawn(client, "session", clients.use(session))

    def _start(self, instance: str) -> None:
        def main(incarnation: str) -> Program:
            return run_control_plane(ControlPlane(instance, incarnation, self.config, self.switches, dict(self.scenario.tenants)))

        self.host.start(instance, "control_plane", main)

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: ARG002  # any replica comes back in the same way
        """A replica that crashed comes back at once under a new identity; one that drained has its successor already."""
        if why == "crashed" and instance in self.scenario.instances():
            self.host.after(START_SPREAD_US, partial(self._start, instance))

    def resolve(self, target: str) -> str | None:
        """`leader` is the replica that holds the lease at this moment; everything else means itself."""
        if target != "leader":
            return target
        for row in self.host.rows("lease"):
            if row.key == LEASE and row["holder"] is not None:
                return self.host.instance(row.text("holder"))
        return None

    def rollout(self, instance: str) -> None:
        """Start the successor, and ask the old process to stop."""
        old = self.host.incarnation(instance)
        self._start(instance)
        if old is not None:
            self.host.post(f"{old}/process", Stop())
