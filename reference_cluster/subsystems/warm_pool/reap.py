"""How any worker ends: drain by compare-and-set, delete the pod, then retire the row.

The order matters. duckgres once retired the row first; a control plane that died before the delete left a pod that no
row pointed at, and it served through two rollouts (pull 452).
"""

from __future__ import annotations

from typing import Any, Literal

from ingest.events.warm_pool import WorkerDrainStarted, WorkerPodDeleted, WorkerPodDeleteFailed, WorkerRetired
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Committed, Conflict, Emit, Said
from reference_cluster.records import Check, Row
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool.kube import ADDRESS
from reference_cluster.subsystems.warm_pool.messages import DeletePod
from reference_cluster.subsystems.warm_pool.rows import SNAPSHOT_FENCE, advance, explain_miss, refs

RETIRE_BEFORE_DELETE = Bug(
    name="retire_before_delete",
    catalogue_id="DG-18",
    subsystem="warm_pool",
    scenario="crash_while_retiring",
    detectors=("warm_pool/row_terminal_pod_alive",),
    story="The row is retired before its pod is deleted, and no reconciler looks for pods without a row.",
)

Ended = Literal["acted", "missed", "failed"]


async def reap(
    cp: ControlPlane,
    row: Row,
    origin: str,
    reason: str,
    *,
    fence: tuple[str, ...] = SNAPSHOT_FENCE,
    age_us: int = 0,
    age_basis: str | None = None,
    owner_state: str | None = None,
) -> Ended:
    """End a worker that was seen as `row`. With `owner_state`, only while its owner's row is still in that state."""
    also = (Check("control_plane", row.text("owner"), {"state": owner_state}),) if owner_state else ()
    own: dict[str, Any] = {"origin": origin, "age_us": age_us, "age_basis": age_basis}
    if cp.bugs.has(RETIRE_BEFORE_DELETE):
        retire, _ = advance(row, "retire", WorkerRetired, fence=fence, also=also, reason=reason, **own)
        result = await retire
        if not isinstance(result, Committed):
            await explain_miss(cp, row, "retired", result, origin)
            return "missed" if isinstance(result, Conflict) else "failed"
        return "acted" if await delete_pod(cp, row, origin) else "failed"
    if row["state"] != "draining":
        drain, draining = advance(row, "drain", WorkerDrainStarted, fence=fence, also=also, reason=reason, origin=origin)
        result = await drain
        if not isinstance(result, Committed):
            await explain_miss(cp, row, "draining", result, origin)
            return "missed" if isinstance(result, Conflict) else "failed"
        row = draining
    if not await delete_pod(cp, row, origin):
        return "failed"
    retire, _ = advance(row, "retire", WorkerRetired, reason=reason, **own)
    result = await retire
    if not isinstance(result, Committed):
        await explain_miss(cp, row, "retired", result, origin)
        return "missed" if isinstance(result, Conflict) else "failed"
    return "acted"


async def delete_pod(cp: ControlPlane, row: Row, origin: str) -> bool:
    """Ask the cluster to end the worker's pod, and say what it answered."""
    try:
        await Call(ADDRESS, DeletePod(worker=row.key), cp.config.call_timeout_us)
    except CallTimedOut:
        failed = WorkerPodDeleteFailed(origin=origin)
        await Emit((Said(failed, row.key, refs=refs(row), outcome="unknown", reason="timeout"),))
        return False
    except CallRefused as refused:
        failed = WorkerPodDeleteFailed(origin=origin)
        await Emit((Said(failed, row.key, refs=refs(row), outcome="failed", reason=refused.reason),))
        return False
    await Emit((Said(WorkerPodDeleted(origin=origin), row.key, refs=refs(row)),))
    return True
