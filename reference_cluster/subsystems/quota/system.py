"""The system of a quota scenario: which processes there are, what runs in each, and what is asked of them when."""

from __future__ import annotations

from functools import partial

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.scenario import draw
from reference_cluster.subsystems.quota.admission import run_admission
from reference_cluster.subsystems.quota.autoscaler import run_autoscaler
from reference_cluster.subsystems.quota.fleet import run_nodes, run_replicas
from reference_cluster.subsystems.quota.leader import LEASE, run_elector
from reference_cluster.subsystems.quota.process import Cache, Controller, Room, run_process
from reference_cluster.subsystems.quota.quotas import run_quotas
from reference_cluster.subsystems.quota.repair import run_repair
from reference_cluster.subsystems.quota.rollout import run_rollout, run_status
from reference_cluster.subsystems.quota.scenario import QuotaScenario
from reference_cluster.subsystems.quota.scheduler import run_scheduler
from reference_cluster.system import Host, System

SCHEDULER: tuple[Room, ...] = (("elector", run_elector), ("scheduler", run_scheduler))
START_SPREAD_US = 200_000
CACHES = {
    "scheduler": ("quota", "node", "replica", "reservation"),
    "workloads": ("workload", "replica", "status"),
    "fleet": ("node", "replica"),
}
"""The tables that each sort of process follows; the others read the store."""


class QuotaSystem(System):
    """The processes of one run."""

    def __init__(self, scenario: QuotaScenario, host: Host, switches: Switches) -> None:
        super().__init__(host)
        self.scenario = scenario
        self.switches = switches
        self.rooms: dict[str, tuple[Room, ...]] = {
            "quotas-1": (("quotas", partial(run_quotas, scenario.quotas)),),
            "fleet": (("nodes", partial(run_nodes, scenario.nodes, scenario.world)), ("replicas", partial(run_replicas, scenario.world))),
            "workloads-1": (
                ("admission", partial(run_admission, scenario.workloads, scenario.policies)),
                ("status", run_status),
                ("rollout", run_rollout),
            ),
            **{f"scheduler-{number + 1}": SCHEDULER for number in range(scenario.schedulers)},
            "autoscaler-1": (("autoscaler", run_autoscaler),),
            "repair-1": (("repair", run_repair),),
        }

    def boot(self) -> None:
        """Start the processes one after another, and plan what is asked of them."""
        for instance in self.rooms:
            self.host.after(draw(self.host.stream("start"), (0, START_SPREAD_US)), partial(self._start, instance))
        script = self.host.stream("script")
        for step in self.scenario.steps:
            self.host.after(draw(script, step.at), partial(self.host.post, *step.asks()))

    def _start(self, instance: str) -> None:
        def main(incarnation: str) -> Program:
            caches = {table: Cache(table) for table in CACHES.get(instance.partition("-")[0], ())}
            me = Controller(instance, incarnation, self.scenario.config, self.switches, caches)
            return run_process(me, self.rooms[instance])

        self.host.start(instance, "controller", main)

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: ARG002  # any process comes back in the same way
        """A process that crashed comes back under a new identity."""
        if why == "crashed":
            self.host.after(self.scenario.config.restart_us, partial(self._start, instance))

    def resolve(self, target: str) -> str | None:
        """`leader` is the scheduler that holds the lease at this moment; everything else means itself."""
        if target != "leader":
            return target
        for row in self.host.rows("lease"):
            if row.key == LEASE:
                return self.host.instance(row.text("holder"))
        return None
