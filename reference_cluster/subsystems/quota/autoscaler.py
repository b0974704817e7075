"""The autoscaler: nodes for replicas that have had no room for a while.

Only a lack of nodes is cured by nodes. A word of the scheduler counts when it is as old as any lag may be and the store
still says so; there is one order at most for a replica, and a bound for all of them together.
"""

from __future__ import annotations

from ingest.events.base import Ref
from ingest.events.quota import AutoscalerComputed, CapacityRemoved, CapacityRequested
from reference_cluster.effects import Commit, Emit, List, Said, Sleep, StoreDown
from reference_cluster.records import STORE_NOW, Delete, Put, Row
from reference_cluster.subsystems.quota.process import Controller, listed
from reference_cluster.subsystems.quota.rows import NODE, free, node_facts, quota_of
from reference_cluster.subsystems.quota.scheduler import LAG_COUNTS_AS_SHORTAGE

NODE_SLOTS = 4


async def run_autoscaler(me: Controller) -> None:
    """Compute how many nodes there should be, and ask for those that are missing, at every tick."""
    while True:
        await Sleep(me.config.autoscale_tick_us)
        try:
            pending = await List("replica", {"phase": "pending"}, label="replica.pending")
            nodes = await List("node", label="node.list")
        except StoreDown:
            continue
        marked = [replica for replica in pending if replica["unschedulable"] is not None]
        wanted = marked if me.bugs.has(LAG_COUNTS_AS_SHORTAGE) else _short(me, marked, nodes)
        computed = AutoscalerComputed(nodes=len(nodes), desired=len(nodes) + len(wanted), pending=len(pending), unschedulable=len(marked))
        await Emit((me.said(computed),))
        for replica in wanted:
            await _request(me, replica)
        for node in nodes:
            if _is_idle(me, node):
                removed = CapacityRemoved(**node_facts(node))
                await Commit((Delete("node", node.key, {"version": node.version}),), (Said(removed, node.key),), "capacity.remove")


def _short(me: Controller, marked: list[Row], nodes: list[Row]) -> list[Row]:
    """The replicas that nodes are asked for: marked for long, not asked for before, within the bound. Policy, so a plain function."""
    asked = {node["for_replica"] for node in nodes}
    room = me.config.surge_max - sum(node["for_replica"] is not None for node in nodes)
    found = [
        replica
        for replica in marked
        if replica["unschedulable"] == "no_node" and replica.key not in asked and replica.age_us("marked_since_us") >= me.config.confirm_us
    ]
    return found[: max(room, 0)]


def _is_idle(me: Controller, node: Row) -> bool:
    """Whether a node that was added has been empty for so long that it is given back."""
    is_added = node["for_replica"] is not None and node["state"] == "ready" and NODE.allows("ready", "remove")
    return is_added and node["used"] == 0 and node.age_us("updated_us") >= me.config.idle_node_us


async def _request(me: Controller, replica: Row) -> None:
    key = me.mint("node-added")
    fields = {"zone": replica["zone"], "pool": replica["pool"], "slots": NODE_SLOTS, "used": 0, "healthy": True, "taint": None}
    fields |= {"state": "requested", "for_replica": replica.key, "requested_us": STORE_NOW}
    row = Row("node", key, 0, 0, 0, fields)
    requested = CapacityRequested(
        replica=replica.key, replica_version=replica.version, source="store", quota=quota_of(replica), **node_facts(row)
    )
    said = Said(
        requested,
        key,
        refs=(Ref(role="replica", kind="replica", id=replica.key),),
        workload=replica.text("workload"),
        generation=replica.number("generation"),
        reason=replica.text("unschedulable"),
        inputs=(replica.seen(),),
    )
    await Commit((Put("node", key, fields, None),), (said,), "capacity.request")
    await _note_amplified(me, replica)


async def _note_amplified(me: Controller, replica: Row) -> None:
    """For the truth file: whether a node is there for it although the quota had had room for longer than a watch may take."""
    if not me.bugs.has(LAG_COUNTS_AS_SHORTAGE) or replica["unschedulable"] != "quota":
        return
    if await listed("node", {"for_replica": replica.key}):
        for quota in await listed("quota", {"tenant": replica["tenant"], "zone": replica["zone"]}):
            if free(quota) > 0 and replica.updated_us - quota.updated_us > me.config.watch_lag_us:
                me.bugs.struck(LAG_COUNTS_AS_SHORTAGE, replica.key)
