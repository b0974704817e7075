"""Headroom: spare slots kept on purpose, sized by the peak of spawns at once, never by what lies idle.

duckgres once took a percentage of demand and counted parked workers as demand, which amplified every idle leak about
1.75 times (pull 820, fix 6; pull 757 for the ratchet).
"""

from __future__ import annotations

from ingest.events.warm_pool import HeadroomComputed, HeadroomScaledDown, HeadroomScaledUp
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Emit, List, Now, Read, Said, StoreDown
from reference_cluster.records import Put
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool.rows import ACTIVE

HEADROOM = "slots"
CAP_MIN = 4
CAP_SHARE = 4
DEMAND_PERCENT = 75
UNCAPPED = 1_000_000

HEADROOM_COUNTS_IDLE = Bug(
    name="headroom_counts_idle",
    catalogue_id="DG-06",
    subsystem="warm_pool",
    scenario="headroom_after_burst",
    detectors=("warm_pool/headroom_amplifies",),
    story="Headroom is a percentage of demand, and parked workers are counted as demand.",
)


async def keep_headroom(cp: ControlPlane) -> None:
    """Compute the headroom where it is due, and change the spare slots to it."""
    if not cp.config.headroom_tick_us:
        return
    now_us = await Now()
    try:
        kept = await Read("headroom", HEADROOM)
        if kept is not None and kept.age_us("computed_us") < cp.config.headroom_tick_us - cp.config.tick_us // 2:
            return
        rows = await List("worker", {"state": ACTIVE}, label="headroom.list")
    except StoreDown:
        return
    states = [row.text("state") for row in rows]
    spawning = states.count("spawning")
    before = kept.number("slots") if kept is not None else 0
    burst = max(spawning, kept.number("burst") if kept is not None else 0)
    computed = _computed(cp, states.count("hot"), spawning, states.count("hot_idle"), len(states), burst)
    said = [Said(computed, HEADROOM, refs=(cp.ref(),), outcome="observed")]
    if computed.desired != before:
        kind = HeadroomScaledUp if computed.desired > before else HeadroomScaledDown
        said.append(Said(kind(placeholders_from=before, placeholders_to=computed.desired), HEADROOM, refs=(cp.ref(),)))
    fields = {"slots": computed.desired, "burst": burst, "computed_us": now_us}
    await Emit((said[0],))
    await Commit(
        (Put("headroom", HEADROOM, fields, {"version": kept.version} if kept is not None else None),), tuple(said[1:]), "headroom.scale"
    )


def _computed(cp: ControlPlane, sessions: int, spawning: int, hot_idle: int, live: int, burst: int) -> HeadroomComputed:
    """The figure with its terms. Policy, so a plain function."""
    terms = {"sessions": sessions, "spawning": spawning, "hot_idle": hot_idle, "live": live, "burst": burst}
    if cp.bugs.has(HEADROOM_COUNTS_IDLE):
        desired = -(-DEMAND_PERCENT * (sessions + spawning + hot_idle) // 100)
        if desired >= 1.5 * -(-DEMAND_PERCENT * (sessions + spawning) // 100) + 2:
            cp.bugs.struck(HEADROOM_COUNTS_IDLE, HEADROOM)
        return HeadroomComputed(desired=desired, cap=UNCAPPED, **terms)
    cap = max(CAP_MIN, -(-live // CAP_SHARE))
    return HeadroomComputed(desired=min(max(burst, 1), cap), cap=cap, **terms)
