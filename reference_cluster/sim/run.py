"""A simulation run: a scenario, a seed, switches, a policy and a fault plan go in; lines, truth and a digest come out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.events.recording import RecordingStarted
from reference_cluster.sim import fault_table
from reference_cluster.sim.fault_table import Fault, Means
from reference_cluster.sim.faults import Faults
from reference_cluster.sim.journal import Journal, Sink
from reference_cluster.sim.kernel import Kernel, Process, Truth
from reference_cluster.sim.network import Network
from reference_cluster.sim.store import Store
from reference_cluster.sim.wire_report import WireReport

REPLAYER = "reference_cluster"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long things take, each as least and most microseconds."""

    store_us: tuple[int, int] = (500, 1_500)
    """One way to the store or back."""
    network_us: tuple[int, int] = (1_000, 2_000)
    """One way between two processes."""
    watch_us: tuple[int, int] = (5_000, 50_000)
    """From a commit to its delivery by a watch."""


class Simulation(Kernel):
    """The kernel with its store, its network and its journal: what a scenario builds its world in."""

    def __init__(
        self, seed: int, *, run_id: str = "run", sink: Sink | None = None, latency: Latency = Latency(), journal: bool = False
    ) -> None:
        super().__init__(seed)
        self.lines: list[bytes] = []
        self.journal = Journal(self, run_id, sink or self.lines.append, journal)
        self.store = Store(self, self.journal, latency.store_us, latency.watch_us)
        self.network = Network(self, latency.network_us)


class World(fault_table.World, Protocol):
    """The processes of a scenario. Made for one run."""

    def boot(self) -> None:
        """Write the initial objects and start the processes."""

    def ended(self, process: Process, why: str) -> None:
        """A process crashed or exited; a world may start another."""


class Scenario(Protocol):
    """What the runner has to know of a scenario."""

    @property
    def name(self) -> str: ...

    @property
    def document(self) -> dict[str, Any]:
        """The whole scenario as plain JSON."""

    @property
    def duration_us(self) -> int: ...

    @property
    def latency(self) -> Latency: ...

    def plan(self, chance: random.Random) -> list[Fault]:
        """The fault plan, every choice made by `chance`."""

    def world(self, simulation: Simulation, switches: Mapping[str, bool], policy: Mapping[str, Any]) -> World:
        """The world of one run, not yet booted."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulation gave."""

    run_id: str
    seed: int
    faults: list[Fault]
    """The plan, every chosen time written out."""
    lines: list[bytes]
    """The event file, each line with its line end; empty where the lines went to a sink."""
    truth: list[Truth]
    digest: str
    """SHA-256 of the decision events without their run_id."""
    trail: list[str]
    events: int
    effects: int
    horizon_us: int


def simulate(
    scenario: Scenario,
    seed: int,
    *,
    switches: Mapping[str, bool] | None = None,
    policy: Mapping[str, Any] | None = None,
    faults: Sequence[Fault | dict[str, Any]] | None = None,
    run_id: str | None = None,
    journal: bool = False,
    sink: Callable[[bytes], object] | None = None,
    versions: Mapping[str, str] | None = None,
    wire: WireReport | None = None,
) -> Run:
    """Run a scenario to its end.

    `faults` replaces the scenario's own plan; `journal` records the effects too; `sink` takes each line as it is written
    (`file.write`), else they are kept; `wire` notes which fields of the messages are sent and read. Raises ProgramFailed
    where a program of ours failed, UsageError on an unknown fault.
    """
    switches, policy, run_id = dict(switches or {}), dict(policy or {}), run_id or f"{scenario.name}-{seed}"
    simulation = Simulation(seed, run_id=run_id, sink=sink, latency=scenario.latency, journal=journal)
    if wire is not None:
        wire.attach(simulation.network)
    if faults is None:
        plan = scenario.plan(simulation.stream("faults"))
    else:
        plan = [fault if isinstance(fault, Fault) else Fault.model_validate(fault) for fault in faults]
    world = scenario.world(simulation, switches, policy)
    simulation.process_ended.append(world.ended)
    faulty = Faults(Means(simulation, simulation.store, simulation.network, world), plan)
    simulation.journal.head(
        RecordingStarted(
            replayer=REPLAYER,
            scenario=scenario.document,
            random_seed=seed,
            switches=switches,
            policy=policy,
            faults=[fault.model_dump(exclude_defaults=True) for fault in plan],
            versions=dict(versions or {}),
        )
    )
    try:
        world.boot()
        simulation.run(scenario.duration_us)
        faulty.end()
        simulation.journal.end()
    finally:
        simulation.close()
    recorded = simulation.journal
    return Run(
        run_id=run_id,
        seed=seed,
        faults=plan,
        lines=simulation.lines,
        truth=simulation.truth,
        digest=recorded.digest,
        trail=recorded.trail,
        events=recorded.events,
        effects=simulation.effects_asked,
        horizon_us=simulation.now_us,
    )
