"""What planted bugs have really done, looked at from outside once a second: for the truth file, never for an event.

A harm counts once it has lasted longer than the repaired system would let it last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reference_cluster.bugs import Bug, Lasting, Switches
from reference_cluster.records import Row
from reference_cluster.subsystems.placement.etcd import RECORDS_OUTLIVE_LEASE
from reference_cluster.subsystems.placement.instances import LIVING
from reference_cluster.subsystems.placement.planner import LOSER_GIVES_UP, PARTIAL_FIT_FORGOTTEN
from reference_cluster.subsystems.placement.runner import ENDED_BEFORE_STOPPED, HALF_CREATED_LEFT
from reference_cluster.subsystems.placement.runtime import NO_SELF_FENCE, Container, Runtime
from reference_cluster.subsystems.placement.scenario import Config
from reference_cluster.subsystems.placement.schedule import SCHEDULE, Picture, need_of
from reference_cluster.system import Host

LOOK_US = 1_000_000


@dataclass
class World:
    """Everything there is at a moment: the store's rows, and the containers of the runtimes that live."""

    picture: Picture
    records: list[Row]
    runtimes: list[Runtime]

    def running(self) -> Iterator[tuple[Runtime, Container]]:
        """Every container that there is, with its runtime."""
        return ((runtime, one) for runtime in self.runtimes for one in runtime.containers.values())


def twins(world: World) -> Iterator[str]:
    """Slots that run on two nodes."""
    nodes: dict[str, set[str]] = {}
    for runtime, one in world.running():
        if one.state == "running":
            nodes.setdefault(one.slot, set()).add(runtime.node)
    return (slot for slot, found in nodes.items() if len(found) > 1)


def half_created(world: World) -> Iterator[str]:
    """Containers that never ran and that no instance speaks of."""
    for _, one in world.running():
        row = world.picture.instances.get(one.instance)
        if one.state == "created" and (row is None or row["container"] != one.id):
            yield one.id


def without_row(world: World) -> Iterator[str]:
    """Containers that run for an instance that has ended."""
    for _, one in world.running():
        row = world.picture.instances.get(one.instance)
        if one.state == "running" and row is not None and row["state"] not in (*LIVING, "terminating"):
            yield one.id


def records_of_the_dead(world: World) -> Iterator[str]:
    """DNS records that lead to a node without a lease."""
    return (record.key for record in world.records if world.picture.nodes[record.text("node")]["state"] == "expired")


def held_by_the_dead(world: World) -> Iterator[str]:
    """Slots of nodes without a lease."""
    nodes = world.picture.nodes
    return (name for name, slot in world.picture.slots.items() if (node := nodes.get(str(slot["node"]))) and node["state"] == "expired")


def fitting(world: World) -> Iterator[str]:
    """Slots without a place that would fit somewhere."""
    free = world.picture.free()
    return (slot for slot in world.picture.unplaced() if any(room.fits(need_of(world.picture.slots[slot])) for room in free.values()))


def replaced_us(config: Config) -> int:
    """How long a node is silent before its slots are placed anew: its lease, and the grace."""
    return config.lease_ttl_us + config.replace_grace_us


def swept_us(config: Config) -> int:
    """How long a scheduler takes to see what is wrong and to stop it: a pass, and the stop."""
    return config.tick_us + config.stop_us


HARMS: tuple[tuple[Bug, Callable[[World], Iterator[str]], Callable[[Config], int]], ...] = (
    (HALF_CREATED_LEFT, half_created, lambda config: 2 * replaced_us(config)),
    (NO_SELF_FENCE, twins, swept_us),
    (RECORDS_OUTLIVE_LEASE, records_of_the_dead, lambda config: replaced_us(config) + 2 * swept_us(config)),
    (LOSER_GIVES_UP, held_by_the_dead, lambda config: replaced_us(config) + 2 * swept_us(config)),
    (PARTIAL_FIT_FORGOTTEN, fitting, replaced_us),
    (ENDED_BEFORE_STOPPED, without_row, lambda config: 2 * replaced_us(config)),
)
"""Each bug with what to look for, and how long it has to last under these timings."""


@dataclass
class Witness:
    """Looks again and again."""

    host: Host
    config: Config
    bugs: Switches
    runtimes: dict[str, Runtime]
    lasting: Lasting = field(default_factory=lambda: Lasting(LOOK_US))

    def look(self) -> None:
        """Look once, and again in a second."""
        self.host.after(LOOK_US, self.look)
        self.lasting.look()
        world = self._world()
        for bug, find, must_last_us in HARMS:
            if self.bugs.has(bug):
                for target in self.lasting.longer(must_last_us(self.config), bug.name, find(world)):
                    self.bugs.struck(bug, target)

    def _world(self) -> World:
        rows = {table: {row.key: row for row in self.host.rows(table)} for table in (SCHEDULE, "node", "instance", "job")}
        row = rows[SCHEDULE][SCHEDULE]
        slots = row["slots"]
        assert isinstance(slots, dict)
        picture = Picture(row, slots, rows["node"], rows["instance"], rows["job"])
        living = [runtime for name, runtime in sorted(self.runtimes.items()) if self.host.incarnation(name) is not None]
        return World(picture, self.host.rows("dns"), living)
