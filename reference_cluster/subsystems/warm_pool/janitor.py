"""What only the leader does, in a fixed order at every tick; a slow early step delays all later ones.

expire silent control planes · expire overdue drains · orphans · stuck rows · idle past TTL · idle over cap
· other versions · stranded pods · headroom
"""

from __future__ import annotations

from ingest.events.control_loop import SweepCompleted, SweepListFailed
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, List, Now, Sleep, StoreDown
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool import sweep
from reference_cluster.subsystems.warm_pool.expire import expire_overdue, expire_silent
from reference_cluster.subsystems.warm_pool.fallback import orphans, reap_idle, reap_orphan
from reference_cluster.subsystems.warm_pool.floors import over_cap
from reference_cluster.subsystems.warm_pool.headroom import keep_headroom
from reference_cluster.subsystems.warm_pool.kube import ADDRESS
from reference_cluster.subsystems.warm_pool.messages import ListPods, Pods
from reference_cluster.subsystems.warm_pool.reap import RETIRE_BEFORE_DELETE, delete_pod, reap
from reference_cluster.subsystems.warm_pool.rows import ACTIVE
from reference_cluster.subsystems.warm_pool.sweep import Step, rows

TICK_WITHOUT_DEADLINE = Bug(
    name="tick_without_deadline",
    catalogue_id="DG-29",
    subsystem="warm_pool",
    scenario="slow_call_in_tick",
    detectors=("election/zombie_leader",),
    story="A call in the tick has no deadline: the leader renews its lease for ever and never sweeps again.",
)
STUCK_BEFORE_BUDGET = Bug(
    name="stuck_before_budget",
    catalogue_id="DG-13",
    subsystem="warm_pool",
    scenario="slow_spawns",
    detectors=("control_loop/timeout_order",),
    story="The sweep takes a spawn for stuck before its budget is over, and ends workers that are about to come up.",
)
STUCK_BEFORE_BUDGET_US = 120_000_000
DRAINING_COUNTS_AS_GONE = Bug(
    name="draining_counts_as_gone",
    catalogue_id="DG-16",
    subsystem="warm_pool",
    scenario="drain_with_sessions",
    detectors=("warm_pool/wrong_orphan_kill",),
    story="The orphan sweep takes a draining control plane for gone and ends workers whose owner is alive.",
)


async def run_janitor(cp: ControlPlane) -> None:
    """One pass at every tick for as long as this process leads."""
    while not cp.stopping:
        await Sleep(cp.config.tick_us)
        if cp.leading:
            cp.ticked_us = await Now()
            await _tick(cp)


async def _tick(cp: ControlPlane) -> None:
    await sweep.start(cp, "janitor", "fleet", cp.config.tick_us)
    for step in _steps(cp):
        await sweep.run(cp, "janitor", step)
    await _end_stranded(cp)
    await keep_headroom(cp)


def _steps(cp: ControlPlane) -> tuple[Step, ...]:
    spoiled = cp.bugs.has(DRAINING_COUNTS_AS_GONE)
    gone = ("expired", "draining") if spoiled else ("expired",)
    orphan = _reap_draining if spoiled else reap_orphan("janitor_orphan")
    stuck = rows("worker", {"state": ("spawning", "reserved", "activating", "draining")})
    parked = rows("worker", {"state": "hot_idle"})
    steps = [
        Step("expire_control_planes", rows("control_plane", {"state": ("active", "draining")}), expire_silent),
        Step("overdue_draining", rows("control_plane", {"state": "draining"}), expire_overdue),
        Step("orphan", orphans(ACTIVE, gone), orphan),
        Step("stuck", stuck, _end_stuck),
        Step("hot_idle_ttl", parked, reap_idle("janitor_hot_idle_ttl")),
    ]
    if any(tenant.hot_idle_cap is not None for tenant in cp.tenants.values()):
        steps.append(Step("hot_idle_cap", parked, _end_over_cap))
    return (*steps, Step("version", rows("worker", {"state": ("idle", "hot_idle")}), _end_mismatched))


async def _reap_draining(cp: ControlPlane, row: Row) -> str:
    owner = await List("control_plane", {"state": "draining"})
    ended = await reap(cp, row, "janitor_orphan", "orphaned")
    if ended == "acted" and row.text("owner") in {other.key for other in owner}:
        cp.bugs.struck(DRAINING_COUNTS_AS_GONE, row.key)
    return ended


async def _end_stuck(cp: ControlPlane, row: Row) -> str:
    """End a row that has not been written for longer than its state may take."""
    cutoff_us = {
        "spawning": cp.config.spawn_stuck_us,
        "reserved": cp.config.activation_stuck_us,
        "activating": cp.config.activation_stuck_us,
        "draining": cp.config.reconcile_us,
    }[row.text("state")]
    age_us = row.age_us("updated_us")
    if age_us < cutoff_us:
        return "kept"
    return await reap(cp, row, "janitor_stuck_activating", "stuck_activating", age_us=age_us, age_basis="updated_us")


async def _end_over_cap(cp: ControlPlane, row: Row) -> str:
    if not await over_cap(cp, row):
        return "kept"
    return await reap(
        cp, row, "janitor_hot_idle_cap", "hot_idle_cap_exceeded", age_us=row.age_us("hot_idle_since_us"), age_basis="hot_idle_since_us"
    )


async def _end_mismatched(cp: ControlPlane, row: Row) -> str:
    if row["image"] == cp.config.image:
        return "kept"
    return await reap(cp, row, "mismatched_version_reaper", "mismatched_version")


async def _end_stranded(cp: ControlPlane) -> None:
    """Delete the pods that no live row points at. Looked at by pod, so it is a step of its own shape."""
    timeout_us = None if cp.bugs.has(TICK_WITHOUT_DEADLINE) else cp.config.call_timeout_us
    try:
        pods = await Call(ADDRESS, ListPods(), timeout_us)
        active = {row.key: row for row in await List("worker", {"state": ACTIVE}, label="sweep.list")}
    except (CallTimedOut, CallRefused, StoreDown):
        failed = SweepListFailed(sweep="janitor", step="stranded", list_ok=False, stamped=False)
        await Emit((cp.said(failed, reason="list_failed"),))
        return
    assert isinstance(pods, Pods), pods
    stranded = [pod for pod in pods.pods if pod.worker not in active and not pod.ending and pod.age_us > cp.config.reconcile_us]
    acted = 0
    for pod in stranded:
        if cp.bugs.has(RETIRE_BEFORE_DELETE):
            cp.bugs.struck(RETIRE_BEFORE_DELETE, pod.worker)
        else:
            acted += await delete_pod(cp, Row("worker", pod.worker, 0, 0, 0, {"owner": cp.id, "org": None}), "stranded")
    completed = SweepCompleted(
        sweep="janitor",
        step="stranded",
        list_ok=True,
        stamped=True,
        listed=len(pods.pods),
        acted=acted,
        skipped=0,
        missed=0,
        failed=len(stranded) - acted,
    )
    await Emit((cp.said(completed),))


async def watch_ticks(cp: ControlPlane) -> None:
    """Note in the truth file when this process leads and has not swept for longer than any sweep takes."""
    while True:
        await Sleep(cp.config.tick_us)
        if cp.leading and cp.ticked_us and await Now() - cp.ticked_us > 6 * cp.config.tick_us:
            cp.bugs.struck(TICK_WITHOUT_DEADLINE, cp.id)
