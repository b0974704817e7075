"""Reservations: room that is promised to a replica before it is bound, taken of the quota and of the node in one commit."""

from __future__ import annotations

from functools import partial
from typing import Any

from ingest.events.base import Decision
from ingest.events.quota import (
    ReservationAttempted,
    ReservationConflicted,
    ReservationCreated,
    ReservationCreateFailed,
    ReservationReused,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Failed, Read, Said, StoreDown, Unknown, outcome_of
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.quota.leader import fence, step_down
from reference_cluster.subsystems.quota.process import Controller, listed, seen
from reference_cluster.subsystems.quota.rows import free, quota_facts, quota_of, reservation_name, said_of

RETRY_RESERVES_AGAIN = Bug(
    name="retry_reserves_again",
    catalogue_id="RP-01",
    subsystem="quota",
    scenario="quota_duplicate_reservation",
    detectors=("quota/duplicate_intent",),
    story="Each try names its reservation anew, and only a cache tells whether there is one: a lost answer makes two.",
)


async def known_reservation(me: Controller, replica: Row) -> Row | None:
    """The reservation of this replica, generation and intent that the cache knows."""
    found = me.caches["reservation"].list(replica=replica.key, generation=replica["generation"], intent=replica["intent"])
    if not found:
        return None
    await Emit((_said(me, replica, ReservationReused(source="cache", **_facts(replica, found[0])), found[0], (found[0], "cache")),))
    return found[0]


async def reserve(me: Controller, replica: Row, quota: Row, node: Row, source: str) -> tuple[Row | None, str]:
    """Take a slot of the quota and one of the node. The reservation, or what was in the way."""
    name = me.mint("res") if me.bugs.has(RETRY_RESERVES_AGAIN) else reservation_name(replica)
    facts: dict[str, Any] = {"replica": replica.key, "intent": replica.text("intent"), "node": node.key}
    attempt = ReservationAttempted(source=source, quota=quota.key, quota_version=quota.version, quota_free=free(quota), **facts)
    tell = partial(said_of, replica, node=node.key, term=me.term)
    await Emit((tell(attempt, name, inputs=(seen(quota, source), seen(node, source))),))
    fields = {
        **facts,
        "workload": replica["workload"],
        "generation": replica["generation"],
        "quota": quota.key,
        "state": "active",
        "created_us": STORE_NOW,
    }
    writes = (
        Put("reservation", name, fields, None),
        fence(me),
        Put("quota", quota.key, {"used": quota.number("used") + 1}, {"version": quota.version}),
        Put("node", node.key, {"used": node.number("used") + 1}, {"version": node.version}),
    )
    created = tell(ReservationCreated(**facts, **quota_facts(quota, 1)), name)
    result = await Commit(writes, (created,), "reservation.create")
    await _note_duplicate(me, replica)
    match result:
        case Committed():
            return Row("reservation", name, 1, result.commit_us, result.revision, {**fields, "created_us": result.commit_us}), ""
        case Conflict():
            missed = ReservationConflicted(replica=replica.key, fence=result.fence, want=str(result.want), got=str(result.got))
            await Emit((tell(missed, name),))
            if result.table == "lease":
                await step_down(me, "fenced")
            return (await _read_back(me, replica, name) if result.table == "reservation" else None), "conflict"
        case Failed() | Unknown():
            outcome = outcome_of(result)
            await Emit((tell(ReservationCreateFailed(**facts), name, outcome=outcome),))
            return None, "timeout" if outcome == "unknown" else "store_error"


async def _read_back(me: Controller, replica: Row, name: str) -> Row | None:
    """There is one of this name already: it is the one that an earlier try made, perhaps another leader's."""
    try:
        row = await Read("reservation", name)
    except StoreDown:
        return None
    if row is not None:
        await Emit((_said(me, replica, ReservationReused(source="store", **_facts(replica, row)), row, (row, "store")),))
    return row


def _facts(replica: Row, reservation: Row) -> dict[str, str]:
    return {"replica": replica.key, "intent": replica.text("intent"), "node": reservation.text("node")}


def _said(me: Controller, replica: Row, decision: Decision, reservation: Row, reading: tuple[Row, str]) -> Said:
    return said_of(replica, decision, reservation.key, node=reservation.text("node"), term=me.term, inputs=(seen(*reading),))


async def _note_duplicate(me: Controller, replica: Row) -> None:
    """For the truth file: whether the bug has made a second one."""
    if me.bugs.has(RETRY_RESERVES_AGAIN):
        same = {"replica": replica.key, "generation": replica["generation"], "intent": replica["intent"], "quota": quota_of(replica)}
        if len(await listed("reservation", same)) > 1:
            me.bugs.struck(RETRY_RESERVES_AGAIN, replica.key)
