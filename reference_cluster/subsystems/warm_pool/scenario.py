"""A scenario of the warm pool: tenants with their limits, the sessions that they open, how long the world takes."""

from __future__ import annotations

from reference_cluster.bugs import Switches
from reference_cluster.scenario import Chance, Duration, Part, Scenario, Span, draw
from reference_cluster.subsystems.configuration import Config, Tenant
from reference_cluster.system import Host, System


class Arrivals(Part):
    """Sessions that a tenant opens."""

    org: str
    at: Span
    """When the first one comes."""
    count: int = 1
    every: Span = (0, 0)
    """Time between two of them."""
    hold: Span
    """How long a session is kept open."""
    patience: Duration = 120_000_000
    """How long the client waits for its worker."""
    on: str | None = None
    """The replica that is asked; any where null."""


class Session(Part):
    """One session that a client will open: an external input."""

    id: str
    org: str
    at_us: int
    hold_us: int
    patience_us: int
    on: str


class World(Part):
    """How long the world outside takes."""

    pod_ready: Span = (2_000_000, 8_000_000)
    pod_gone: Span = (500_000, 3_000_000)
    activation: Span = (300_000, 1_500_000)


class WarmPoolScenario(Scenario, system="warm_pool"):
    """Control planes that share a pool of workers. What is not said has the default of duckgres (seed document 004)."""

    replicas: int = 3
    config: Config = Config()
    tenants: dict[str, Tenant]
    arrivals: tuple[Arrivals, ...] = ()
    world: World = World()

    def build(self, host: Host, switches: Switches) -> System:
        """The control planes, the cluster that runs pods, and the clients."""
        from reference_cluster.subsystems.warm_pool.system import WarmPool

        return WarmPool(self, host, switches)

    def instances(self) -> list[str]:
        """Names of the control-plane replicas."""
        return [f"cp-{number + 1}" for number in range(self.replicas)]

    def sessions(self, chance: Chance) -> list[Session]:
        """The sessions of this run, in order of time, drawn from `chance`."""
        made: list[tuple[int, Arrivals, int, str]] = []
        for arrivals in self.arrivals:
            at_us = draw(chance, arrivals.at)
            for _ in range(arrivals.count):
                made.append(
                    (at_us, arrivals, draw(chance, arrivals.hold), arrivals.on or self.instances()[draw(chance, (0, self.replicas - 1))])
                )
                at_us += draw(chance, arrivals.every)
        made.sort(key=lambda item: item[0])
        return [
            Session(id=f"s-{number + 1}", org=arrivals.org, at_us=at_us, hold_us=hold_us, patience_us=arrivals.patience, on=on)
            for number, (at_us, arrivals, hold_us, on) in enumerate(made)
        ]
