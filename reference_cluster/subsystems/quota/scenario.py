"""A scenario of the quota family: tenants with quotas, nodes, workloads, policies, and a script of what is asked of them."""

from __future__ import annotations

from typing import ClassVar, Literal, assert_never

from reference_cluster.bugs import Switches
from reference_cluster.scenario import Part, Scenario, Span
from reference_cluster.subsystems.quota.configuration import Config
from reference_cluster.subsystems.quota.messages import Admit, ApplyPolicy, Retire, SetHealth, SetQuota
from reference_cluster.system import Host, System
from reference_cluster.wire import Message


class Node(Part):
    """A node that there is from the beginning."""

    zone: str
    pool: str = "base"
    """Its label: workloads ask for a pool."""
    slots: int = 4
    taint: str | None = None
    """Only workloads that tolerate the taint run on it."""


class Workload(Part):
    """What a tenant may ask for."""

    tenant: str
    role: Literal["service", "recovery"] = "service"
    priority: int = 0
    zone: str
    tolerates: str | None = None
    """The taint that it can live with."""
    first_replica: int = 1
    """Number of its first replica."""


class Policy(Part):
    """A revision of the admission policy: what it writes into what it admits."""

    pool: str = "base"


class Step(Part):
    """Something that is asked of the controllers, at a time that the seed draws."""

    at: Span
    do: Literal["admit", "retire", "policy", "quota", "health"]
    workload: str = ""
    generation: int = 1
    replicas: int = 1
    revision: int = 0
    quota: str = ""
    slots: int = 0
    node: str = ""
    healthy: bool = True

    def asks(self) -> tuple[str, Message]:
        """Whom it is asked of, and how."""
        match self.do:
            case "admit":
                return "workloads-1/admission", Admit(workload=self.workload, generation=self.generation, replicas=self.replicas)
            case "retire":
                return "workloads-1/admission", Retire(workload=self.workload)
            case "policy":
                return "workloads-1/admission", ApplyPolicy(revision=self.revision)
            case "quota":
                return "quotas-1/quotas", SetQuota(quota=self.quota, slots=self.slots)
            case "health":
                return "fleet/nodes", SetHealth(node=self.node, healthy=self.healthy)
            case other:
                assert_never(other)


class World(Part):
    """How long the world outside takes."""

    replica_start: Span = (300_000, 1_200_000)
    node_boot: Span = (2_000_000, 4_000_000)


class QuotaScenario(Scenario, system="quota"):
    """A pair of schedulers, of which one leads, and the controllers around them."""

    control_planes: ClassVar[str] = "scheduler-*"

    schedulers: int = 2
    config: Config = Config()
    quotas: dict[str, int]
    """Slots by quota; a quota is named `tenant.zone`."""
    nodes: dict[str, Node]
    workloads: dict[str, Workload]
    policies: dict[int, Policy]
    """What each revision says. The highest is in force at the beginning."""
    steps: tuple[Step, ...] = ()
    world: World = World()

    def build(self, host: Host, switches: Switches) -> System:
        """The schedulers, the controllers of workloads, quotas and capacity, repair, and the nodes."""
        from reference_cluster.subsystems.quota.system import QuotaSystem

        return QuotaSystem(self, host, switches)
