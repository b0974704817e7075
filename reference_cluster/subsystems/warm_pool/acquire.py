"""A session gets a worker: reuse, claim a parked one, or spawn under the tenant's cap.

Counting and taking are one decision, so they happen under the tenant's advisory lock. A claim counts the active rows
that are not parked; a spawn counts the parked ones that would fit as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.events.base import Decision, Ref
from ingest.events.warm_pool import (
    AcquireCanceled,
    AcquireCapacityRefused,
    AcquireClaimHit,
    AcquireClaimMissed,
    AcquireFailed,
    AcquireGateEntered,
    AcquireQueued,
    AcquireSucceeded,
    SessionPreclaimed,
    WorkerClaimed,
    WorkerSlotCreated,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Emit, List, Lock, Now, Said, Sleep, StoreDown, Unlock
from reference_cluster.records import Put, Row
from reference_cluster.subsystems.control_plane import ControlPlane, Held
from reference_cluster.subsystems.warm_pool.memory import hold
from reference_cluster.subsystems.warm_pool.rows import ACTIVE, SNAPSHOT_FENCE, advance, refs, write
from reference_cluster.subsystems.warm_pool.serve import activate
from reference_cluster.subsystems.warm_pool.spawn import spawn

CAP_COUNTED_WITHOUT_LOCK = Bug(
    name="cap_counted_without_lock",
    catalogue_id="DG-23",
    subsystem="warm_pool",
    scenario="burst_at_cap",
    detectors=("warm_pool/cap_bypass",),
    story="The cap is counted and the slot is taken without a lock around both, so that a burst goes past the cap.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session asks for."""

    session: str
    org: str

    def said(
        self, cp: ControlPlane, decision: Decision, *, worker: str | None = None, reason: str | None = None, **own: tuple[Ref, ...]
    ) -> Said:
        """An event about this request."""
        found = [Ref(role="org", kind="org", id=self.org), cp.ref()]
        if worker is not None:
            found.append(Ref(role="worker", kind="worker", id=worker))
        return Said(decision, self.session, refs=(*found, *own.get("counted", ())), reason=reason)


async def acquire(cp: ControlPlane, wanted: Wanted) -> Held | str:
    """A hot worker for the session, or the reason why there is none."""
    queued_us = await Now()
    await Emit((wanted.said(cp, AcquireQueued(org=wanted.org)),))
    gate = f"gate/{cp.id}/{wanted.org}"
    await Lock(gate)
    await Emit((wanted.said(cp, AcquireGateEntered(org=wanted.org, wait_us=await Now() - queued_us)),))
    taken = await _take(cp, wanted, queued_us + cp.config.acquire_timeout_us)
    await Unlock(gate)
    if isinstance(taken, str):
        decision = AcquireCanceled(org=wanted.org) if taken == "canceled" else AcquireFailed(org=wanted.org)
        await Emit((wanted.said(cp, decision, reason=taken),))
        return taken
    held, source = taken
    await Emit((wanted.said(cp, SessionPreclaimed(org=wanted.org), worker=held.row.key),))
    for reason, step in (("spawn_failure", spawn), ("activation_failure", activate)):
        if not await step(cp, held, wanted.session):
            await Emit((wanted.said(cp, AcquireFailed(org=wanted.org), worker=held.row.key, reason=reason),))
            return reason
    succeeded = AcquireSucceeded(org=wanted.org, source=source, wait_us=await Now() - queued_us)
    await Emit((wanted.said(cp, succeeded, worker=held.row.key),))
    return held


async def _take(cp: ControlPlane, wanted: Wanted, deadline_us: int) -> tuple[Held, str] | str:
    """Try until something is taken, the requester is gone, or the time is up."""
    while True:
        if wanted.session in cp.canceled:
            return "canceled"
        if cp.stopping:
            return "shutting_down"
        for held in cp.workers.values():
            if held.state == "hot" and held.session is None and held.settled and held.row["org"] == wanted.org:
                held.session = wanted.session
                return held, "idle_reuse"
        locked = not cp.bugs.has(CAP_COUNTED_WITHOUT_LOCK)
        if locked:
            await Lock(f"org/{wanted.org}")
        taken = await _count_and_take(cp, wanted)
        if locked:
            await Unlock(f"org/{wanted.org}")
        if taken is not None:
            return taken
        if await Now() >= deadline_us:
            return "capacity"
        await Sleep(cp.config.acquire_retry_us)


