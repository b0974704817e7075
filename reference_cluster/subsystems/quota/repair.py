"""Repair: what a crash, a lost answer or a deletion has left behind is taken back, at every scan.

A reservation is an orphan when its replica is gone (`job_missing`), when the replica got its place by another one
(`attempt_superseded`), or when it is of an older generation (`stale`). It is left alone until it is as old as any step of
the scheduler may take. What runs on a node that fell ill is unbound first, and placed again by the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.events.base import Ref
from ingest.events.quota import BindingRemoved, RepairScanned, RepairTimings, ReplicaEvicted, ReservationLeft
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Emit, List, Said, Sleep, StoreDown
from reference_cluster.records import Delete, Put, Row
from reference_cluster.subsystems.quota.process import Controller
from reference_cluster.subsystems.quota.release import Along, release
from reference_cluster.subsystems.quota.rows import REPLICA, move_facts, said_of

REPAIR_NEEDS_OWNER = Bug(
    name="repair_needs_owner",
    catalogue_id="RP-05",
    subsystem="quota",
    scenario="quota_orphans",
    detectors=("quota/orphan_left",),
    story="Repair asks the owner whether a reservation is needed: where the owner is gone, nobody answers and it stays for good.",
)
STRUCK_AFTER_SCANS = 8


async def run_repair(me: Controller) -> None:
    """A scan at every tick; it speaks also when it found nothing."""
    while True:
        await Sleep(me.config.repair_tick_us)
        timings = {name: getattr(me.config, name) for name in RepairTimings.model_fields}
        try:
            reservations = await List("reservation", label="reservation.scan")
            bindings = await List("binding", label="binding.scan")
            replicas = {row.key: row for row in await List("replica", label="replica.scan")}
            ill = await List("node", {"healthy": False}, label="node.scan")
        except StoreDown:
            await Emit((me.said(RepairScanned(listed=0, removed=0, kept=0, **timings), outcome="failed", reason="store_error"),))
            continue
        removed = await _evict({node.key for node in ill}, reservations, bindings, replicas)
        kept = 0
        for reservation in reservations:
            verdict = _verdict(me, reservation, replicas)
            if verdict is not None:
                done = await _take_back(me, reservation, verdict, bindings)
                removed, kept = removed + done, kept + (not done)
        for binding in bindings:
            removed += await _take_off(me, binding, replicas, reservations)
        await Emit((me.said(RepairScanned(listed=len(reservations), removed=removed, kept=kept, **timings)),))


def _verdict(me: Controller, reservation: Row, replicas: Mapping[str, Row]) -> str | None:
    """Why nothing needs the reservation any more; None where something may. Policy, so a plain function."""
    replica = replicas.get(reservation.text("replica"))
    if reservation.age_us("created_us") < me.config.orphan_after_us:
        return None
    if replica is None:
        return "job_missing"
    if replica.number("generation") > reservation.number("generation"):
        return "stale"
    if reservation["state"] == "active" and replica["phase"] != "pending":
        return "attempt_superseded"
    return None


async def _take_back(me: Controller, reservation: Row, verdict: str, bindings: list[Row]) -> bool:
    """Release an orphan with the binding that came of it; whether that was done."""
    age_us = reservation.age_us("created_us")
    if verdict == "job_missing" and me.bugs.has(REPAIR_NEEDS_OWNER):
        me.left[reservation.key] = me.left.get(reservation.key, 0) + 1
        if me.left[reservation.key] > STRUCK_AFTER_SCANS:
            me.bugs.struck(REPAIR_NEEDS_OWNER, reservation.key)
        problem: str | None = "owner_unknown"
    else:
        of_it = [binding for binding in bindings if binding["reservation"] == reservation.key] if verdict == "job_missing" else []
        problem = await release(reservation, verdict, Along(tuple(map(_gone, of_it)), tuple(_removed(row, verdict) for row in of_it)))
    if problem is None:
        return True
    facts = {name: reservation.text(name) for name in ("replica", "intent", "node")}
    left = ReservationLeft(age_us=age_us, **facts)
    refs = (Ref(role="replica", kind="replica", id=facts["replica"]), Ref(role="node", kind="node", id=facts["node"]))
    workload, generation = reservation.text("workload"), reservation.number("generation")
    said = Said(left, reservation.key, refs=refs, reason=problem, workload=workload, generation=generation, inputs=(reservation.seen(),))
    await Emit((said,))
    return False


async def _take_off(me: Controller, binding: Row, replicas: Mapping[str, Row], reservations: list[Row]) -> bool:
    """Remove a binding that is not the replica's; whether that was done. One that has its reservation goes with that."""
    replica = replicas.get(binding.text("replica"))
    has_reservation = any(row.key == binding["reservation"] for row in reservations)
    is_other = replica is not None and replica["phase"] != "pending" and replica["node"] != binding["node"]
    if binding.age_us("updated_us") < me.config.orphan_after_us or not (is_other or (replica is None and not has_reservation)):
        return False
    said = _removed(binding, "attempt_superseded" if is_other else "job_missing")
    return isinstance(await Commit((_gone(binding),), (said,), "binding.remove"), Committed)


async def _evict(ill: set[str], reservations: list[Row], bindings: list[Row], replicas: Mapping[str, Row]) -> int:
    """Unbind what is on nodes that fell ill: binding, reservation and place go in one commit, then the replica is pending."""
    done = 0
    held = {(row.text("replica"), row.text("node")): row for row in reservations if row["state"] == "bound"}
    for binding in bindings:
        replica = replicas.get(binding.text("replica"))
        reservation = held.get((binding.text("replica"), binding.text("node")))
        if binding["node"] not in ill or replica is None or reservation is None or not REPLICA.allows(replica.text("phase"), "evict"):
            continue
        pending = {"phase": "pending", "node": None}
        put = Put("replica", replica.key, pending, {"phase": replica["phase"], "node": binding["node"]})
        evicted = said_of(replica, ReplicaEvicted(**move_facts(replica, "evict")), node=binding.text("node"), reason="node_unhealthy")
        along = Along((put, _gone(binding)), (evicted, _removed(binding, "node_unhealthy")))
        done += await release(reservation, "evicted", along) is None
    return done


def _gone(binding: Row) -> Delete:
    return Delete("binding", binding.key, {"version": binding.version})


def _removed(binding: Row, reason: str) -> Said:
    replica, node = binding.text("replica"), binding.text("node")
    refs = (Ref(role="replica", kind="replica", id=replica), Ref(role="node", kind="node", id=node))
    return Said(BindingRemoved(replica=replica, node=node), binding.key, refs=refs, reason=reason, inputs=(binding.seen(),))
