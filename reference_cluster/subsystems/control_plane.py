"""A control-plane process: its identity, its memory, its life from registration to the end of its drain.

The identity is minted at every process start, so each rollout leaves the rows of the previous process behind (duckgres
pull 820). Age is judged by the store's clock: a row's `updated_us` is the last heartbeat.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Decision, Ref
from ingest.events.control_loop import (
    ConfigDeclared,
    ControlPlaneDrainStarted,
    ControlPlaneHeartbeated,
    ControlPlaneHeartbeatFailed,
    ControlPlaneRevived,
    ControlPlaneStarted,
    ControlPlaneStopped,
)
from reference_cluster.bugs import Switches
from reference_cluster.effects import Commit, Committed, Emit, Read, Said, Sleep, StoreDown, Watch
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.configuration import Config, Tenant

CONTROL_PLANE = Lifecycle(
    "control_plane",
    {
        "active": {"heartbeat": "active", "drain": "draining", "expire": "expired"},
        "draining": {"heartbeat": "draining", "expire": "expired"},
        "expired": {"heartbeat": "active"},
    },
)


@dataclass
class Held:
    """A worker as its owner remembers it: the row at the epoch it owns, and what it serves."""

    row: Row
    state: str
    session: str | None = None
    settled: bool = True
    """False while nobody knows whether the last write to the row was committed."""
    probes_failed: int = 0
    refreshed_us: int = 0


@dataclass
class ControlPlane:
    """The memory that the programs of one process share."""

    instance: str
    id: str
    config: Config
    bugs: Switches
    tenants: dict[str, Tenant] = field(default_factory=dict)
    leading: bool = False
    term: int = 0
    elector_ended_us: int | None = None
    ticked_us: int = 0
    draining: bool = False
    stopping: bool = False
    acquiring: int = 0
    workers: dict[str, Held] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    """Open sessions of this process, each with its worker."""
    canceled: set[str] = field(default_factory=set)
    minted: int = 0

    def mint(self) -> str:
        """A new worker id, unique in the run."""
        self.minted += 1
        return f"w-{self.id.removeprefix('cp-')}-{self.minted}"

    def said(self, decision: Decision, *, reason: str | None = None, outcome: str | None = None) -> Said:
        """An event about this control plane itself."""
        return Said(decision, self.id, reason=reason, outcome=outcome)

    def ref(self, role: str = "control_plane") -> Ref:
        """This control plane as another object of an event."""
        return Ref(role=role, kind="control_plane", id=self.id)


async def register(cp: ControlPlane) -> None:
    """Make the row of this process and declare the configuration. Tries until the store answers."""
    row = {"instance": cp.instance, "state": "active", "heartbeat_us": STORE_NOW, "drain_started_us": 0, "expired_us": 0}
    started = cp.said(ControlPlaneStarted(instance=cp.instance))
    while not isinstance(await Commit((Put("control_plane", cp.id, row, None),), (started,), "control_plane.start"), Committed):
        await Sleep(cp.config.heartbeat_us)
    await Emit((cp.said(ConfigDeclared(version=1, **cp.config.timings())),))


async def heartbeat(cp: ControlPlane) -> None:
    """Write a heartbeat at every interval for as long as the process lives; a row marked as expired is revived."""
    state = "active"
    while not cp.stopping:
        await Sleep(cp.config.heartbeat_us)
        wanted = CONTROL_PLANE.target(cp.id, "draining" if cp.draining else "active", "heartbeat")
        writes = (Put("control_plane", cp.id, {"heartbeat_us": STORE_NOW}, {"state": wanted}),)
        result = await Commit(writes, (cp.said(ControlPlaneHeartbeated()),), "control_plane.heartbeat")
        if isinstance(result, Committed):
            continue
        await Emit((cp.said(ControlPlaneHeartbeatFailed(), reason=type(result).__name__.lower()),))
        try:
            row = await Read("control_plane", cp.id)
        except StoreDown:
            continue
        if row is not None and row.text("state") == "expired":
            if cp.draining:
                cp.stopping = True
                return
            state = CONTROL_PLANE.target(cp.id, "expired", "heartbeat")
            revive = (Put("control_plane", cp.id, {"state": state, "heartbeat_us": STORE_NOW}, {"state": "expired"}),)
            await Commit(revive, (cp.said(ControlPlaneRevived()),), "control_plane.revive")


async def begin_drain(cp: ControlPlane) -> None:
    """Take no more work from here on."""
    cp.draining = True
    started = cp.said(ControlPlaneDrainStarted(sessions=len(cp.sessions), bound_us=cp.config.drain_bound_us))
    changes = {"state": CONTROL_PLANE.target(cp.id, "active", "drain"), "drain_started_us": STORE_NOW}
    while not isinstance(await Commit((Put("control_plane", cp.id, changes, {}),), (started,), "control_plane.drain"), Committed):
        await Sleep(cp.config.heartbeat_us)


async def say_stopped(cp: ControlPlane, reason: str) -> None:
    """The last word of a process. The row stays as it is, until somebody expires it."""
    cp.stopping = True
    await Emit((cp.said(ControlPlaneStopped(), reason=reason, outcome="observed"),))


async def follow_tenants(cp: ControlPlane) -> None:
    """Keep the picture of the tenants' limits up to date from a watch of the store."""
    after = 0
    while True:
        try:
            changes = await Watch("tenant", after)
        except StoreDown:
            await Sleep(cp.config.heartbeat_us)
            continue
        for change in changes:
            after = max(after, change.revision)
            if change.row is not None:
                cp.tenants[change.key] = Tenant.model_validate(dict(change.row.fields))