async def _count_and_take(cp: ControlPlane, wanted: Wanted) -> tuple[Held, str] | None:
    try:
        rows = await List("worker", {"org": wanted.org, "state": ACTIVE}, label="acquire.count")
    except StoreDown:
        await Emit((wanted.said(cp, AcquireClaimMissed(org=wanted.org), reason="store_error"),))
        return None
    busy = [row for row in rows if row["state"] != "hot_idle"]
    parked = [
        row for row in rows if row["state"] == "hot_idle" and row["image"] == cp.config.image and row["vcpu"] == cp.config.worker_vcpu
    ]
    cap = cp.tenants[wanted.org].cap
    counted = busy if parked else [*busy, *parked]
    if len(counted) >= cap:
        ghosts = tuple(Ref(role="counted", kind="worker", id=row.key) for row in counted)
        refused = AcquireCapacityRefused(org=wanted.org, cap=cap, counted=len(counted))
        missed = wanted.said(cp, AcquireClaimMissed(org=wanted.org), reason="org_cap")
        await Emit((missed, wanted.said(cp, refused, reason="org_cap", counted=ghosts)))
        return None
    if parked:
        return await _claim(cp, wanted, min(parked, key=lambda row: (row.number("hot_idle_since_us"), row.key)))
    await Emit((wanted.said(cp, AcquireClaimMissed(org=wanted.org), reason="no_idle"),))
    return await _create_slot(cp, wanted, cap, len(counted))


async def _claim(cp: ControlPlane, wanted: Wanted, row: Row) -> tuple[Held, str] | None:
    changes = {"owner": cp.id, "epoch": row.number("epoch") + 1}
    commit, after = advance(
        row, "claim", WorkerClaimed, fence=SNAPSHOT_FENCE, changes=changes, session=wanted.session, previous_owner=row.text("owner")
    )
    claimed = await write(cp, commit, after, "claim")
    if claimed is None:
        await Emit((wanted.said(cp, AcquireClaimMissed(org=wanted.org), worker=row.key, reason="conflict"),))
        return None
    await Emit((wanted.said(cp, AcquireClaimHit(org=wanted.org), worker=row.key),))
    return await hold(cp, claimed, wanted.session), "hot_idle_claim"


async def _create_slot(cp: ControlPlane, wanted: Wanted, cap: int, counted: int) -> tuple[Held, str] | None:
    worker = cp.mint()
    fields: dict[str, object] = {
        "state": "spawning",
        "owner": cp.id,
        "epoch": 1,
        "org": wanted.org,
        "image": cp.config.image,
        "vcpu": cp.config.worker_vcpu,
        "ttl_us": cp.config.hot_idle_ttl_us,
        "hot_idle_since_us": 0,
    }
    created = WorkerSlotCreated(
        to_state="spawning",
        owner=cp.id,
        org=wanted.org,
        vcpu=cp.config.worker_vcpu,
        ttl_us=cp.config.hot_idle_ttl_us,
        cap=cap,
        counted=counted,
    )
    fresh = Row("worker", worker, 0, 0, 0, fields)
    said = Said(created, worker, refs=refs(fresh, wanted.session), epoch=1)
    made = await write(cp, Commit((Put("worker", worker, fields, None),), (said,), created.kind), fresh, "acquire")
    if made is None:
        return None
    await _note_bypass(cp, wanted, cap)
    return await hold(cp, made, wanted.session), "spawn"


async def _note_bypass(cp: ControlPlane, wanted: Wanted, cap: int) -> None:
    if cp.bugs.has(CAP_COUNTED_WITHOUT_LOCK):
        rows = await List("worker", {"org": wanted.org, "state": ACTIVE})
        if sum(row["state"] != "hot_idle" for row in rows) > cap:
            cp.bugs.struck(CAP_COUNTED_WITHOUT_LOCK, wanted.org)
