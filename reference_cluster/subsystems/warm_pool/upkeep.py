"""What each control plane does for its own workers: forget what is not its own, park what was left, renew, probe."""

from __future__ import annotations

from ingest.events.control_loop import SweepCompleted, SweepListFailed, SweepStarted
from ingest.events.warm_pool import WorkerHealthFailed, WorkerLost, WorkerRefreshed
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, List, Lock, Now, Said, Sleep, StoreDown, Unlock
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane, Held
from reference_cluster.subsystems.warm_pool.fallback import AGE_FROM_LAST_WRITE
from reference_cluster.subsystems.warm_pool.kube import ADDRESS
from reference_cluster.subsystems.warm_pool.memory import forget, remember
from reference_cluster.subsystems.warm_pool.messages import Probe
from reference_cluster.subsystems.warm_pool.reap import delete_pod
from reference_cluster.subsystems.warm_pool.rows import ACTIVE, advance, refs, write
from reference_cluster.subsystems.warm_pool.serve import park_locked, pool_lock
from reference_cluster.subsystems.warm_pool.sessions import fail_sessions

PROBE_TIMEOUT_US = 3_000_000
PROBES = 3


async def run_upkeep(cp: ControlPlane) -> None:
    """One pass over this process's own workers at every pool tick."""
    while True:
        await Sleep(cp.config.pool_tick_us)
        if cp.stopping:
            return
        started = SweepStarted(sweep="pool", scope="instance", interval_us=cp.config.pool_tick_us, **cp.config.sweep_timings())
        await Emit((cp.said(started),))
        await Lock(pool_lock(cp))
        done = await _pass(cp)
        await Unlock(pool_lock(cp))
        await Emit((cp.said(done),))


async def _pass(cp: ControlPlane) -> SweepCompleted | SweepListFailed:
    try:
        rows = {row.key: row for row in await List("worker", {"owner": cp.id, "state": ACTIVE}, label="pool.list")}
    except StoreDown:
        return SweepListFailed(sweep="pool", step="upkeep", list_ok=False, stamped=False)
    acted = 0
    for held in list(cp.workers.values()):
        acted += await _look_after(cp, held, rows.get(held.row.key))
    return SweepCompleted(
        sweep="pool", step="upkeep", list_ok=True, stamped=True, listed=len(rows), acted=acted, skipped=0, missed=0, failed=0
    )


async def _look_after(cp: ControlPlane, held: Held, row: Row | None) -> bool:
    """Bring one remembered worker and its row together. True where something was done."""
    if row is None or row["epoch"] != held.row["epoch"]:
        if held.state in ("hot", "hot_idle"):
            await forget(cp, held)
            await fail_sessions(cp, held.row.key, "worker_gone")
        return True
    if not held.settled:
        held.row, held.settled = row, True
        await remember(cp, held, row.text("state"))
        return True
    if held.state == "hot" and held.session is None and not cp.draining:
        await park_locked(cp, held)
        return True
    return await _refresh(cp, held, row)


async def _refresh(cp: ControlPlane, held: Held, row: Row) -> bool:
    """Renew the credentials of a worker where they are due. The row is rewritten in its state."""
    now_us = await Now() if cp.config.refresh_us else 0
    if not cp.config.refresh_us or now_us - held.refreshed_us < cp.config.refresh_us or row["state"] not in ("hot", "hot_idle"):
        return False
    held.refreshed_us = now_us
    commit, after = advance(row, "rewrite", WorkerRefreshed, moved_basis=cp.bugs.has(AGE_FROM_LAST_WRITE))
    held.row = await write(cp, commit, after, "cred_refresh") or held.row
    return True


async def run_probes(cp: ControlPlane) -> None:
    """Probe every hot worker; one that fails three times in a row is given up."""
    while cp.config.health_tick_us:
        await Sleep(cp.config.health_tick_us)
        for held in list(cp.workers.values()):
            if held.state == "hot" and held.row.key in cp.workers:
                await _probe(cp, held)


async def _probe(cp: ControlPlane, held: Held) -> None:
    try:
        await Call(ADDRESS, Probe(worker=held.row.key), PROBE_TIMEOUT_US)
        held.probes_failed = 0
        return
    except (CallTimedOut, CallRefused):
        held.probes_failed += 1
    failed = WorkerHealthFailed(consecutive=held.probes_failed)
    await Emit((Said(failed, held.row.key, refs=refs(held.row), outcome="failed", reason="probe"),))
    if held.probes_failed < PROBES:
        return
    commit, after = advance(held.row, "lose", WorkerLost, reason="crash", origin="health_check_crash")
    lost = await write(cp, commit, after, "health_check_crash")
    await forget(cp, held)
    await fail_sessions(cp, held.row.key, "worker_gone")
    if lost is not None:
        await delete_pod(cp, lost, "health_check_crash")
