"""The memory that the programs of one scheduler process share."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Decision, Input, Ref
from reference_cluster.bugs import Switches
from reference_cluster.effects import Said
from reference_cluster.subsystems.placement.packing import Room
from reference_cluster.subsystems.placement.scenario import Config, World


@dataclass
class Scheduler:
    """One scheduler process of a node."""

    node: str
    id: str
    room: Room
    config: Config
    world: World
    bugs: Switches
    term: int = 0
    """Number of the lease that this process holds."""
    busy: set[str] = field(default_factory=set)
    """Instances that a program is starting or ending."""
    checked: set[str] = field(default_factory=set)
    """Containers whose health a program watches."""
    sick: set[str] = field(default_factory=set)
    """Instances that are to be started again, because their checks failed."""
    given_up: set[str] = field(default_factory=set)
    """Triggers that this scheduler does not compute for any more (a planted bug)."""

    @property
    def runtime(self) -> str:
        """The process of the node's container runtime."""
        return runtime_of(self.node)

    def said(self, decision: Decision, *, reason: str | None = None, outcome: str | None = None, inputs: tuple[Input, ...] = ()) -> Said:
        """An event about this node."""
        return Said(decision, self.node, reason=reason, outcome=outcome, inputs=inputs, epoch=self.term or None)

    def ref(self, role: str = "node") -> Ref:
        """This node as another object of an event."""
        return Ref(role=role, kind="node", id=self.node)


def runtime_of(node: str) -> str:
    """Name of the runtime of a node: podman-1 for node-1."""
    return f"podman-{node.removeprefix('node-')}"


def lease_of(node: str) -> str:
    """Name of a node's lease."""
    return f"lease.{node}"
