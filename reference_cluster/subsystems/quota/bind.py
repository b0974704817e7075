"""Bindings: a replica is fixed to the node that its reservation is for, in one commit, if it is still pending."""

from __future__ import annotations

from functools import partial

from ingest.events.quota import BindingAttempted, BindingConfirmed, BindingConflicted, BindingCreated, BindingCreateFailed
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Failed, Read, StoreDown, Unknown, outcome_of
from reference_cluster.records import Put, Row, Write
from reference_cluster.subsystems.quota.leader import fence, step_down
from reference_cluster.subsystems.quota.process import Controller, listed
from reference_cluster.subsystems.quota.queue import Waiting
from reference_cluster.subsystems.quota.rows import REPLICA, RESERVATION, binding_name, said_of

BINDS_WITHOUT_FENCE = Bug(
    name="binds_without_fence",
    catalogue_id="RP-02",
    subsystem="quota",
    scenario="quota_double_binding",
    detectors=("quota/duplicate_binding", "quota/over_quota_slot"),
    story="A binding is written without asking whether the replica is still unbound: a retry that knows no better binds it twice.",
)


async def bind(me: Controller, replica: Row, reservation: Row, waiting: Waiting) -> str | None:
    """Fix the replica to the node of its reservation. None where that was done, else what was in the way, or that it was done before."""
    unfenced = me.bugs.has(BINDS_WITHOUT_FENCE)
    node = _other_node(me, reservation, waiting) if unfenced else reservation.text("node")
    waiting.avoid = node
    name = me.mint(binding_name(replica)) if unfenced else binding_name(replica)
    facts = {"replica": replica.key, "node": node}
    tell = partial(said_of, replica, node=node, term=me.term)
    await Emit((tell(BindingAttempted(**facts), name),))
    fields = {"replica": replica.key, "node": node, "reservation": reservation.key}
    writes = (Put("binding", name, fields, None), *_moves(me, replica, reservation, node, unfenced))
    result = await Commit(writes, (tell(BindingCreated(**facts), name),), "binding.create")
    await _note_duplicate(me, replica)
    match result:
        case Committed():
            return None
        case Conflict(table="binding"):
            return await _confirm(me, replica, name)
        case Conflict():
            missed = BindingConflicted(replica=replica.key, fence=result.fence, want=str(result.want), got=str(result.got))
            await Emit((tell(missed, name),))
            if result.table == "lease":
                await step_down(me, "fenced")
            return "conflict"
        case Failed() | Unknown():
            outcome = outcome_of(result)
            await Emit((tell(BindingCreateFailed(**facts), name, outcome=outcome),))
            return "timeout" if outcome == "unknown" else "store_error"


def _moves(me: Controller, replica: Row, reservation: Row, node: str, unfenced: bool) -> tuple[Write, ...]:
    """The replica and its reservation become bound. With the bug on, whatever they are by now, and whoever leads."""
    bound = {"phase": REPLICA.target(replica.key, "pending", "bind"), "node": node, "unschedulable": None}
    taken = {"state": RESERVATION.target(reservation.key, "active", "bind")}
    if unfenced:
        return Put("replica", replica.key, bound, {}), Put("reservation", reservation.key, taken, {})
    return (
        fence(me),
        Put("replica", replica.key, bound, {"phase": "pending", "generation": replica["generation"]}),
        Put("reservation", reservation.key, taken, {"state": "active", "replica": replica.key}),
    )


async def _confirm(me: Controller, replica: Row, name: str) -> str | None:
    """There is a binding of this name: an earlier try was committed and its answer lost."""
    try:
        row = await Read("binding", name)
    except StoreDown:
        return "store_error"
    if row is None:
        return "conflict"
    confirmed = BindingConfirmed(replica=replica.key, node=row.text("node"))
    await Emit((said_of(replica, confirmed, name, node=row.text("node"), term=me.term, inputs=(row.seen(),)),))
    return "confirmed"


def _other_node(me: Controller, reservation: Row, waiting: Waiting) -> str:
    """The node of the reservation, or another one where the last try for that seemed to fail."""
    nodes = [node.key for node in me.caches["node"].list(state="ready") if node.key != waiting.avoid]
    return reservation.text("node") if waiting.avoid is None or not nodes else nodes[0]


async def _note_duplicate(me: Controller, replica: Row) -> None:
    """For the truth file: whether the bug has made a second one."""
    if me.bugs.has(BINDS_WITHOUT_FENCE) and len(await listed("binding", {"replica": replica.key})) > 1:
        me.bugs.struck(BINDS_WITHOUT_FENCE, replica.key)
