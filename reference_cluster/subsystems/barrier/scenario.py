"""A scenario of the barrier: the units, the tests that an operator starts, what Juju does, how long things take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from ingest.events.barrier import BarrierBounds
from reference_cluster.bugs import Switches
from reference_cluster.scenario import Duration, Part, Scenario, Span
from reference_cluster.system import Host, System


class Config(Part):
    """What the charm runs with. The bounds are those of `ingest.events.barrier.BarrierBounds`; upstream has none (seed document 003)."""

    ready_bound_us: Duration = 60_000_000
    release_bound_us: Duration = 5_000_000
    run_bound_us: Duration = 120_000_000
    skew_tolerance_us: Duration = 1_000_000
    settle_bound_us: Duration = 25_000_000
    tick_us: Duration = 10_000_000
    leader_lease_us: Duration = 15_000_000
    hook_retry_us: Duration = 30_000_000
    api_timeout_us: Duration = 300_000
    """How long the leader waits for the answer of an endpoint."""
    release_retry_us: Duration = 150_000
    """Wait between two tries to release a member."""
    pebble_timeout_us: Duration = 5_000_000
    """How long the charm waits for Pebble."""

    def bounds(self) -> dict[str, int]:
        """The bounds that are declared in the log."""
        return {name: getattr(self, name) for name in BarrierBounds.model_fields}


class World(Part):
    """How long the world takes."""

    start: Span = (1_000_000, 4_000_000)
    """From the start of k6 until it answers."""
    slow: Mapping[str, Span] = {}
    """The same for single units."""
    run: Span = (20_000_000, 30_000_000)
    """How long a member's part of a test runs."""
    hook: Span = (20_000, 120_000)
    """How long a hook takes, beside what it waits for."""
    delivery: Span = (300_000, 1_500_000)
    """How long Juju takes to tell a unit of a change."""
    repeated: float = 0.1
    """Share of the changes that are told twice."""
    away: Span = (20_000_000, 30_000_000)
    """How long a pod that was killed stays away."""


class Test(Part):
    """A start action, and perhaps a stop action after it: an external input."""

    at: Span
    script: str = "browse.js"
    """The test to be run; empty where none is given."""
    on: str = "leader"
    """The unit that is asked."""
    stop_after: Span | None = None
    """When the operator stops it; never where null."""


class LeaderChange(Part):
    """Juju moves the leadership, with nothing wrong about the unit that has it."""

    when: Literal["at", "all_ready"] = "at"
    """`all_ready`: at the moment at which the last member of the first barrier is ready, to that member."""
    at: Span = (0, 0)
    to: str | None = None
    """The new leader; the next unit in order where null."""


class Scaling(Part):
    """Somebody adds a unit, or takes one away."""

    at: Span
    unit: str


class BarrierScenario(Scenario, system="barrier"):
    """Units of the k6 charm, and an operator who starts tests on them."""

    control_planes: ClassVar[str] = "k6-*"

    units: int = 4
    config: Config = Config()
    world: World = World()
    tests: tuple[Test, ...] = ()
    leader_changes: tuple[LeaderChange, ...] = ()
    joins: tuple[Scaling, ...] = ()
    leaves: tuple[Scaling, ...] = ()

    def build(self, host: Host, switches: Switches) -> System:
        """The units, Juju and the operator."""
        from reference_cluster.subsystems.barrier.system import Barrier

        return Barrier(self, host, switches)

    def instances(self) -> list[str]:
        """Names of the units that are there from the beginning."""
        return [f"k6-{number}" for number in range(self.units)]
