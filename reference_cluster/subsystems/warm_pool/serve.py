"""Activation, sessions, parking: what a worker does between its spawn and its end.

Every move is persisted before memory believes it (duckgres pull 820, fixes 3 and 4): a write that is lost leaves memory
where it was, and the next upkeep tries again.
"""

from __future__ import annotations

from ingest.events.warm_pool import WorkerActivated, WorkerActivationStarted, WorkerAssigned, WorkerHeartbeated, WorkerParked
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Cancel, Committed, Conflict, Lock, Sleep, Start, Unknown, Unlock
from reference_cluster.records import STORE_NOW, Row
from reference_cluster.subsystems.control_plane import ControlPlane, Held
from reference_cluster.subsystems.warm_pool.kube import ADDRESS
from reference_cluster.subsystems.warm_pool.memory import forget, remember
from reference_cluster.subsystems.warm_pool.messages import Activate
from reference_cluster.subsystems.warm_pool.reap import reap
from reference_cluster.subsystems.warm_pool.rows import LEASE_FENCE, advance, explain_miss, write

ACTIVATION_WRITE_SWALLOWED = Bug(
    name="activation_write_swallowed",
    catalogue_id="DG-04",
    subsystem="warm_pool",
    scenario="activation_write_fails",
    detectors=("warm_pool/reaped_live_work",),
    story="The write of activating to hot is lost and nobody minds, so that the stuck sweep ends a worker in mid-session.",
)
PARK_WRITE_SWALLOWED = Bug(
    name="park_write_swallowed",
    catalogue_id="DG-03",
    subsystem="warm_pool",
    scenario="park_write_fails",
    detectors=("warm_pool/memory_store_divergence",),
    story="Memory parks the worker before the row does; when the write is lost, neither reuse nor the reaper sees it.",
)
POOL_LOCK_TAKEN_TWICE = Bug(
    name="pool_lock_taken_twice",
    catalogue_id="DG-09",
    subsystem="warm_pool",
    scenario="park_write_fails",
    detectors=("warm_pool/silent_component",),
    story="The path that logs a failed write takes the pool's lock again, and the pool of that control plane falls silent.",
)


def pool_lock(cp: ControlPlane) -> str:
    """The lock around a process's picture of its pool."""
    return f"pool/{cp.id}"


async def activate(cp: ControlPlane, held: Held, session: str) -> bool:
    """Bring a worker that was taken for a session to `hot`. Where that fails, the worker is ended."""
    if held.state == "hot":
        return True
    steps = (("idle", "assign", WorkerAssigned), ("reserved", "activate", WorkerActivationStarted))
    for state, move, kind in steps:
        if held.state == state:
            commit, after = advance(held.row, move, kind, session=session)
            if not await _take_up(cp, held, await write(cp, commit, after, "activation")):
                return False
    beating = await Start(_rewrite_while_activating(cp, held), "pool")
    try:
        await Call(ADDRESS, Activate(worker=held.row.key, org=held.row.text("org")), cp.config.spawn_budget_us)
        attached = True
    except (CallTimedOut, CallRefused):
        attached = False
    await Cancel(beating)
    return (attached and await _commit_hot(cp, held, session)) or await _end_failed(cp, held)


async def _take_up(cp: ControlPlane, held: Held, written: Row | None) -> bool:
    """Believe a write that was made; end the worker where it was not."""
    if written is None:
        return await _end_failed(cp, held)
    held.row = written
    await remember(cp, held, held.row.text("state"))
    return True


async def _commit_hot(cp: ControlPlane, held: Held, session: str) -> bool:
    commit, after = advance(held.row, "serve", WorkerActivated, session=session)
    if not cp.bugs.has(ACTIVATION_WRITE_SWALLOWED):
        hot = await write(cp, commit, after, "activation")
        if hot is None:
            return False
        held.row = hot
        await remember(cp, held, "hot")
        return True
    await remember(cp, held, "hot")
    if await write(cp, commit, after, "activation") is None:
        cp.bugs.struck(ACTIVATION_WRITE_SWALLOWED, held.row.key)
    held.row = after
    return True


async def _end_failed(cp: ControlPlane, held: Held) -> bool:
    """End a worker whose activation failed. Always False."""
    await forget(cp, held)
    await reap(cp, held.row, "activation_failure", "activation_failure", fence=LEASE_FENCE)
    return False


async def _rewrite_while_activating(cp: ControlPlane, held: Held) -> None:
    """Keep the row fresh while an activation is in progress, so that no sweep takes it for stuck."""
    while True:
        await Sleep(cp.config.activation_heartbeat_us)
        commit, after = advance(held.row, "rewrite", WorkerHeartbeated)
        held.row = await write(cp, commit, after, "activation") or held.row


async def park(cp: ControlPlane, held: Held) -> None:
    """Park a hot worker that serves nobody any more."""
    await Lock(pool_lock(cp))
    await park_locked(cp, held)
    await Unlock(pool_lock(cp))


async def park_locked(cp: ControlPlane, held: Held) -> None:
    """Park while the caller holds the pool's lock. A lost write leaves the worker hot; upkeep tries again."""
    if held.state != "hot" or held.session is not None or not held.settled:
        return
    commit, after = advance(held.row, "park", WorkerParked, changes={"hot_idle_since_us": STORE_NOW})
    swallowed = cp.bugs.has(PARK_WRITE_SWALLOWED)
    if swallowed:
        await remember(cp, held, "hot_idle")
    held.settled = False  # so that no session takes it while the write is under way
    result = await commit
    held.settled = not isinstance(result, Unknown)
    if isinstance(result, Committed):
        held.row = after
        if not swallowed:
            await remember(cp, held, "hot_idle")
        return
    await explain_miss(cp, held.row, "hot_idle", result, "park")
    if cp.bugs.has(POOL_LOCK_TAKEN_TWICE):
        cp.bugs.struck(POOL_LOCK_TAKEN_TWICE, cp.id)
        await Lock(pool_lock(cp))
    if swallowed:
        cp.bugs.struck(PARK_WRITE_SWALLOWED, held.row.key)
    elif isinstance(result, Conflict):
        await forget(cp, held)
