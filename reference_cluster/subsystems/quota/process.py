"""A controller's process: its identity, its memory, and its caches of the store, each as old as its watch.

A cache lists once and then follows a watch. A watch that breaks is begun again with a list, so that what was deleted
meanwhile goes. A decision from a cache says so, with the version that it read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from ingest.events.base import Decision, Input
from ingest.events.control_loop import ControlPlaneHeartbeated, ControlPlaneStarted
from reference_cluster.bugs import Switches
from reference_cluster.effects import Commit, Committed, Emit, List, Program, Said, Sleep, Start, StoreDown, Watch
from reference_cluster.records import STORE_NOW, Change, Put, Row
from reference_cluster.subsystems.quota.configuration import Config
from reference_cluster.subsystems.quota.queue import Queue


@dataclass
class Cache:
    """The rows of a table as far as they have reached this process."""

    table: str
    rows: dict[str, Row] = field(default_factory=dict)
    after: int = 0
    """Revision up to which it has followed."""

    def list(self, **where: object) -> list[Row]:
        """The rows whose fields are as given, in order of key."""
        found = list(self.rows.values())
        for name, want in where.items():
            found = [row for row in found if row.fields.get(name) == want]
        return sorted(found, key=attrgetter("key"))

    def begin(self, rows: Iterable[Row]) -> None:
        """Take the place of everything that was known."""
        self.rows = {row.key: row for row in rows}
        self.after = max((row.revision for row in self.rows.values()), default=0)

    def take(self, changes: Iterable[Change]) -> None:
        """Follow changes in order."""
        for change in changes:
            self.after = max(self.after, change.revision)
            if change.row is None:
                self.rows.pop(change.key, None)
            else:
                self.rows[change.key] = change.row


def seen(row: Row, source: str) -> Input:
    """A reading as an input of a decision."""
    return row.seen() if source == "store" else Input(source="cache", kind=row.table, id=row.key, version=row.version)


@dataclass
class Controller:
    """The memory that the programs of one process share."""

    instance: str
    id: str
    config: Config
    bugs: Switches
    caches: dict[str, Cache]
    queue: Queue = field(default_factory=Queue)
    leading: bool = False
    term: int = 0
    minted: int = 0
    left: dict[str, int] = field(default_factory=dict)
    """For the truth file: how often repair has left a reservation that nothing needs."""

    def mint(self, prefix: str) -> str:
        """A new name, unique in the run."""
        self.minted += 1
        return f"{prefix}-{self.id.rpartition('-')[2]}-{self.minted}"

    def said(self, decision: Decision, *, reason: str | None = None, outcome: str | None = None) -> Said:
        """An event about this process itself."""
        return Said(decision, self.id, reason=reason, outcome=outcome, epoch=self.term or None)


async def listed(table: str, where: Mapping[str, object]) -> list[Row]:
    """Rows for the truth file: none where the store does not answer. Decides nothing."""
    try:
        return await List(table, where, label="truth")
    except StoreDown:
        return []


Room = tuple[str, Callable[[Controller], Program]]
"""A component of a process, and its program."""


async def run_process(me: Controller, rooms: tuple[Room, ...]) -> None:
    """Register the process, say its configuration, fill its caches, then run its programs."""
    row = {"instance": me.instance, "started_us": STORE_NOW}
    started = me.said(ControlPlaneStarted(instance=me.instance))
    while not isinstance(await Commit((Put("control_plane", me.id, row, None),), (started,), "control_plane.start"), Committed):
        await Sleep(me.config.relist_us)
    await Emit((me.said(me.config.declared()),))
    await Start(_heartbeat(me), "controller")
    for cache in me.caches.values():
        await Start(_follow(me, cache), "cache")
    for component, program in rooms:
        await Start(program(me), component)


async def _heartbeat(me: Controller) -> None:
    """Say that the process is alive, by a commit: what it says between two of them is placed by the store's clock."""
    while True:
        await Sleep(me.config.heartbeat_us)
        beat = Put("control_plane", me.id, {"heartbeat_us": STORE_NOW}, {})
        await Commit((beat,), (me.said(ControlPlaneHeartbeated()),), "control_plane.heartbeat")


async def _follow(me: Controller, cache: Cache) -> None:
    broken = True
    while True:
        try:
            if broken:
                cache.begin(await List(cache.table, label=f"{cache.table}.relist"))
                broken = False
            cache.take(await Watch(cache.table, cache.after))
        except StoreDown:
            broken = True
            await Sleep(me.config.relist_us)
