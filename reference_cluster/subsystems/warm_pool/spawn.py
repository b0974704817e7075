"""A slot becomes a pod: create, wait until it is ready, connect.

The spawn does not depend on the client that wanted it: where the client is gone, the worker is parked for the next one.
"""

from __future__ import annotations

from ingest.events.warm_pool import WorkerSlotFreed, WorkerSpawned, WorkerSpawnFailed, WorkerSpawnStarted
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, Now, Read, Said, Sleep, StoreDown
from reference_cluster.subsystems.control_plane import ControlPlane, Held
from reference_cluster.subsystems.warm_pool.kube import ADDRESS
from reference_cluster.subsystems.warm_pool.memory import forget, remember
from reference_cluster.subsystems.warm_pool.messages import AwaitPod, CreatePod
from reference_cluster.subsystems.warm_pool.reap import delete_pod
from reference_cluster.subsystems.warm_pool.rows import SETTLE_US, advance, refs, write

REASONS = frozenset(
    {"runtime_store", "config_map", "secret_create", "pod_create", "pod_ready", "secret_read", "grpc_connect", "context_canceled", "other"}
)

SLOT_KEPT_AFTER_FAILURE = Bug(
    name="slot_kept_after_failure",
    catalogue_id="DG-05",
    subsystem="warm_pool",
    scenario="spawn_failures",
    detectors=("warm_pool/spawn_slot_leak",),
    story="A failed spawn leaves its row `spawning`, which counts against the cap until a sweep finds it much later.",
)


async def spawn(cp: ControlPlane, held: Held, session: str) -> bool:
    """Bring a `spawning` worker to `idle`; True at once for one that is past that."""
    if held.state != "spawning":
        return True
    started_us = await Now()
    budget_us = cp.config.spawn_budget_us
    await Emit((Said(WorkerSpawnStarted(budget_us=budget_us), held.row.key, refs=refs(held.row, session), outcome="attempted"),))
    reason = await _make_pod(cp, held, started_us + budget_us)
    if reason is not None:
        await _give_up(cp, held, reason, await Now() - started_us)
        return False
    commit, after = advance(held.row, "spawn", WorkerSpawned, session=session)
    spawned = await write(cp, commit, after, "spawn")
    if spawned is None:
        await delete_pod(cp, held.row, "spawn_failure")
        await _give_up(cp, held, "runtime_store", await Now() - started_us)
        return False
    held.row = spawned
    await remember(cp, held, "idle")
    return True


async def _make_pod(cp: ControlPlane, held: Held, deadline_us: int) -> str | None:
    """None when the pod is ready, else the reason why it is not."""
    create = CreatePod(worker=held.row.key, image=cp.config.image, vcpu=cp.config.worker_vcpu)
    for request, step in ((create, "pod_create"), (AwaitPod(worker=held.row.key), "pod_ready")):
        try:
            await Call(ADDRESS, request, max(1, deadline_us - await Now()))
        except CallTimedOut:
            return step
        except CallRefused as refused:
            return refused.reason if refused.reason in REASONS else step
    return None


async def _give_up(cp: ControlPlane, held: Held, reason: str, age_us: int) -> None:
    """Say that the spawn failed and give the slot back on the spot."""
    row = held.row
    await Emit((Said(WorkerSpawnFailed(age_us=age_us), row.key, refs=refs(row), outcome="failed", reason=reason),))
    await forget(cp, held)
    await delete_pod(cp, row, "spawn_failure")
    if cp.bugs.has(SLOT_KEPT_AFTER_FAILURE):
        cp.bugs.struck(SLOT_KEPT_AFTER_FAILURE, row.key)
        return
    while row.text("state") == "spawning":
        free, after = advance(row, "free", WorkerSlotFreed, reason="spawn_failure")
        if await write(cp, free, after, "spawn_failure") is not None:
            return
        await Sleep(SETTLE_US)
        try:
            row = await Read("worker", row.key) or after
        except StoreDown:
            continue
