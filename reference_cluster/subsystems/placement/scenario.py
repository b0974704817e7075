"""A scenario of placement: nodes with their room, jobs that users submit and scale, requests, mishaps, elections.

The design note of Ozymandias was never built. It gives no time to live of a lease and no grace, so both are ours; they
are declared in the log by `placement.configured`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.events.placement import PlacementTimings
from reference_cluster.bugs import Switches
from reference_cluster.scenario import Duration, Part, Scenario, Span
from reference_cluster.subsystems.placement.jobs import Size
from reference_cluster.system import Host, System


class Config(Part):
    """What the schedulers run with."""

    lease_ttl_us: Duration = 15_000_000
    lease_refresh_us: Duration = 5_000_000
    lease_retry_us: Duration = 1_000_000
    """Wait between two tries where the store does not answer."""
    replace_grace_us: Duration = 15_000_000
    """How long the slots of an expired node are left alone."""
    fence_margin_us: Duration = 3_000_000
    """How long before the end of that grace a node's runtime must have begun to stop everything."""
    tick_us: Duration = 3_000_000
    stop_us: Duration = 2_000_000
    launch_timeout_us: Duration = 15_000_000
    call_timeout_us: Duration = 3_000_000
    """How long a scheduler waits for any other answer of its runtime."""
    victim_policy: Literal["unhealthy_first", "newest_first"] = "unhealthy_first"

    @property
    def fence_us(self) -> int:
        """Age of the last refresh at which the runtime stops everything."""
        return self.lease_ttl_us + self.replace_grace_us - self.fence_margin_us

    def timings(self) -> dict[str, int | str]:
        """What is declared in the log."""
        return {name: getattr(self, name) for name in PlacementTimings.model_fields}


class World(Part):
    """How long things take."""

    create: Span = (20_000, 100_000)
    launch: Span = (300_000, 2_000_000)
    warm_up_us: Duration = 1_000_000
    """From the launch until the health endpoint passes."""
    stop: Span = (100_000, 1_500_000)
    answer: Span = (1_000, 20_000)
    """How long an endpoint takes to answer."""
    compute: Span = (20_000, 150_000)
    """How long a scheduler computes."""
    restart: Span = (1_000_000, 2_000_000)
    """How long init takes to start a scheduler again."""
    reboot: Span = (40_000_000, 60_000_000)
    """How long a machine takes to come up again after its runtime died."""


class NodeSize(Part):
    """A node's room for instances."""

    memory: Size = 8 * 1024
    disk: Size = 40 * 1024


class Submission(Part):
    """A job file that a user submits."""

    file: str
    at: Span
    on: str | None = None
    """The node that is asked; any where null."""


class Scale(Part):
    """A user wants other numbers of instances, one after another."""

    job: str
    at: Span
    to: tuple[int, ...]
    every: Span = (0, 0)
    """Time between two of them."""
    on: str | None = None


class Requests(Part):
    """Requests from outside."""

    host: str
    at: Span
    count: int = 1
    every: Span = (1_000_000, 2_000_000)


class MishapPlan(Part):
    """Something that happens to a running instance of a job."""

    job: str
    what: Literal["exits", "sickens"]
    at: Span
    exit_code: int = 1
    lasts: Span = (0, 0)
    """How long it is sick."""


class ElectionPlan(Part):
    """The store loses its leader; the faults say what it does not answer meanwhile."""

    at: Span
    lasts: Span


class PlacementScenario(Scenario, system="placement"):
    """Schedulers that pack jobs onto nodes. The design note behind it was never built."""

    control_planes: ClassVar[str] = "node-*"

    config: Config = Config()
    world: World = World()
    nodes: dict[str, NodeSize]
    submissions: tuple[Submission, ...] = ()
    scales: tuple[Scale, ...] = ()
    requests: tuple[Requests, ...] = ()
    mishaps: tuple[MishapPlan, ...] = ()
    elections: tuple[ElectionPlan, ...] = ()

    def build(self, host: Host, switches: Switches) -> System:
        """The nodes with their runtimes, the store's own part, the users."""
        from reference_cluster.subsystems.placement.system import Placement

        return Placement(self, host, switches)
