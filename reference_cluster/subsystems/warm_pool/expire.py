"""Marking control planes as gone: by silence, and, where a bound is set, by a drain that takes too long."""

from __future__ import annotations

from ingest.events.base import Ref
from ingest.events.control_loop import ControlPlaneExpired
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Conflict, List, Said, StoreDown
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.control_plane import CONTROL_PLANE, ControlPlane
from reference_cluster.subsystems.warm_pool.rows import ACTIVE

DRAIN_UNBOUNDED = Bug(
    name="drain_unbounded",
    catalogue_id="DG-11",
    subsystem="warm_pool",
    scenario="drain_stuck",
    detectors=("control_loop/drain_never_ends",),
    story="A draining control plane is never expired while it heartbeats, so that its workers are out of reach of every sweep.",
)


async def expire_silent(cp: ControlPlane, row: Row) -> str:
    """Expire a control plane whose last heartbeat is too old."""
    if row.age_us("heartbeat_us") < cp.config.control_plane_expiry_us:
        return "kept"
    return await _expire(cp, row, "heartbeat_us", "silent")


async def expire_overdue(cp: ControlPlane, row: Row) -> str:
    """Expire a control plane that has been draining for longer than the bound, though it heartbeats."""
    bound_us = cp.config.drain_bound_us
    age_us = row.age_us("drain_started_us")
    if bound_us == 0 or age_us < bound_us:
        return "kept"
    if cp.bugs.has(DRAIN_UNBOUNDED):
        await _note_overdue(cp, row, age_us)
        return "kept"
    return await _expire(cp, row, "drain_started_us", "drain_overdue")


async def _expire(cp: ControlPlane, row: Row, basis: str, reason: str) -> str:
    state = CONTROL_PLANE.target(row.key, row.text("state"), "expire")
    expired = ControlPlaneExpired(age_us=row.age_us(basis), age_basis=basis)
    said = Said(expired, row.key, refs=(Ref(role="by", kind="control_plane", id=cp.id),), reason=reason, inputs=(row.seen(),))
    put = Put("control_plane", row.key, {"state": state, "expired_us": STORE_NOW}, {"version": row.version})
    result = await Commit((put,), (said,), "control_plane.expire")
    if isinstance(result, Committed):
        return "acted"
    return "missed" if isinstance(result, Conflict) else "failed"


async def _note_overdue(cp: ControlPlane, row: Row, age_us: int) -> None:
    """Note in the truth file a drain that is well past its bound and still holds workers."""
    try:
        workers = await List("worker", {"owner": row.key, "state": ACTIVE})
    except StoreDown:
        return
    if workers and age_us > cp.config.drain_bound_us + 5 * cp.config.tick_us:
        cp.bugs.struck(DRAIN_UNBOUNDED, row.key)
