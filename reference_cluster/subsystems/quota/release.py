"""Giving room back: a reservation goes, with the slot of its quota and the slot of its node, in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingest.events.base import Ref
from ingest.events.quota import ReservationReleased
from reference_cluster.effects import Commit, Committed, Conflict, Read, Said, StoreDown
from reference_cluster.records import Delete, Put, Row, Write
from reference_cluster.subsystems.quota.rows import RESERVATION, quota_facts

TRIES = 4


@dataclass(frozen=True)
class Along:
    """What is written and said in the same commit as a release."""

    writes: tuple[Write, ...] = ()
    events: tuple[Said, ...] = ()


async def release(reservation: Row, reason: str, along: Along | None = None) -> str | None:
    """Release a reservation that is still as it was read. None where that was done, else what was in the way."""
    along = along or Along()
    for _ in range(TRIES):
        try:
            quota = await Read("quota", reservation.text("quota"))
            node = await Read("node", reservation.text("node"))
        except StoreDown:
            return "store_error"
        if quota is None:
            return "conflict"
        events = (*along.events, _said(reservation, quota, reason))
        result = await Commit(_writes(reservation, quota, node, along), events, "reservation.release")
        if isinstance(result, Committed):
            return None
        if not isinstance(result, Conflict):
            return "store_error"
        if result.table not in ("quota", "node"):
            return "conflict"
    return "conflict"


def _writes(reservation: Row, quota: Row, node: Row | None, along: Along) -> tuple[Write, ...]:
    state = reservation.text("state")
    assert RESERVATION.allows(state, "release"), (reservation.key, state)
    given = [Put("quota", quota.key, {"used": quota.number("used") - 1}, {"version": quota.version})]
    if node is not None:
        given.append(Put("node", node.key, {"used": node.number("used") - 1}, {"version": node.version}))
    return (*along.writes, Delete("reservation", reservation.key, {"version": reservation.version}), *given)


def _said(reservation: Row, quota: Row, reason: str) -> Said:
    replica = reservation.text("replica")
    facts: dict[str, Any] = {"replica": replica, "intent": reservation.text("intent"), "node": reservation.text("node")}
    refs = (
        Ref(role="replica", kind="replica", id=replica),
        Ref(role="node", kind="node", id=facts["node"]),
        Ref(role="quota", kind="quota", id=quota.key),
    )
    released = ReservationReleased(**facts, **quota_facts(quota, -1))
    return Said(
        released,
        reservation.key,
        refs=refs,
        reason=reason,
        workload=reservation.text("workload"),
        generation=reservation.number("generation"),
        inputs=(reservation.seen(),),
    )
