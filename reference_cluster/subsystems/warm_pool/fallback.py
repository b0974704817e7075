"""What every control plane does for itself, whoever leads: expire silent peers, reap orphans, reap its own expired workers.

Upstream's orphan pass lists owners that are `expired`, but only the leader marks owners so: in a rollout without a
leader the orphans stay invisible to everybody (DG-02b). Here any control plane may expire a silent peer.
"""

from __future__ import annotations

from reference_cluster.bugs import Bug
from reference_cluster.effects import List, Sleep, StoreDown
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool import sweep
from reference_cluster.subsystems.warm_pool.expire import expire_silent
from reference_cluster.subsystems.warm_pool.floors import above_floor
from reference_cluster.subsystems.warm_pool.reap import reap
from reference_cluster.subsystems.warm_pool.sweep import Step, rows

NO_FALLBACK_REAPER = Bug(
    name="no_fallback_reaper",
    catalogue_id="DG-02",
    subsystem="warm_pool",
    scenario="rollout_while_leaderless",
    detectors=("warm_pool/orphan_owner",),
    story="Only the leader reaps: what a rollout leaves behind while nobody leads stays for ever.",
)
FALLBACK_NEEDS_LEADER = Bug(
    name="fallback_needs_leader",
    catalogue_id="DG-02b",
    subsystem="warm_pool",
    scenario="rollout_while_leaderless",
    detectors=("warm_pool/orphan_owner",),
    story="The fallback lists the workers of expired owners, but only the leader expires owners.",
)
AGE_FROM_LAST_WRITE = Bug(
    name="age_from_last_write",
    catalogue_id="DG-12",
    subsystem="warm_pool",
    scenario="refresh_while_parked",
    detectors=("warm_pool/reap_clock_reset",),
    story="The idle age is computed from the last write to the row, which every credential refresh moves.",
)


async def run_fallback(cp: ControlPlane) -> None:
    """One pass at the start and one at every fallback tick."""
    while not cp.stopping:
        if cp.bugs.has(NO_FALLBACK_REAPER) or cp.bugs.has(FALLBACK_NEEDS_LEADER):
            await _note_orphans(cp)
        if not cp.bugs.has(NO_FALLBACK_REAPER):
            await _pass(cp)
        await Sleep(cp.config.fallback_tick_us)


async def _pass(cp: ControlPlane) -> None:
    await sweep.start(cp, "fallback", "instance", cp.config.fallback_tick_us)
    own = rows("worker", {"state": "hot_idle", "owner": cp.id})
    steps = (
        Step("expire_control_planes", rows("control_plane", {"state": ("active", "draining")}), expire_silent),
        Step("orphan", orphans(("hot_idle",), ("expired",)), reap_orphan("per_cp_orphan")),
        Step("hot_idle_ttl", own, reap_idle("per_cp_hot_idle_ttl")),
    )
    for step in steps[1:] if cp.bugs.has(FALLBACK_NEEDS_LEADER) else steps:
        await sweep.run(cp, "fallback", step)


def orphans(states: tuple[str, ...], owner_states: tuple[str, ...]) -> sweep.Find:
    """Lists the workers in these states whose owner is gone and the grace is over."""

    async def find(cp: ControlPlane) -> list[Row]:
        owners = await List("control_plane", {"state": owner_states}, label="sweep.list")
        gone = tuple(row.key for row in owners if row["state"] != "expired" or row.age_us("expired_us") >= cp.config.orphan_grace_us)
        return await List("worker", {"owner": gone, "state": states}, label="sweep.list") if gone else []

    return find


def reap_orphan(origin: str, owner_state: str | None = "expired") -> sweep.Act:
    """Ends orphans, each only while its owner is still gone."""

    async def act(cp: ControlPlane, row: Row) -> str:
        return await reap(cp, row, origin, "orphaned", owner_state=owner_state)

    return act


def reap_idle(origin: str) -> sweep.Act:
    """Ends parked workers whose time to live is over, down to the tenant's floor."""

    async def act(cp: ControlPlane, row: Row) -> str:
        basis = "updated_us" if cp.bugs.has(AGE_FROM_LAST_WRITE) else "hot_idle_since_us"
        age_us = row.age_us(basis)
        if age_us < row.number("ttl_us"):
            if row.age_us("hot_idle_since_us") > row.number("ttl_us") + 4 * cp.config.tick_us:
                cp.bugs.struck(AGE_FROM_LAST_WRITE, row.key)
            return "kept"
        if not await above_floor(cp, row, origin, age_us, basis):
            return "skipped"
        return await reap(cp, row, origin, "hot_idle_ttl_expired", age_us=age_us, age_basis=basis)

    return act


async def _note_orphans(cp: ControlPlane) -> None:
    """Note in the truth file the orphans that a whole fallback would have ended long ago."""
    config = cp.config
    patience_us = config.control_plane_expiry_us + config.orphan_grace_us + 2 * config.fallback_tick_us + 20_000_000
    try:
        owners = {row.key: row for row in await List("control_plane")}
        parked = await List("worker", {"state": "hot_idle"})
    except StoreDown:
        return
    for row in parked:
        owner = owners[row.text("owner")]
        if owner.age_us("heartbeat_us") > patience_us:
            cp.bugs.struck(NO_FALLBACK_REAPER, row.key)
            cp.bugs.struck(FALLBACK_NEEDS_LEADER, row.key)
