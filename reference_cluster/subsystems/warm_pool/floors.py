"""Floors and caps of parked workers: how many are kept past their time, how many at most."""

from __future__ import annotations

from ingest.events.warm_pool import WorkerRetireSkipped
from reference_cluster.effects import Emit, List, Said, StoreDown
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool.rows import refs


async def above_floor(cp: ControlPlane, row: Row, origin: str, age_us: int, age_basis: str) -> bool:
    """Whether the tenant has more parked workers of this shape than its floor. Says why, where it has not."""
    floor = cp.tenants[row.text("org")].floor
    if floor == 0:
        return True
    try:
        same_shape = {"state": "hot_idle", "org": row["org"], "image": row["image"], "vcpu": row["vcpu"]}
        if len(await List("worker", same_shape)) > floor:
            return True
        reason = "floor"
    except StoreDown:
        reason = "count_error"
    skipped = WorkerRetireSkipped(origin=origin, age_us=age_us, age_basis=age_basis, floor=floor)
    await Emit((Said(skipped, row.key, refs=refs(row), outcome="skipped", reason=reason, inputs=(row.seen(),)),))
    return False


async def over_cap(cp: ControlPlane, row: Row) -> bool:
    """Whether the tenant has more parked workers than its cap of them, and this is the oldest. The cap beats the floor."""
    cap = cp.tenants[row.text("org")].hot_idle_cap
    if cap is None:
        return False
    parked = await List("worker", {"state": "hot_idle", "org": row["org"]})
    oldest = min(parked, key=lambda other: (other.number("hot_idle_since_us"), other.key), default=None)
    return len(parked) > cap and oldest is not None and oldest.key == row.key
