"""The scheduler: for each pending replica, room in the quota, a node that fits, a reservation, a binding.

It decides from caches. What a cache says against a replica is confirmed in the store before it counts, because a watch
may be late: a shortage that is over must not become an order for capacity.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.events.quota import ReplicaRequeued, ReplicaUnschedulable, SchedulerTicked
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Emit, List, Now, Read, Sleep, StoreDown
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.quota.bind import bind
from reference_cluster.subsystems.quota.leader import fence
from reference_cluster.subsystems.quota.process import Controller, seen
from reference_cluster.subsystems.quota.reserve import known_reservation, reserve
from reference_cluster.subsystems.quota.rows import free, quota_of, said_of

LAG_COUNTS_AS_SHORTAGE = Bug(
    name="lag_counts_as_shortage",
    catalogue_id="RP-03",
    subsystem="quota",
    scenario="quota_race",
    detectors=("quota/stale_input_decision", "quota/lag_amplified"),
    story="A cache that lags is believed when it says that there is no room, and each such word is an order for a node.",
)


@dataclass
class Room:
    """What was read of the room for a replica, and where."""

    source: str
    quota: Row
    fitting: list[Row]
    """Nodes with room, the emptiest first."""

    def lacks(self) -> str | None:
        """What there is too little of."""
        return "quota" if free(self.quota) <= 0 else "no_node" if not self.fitting else None


async def run_scheduler(me: Controller) -> None:
    """A pass over the queue at every tick, for as long as this process leads."""
    while True:
        await Sleep(me.config.schedule_tick_us)
        if not me.leading:
            me.queue.waiting.clear()
            continue
        pending = me.caches["replica"].list(phase="pending")
        me.queue.keep(pending)
        due = me.queue.due(pending, await Now())
        await Emit((me.said(SchedulerTicked(queued=len(pending), due=len(due))),))
        for replica in due:
            if me.leading:
                await _place(me, replica)


async def _place(me: Controller, replica: Row) -> None:
    waiting = me.queue.waiting[replica.key]
    held = await known_reservation(me, replica)
    if held is None:
        room = await _room(me, replica, waiting.doubtful)
        waiting.doubtful = False
        if room is None:
            await _back_off(me, replica, "store_error")
            return
        lack = room.lacks()
        if lack is not None:
            await _mark(me, replica, room, lack)
            await _back_off(me, replica, "unschedulable")
            return
        held, problem = await reserve(me, replica, room.quota, room.fitting[0], room.source)
        if held is None:
            waiting.doubtful = problem == "conflict"
            await _back_off(me, replica, problem)
            return
    hindrance = await bind(me, replica, held, waiting)
    if hindrance is not None:
        await _back_off(me, replica, hindrance)


async def _back_off(me: Controller, replica: Row, reason: str) -> None:
    attempt, delay_us = me.queue.back_off(replica.key, await Now(), me.config.backoff_us, me.config.backoff_max_us)
    await Emit((said_of(replica, ReplicaRequeued(attempt=attempt, delay_us=delay_us), term=me.term, reason=reason),))


async def _room(me: Controller, replica: Row, doubtful: bool) -> Room | None:
    """The room as the caches know it; read from the store where they say that there is none. None: the store did not answer."""
    name = quota_of(replica)
    quota = me.caches["quota"].rows.get(name)
    if quota is not None and not doubtful:
        known = Room("cache", quota, _fitting(replica, me.caches["node"].list()))
        if known.lacks() is None or me.bugs.has(LAG_COUNTS_AS_SHORTAGE):
            return known
    try:
        quota = await Read("quota", name)
        nodes = await List("node", {"zone": replica["zone"]}, label="node.list")
    except StoreDown:
        return None
    return Room("store", quota, _fitting(replica, nodes)) if quota is not None else None


def _fitting(replica: Row, nodes: list[Row]) -> list[Row]:
    """The nodes that a replica may run on and that have room, the emptiest first. Policy, so a plain function."""
    found = [
        node
        for node in nodes
        if node["state"] == "ready"
        and node["healthy"]
        and node["zone"] == replica["zone"]
        and node["pool"] == replica["pool"]
        and node["taint"] in (None, replica["tolerates"])
        and node.number("used") < node.number("slots")
    ]
    return sorted(found, key=lambda node: (node.number("used") - node.number("slots"), node.key))


async def _mark(me: Controller, replica: Row, room: Room, lack: str) -> None:
    """Say on the replica's row that there is no room: the autoscaler reads it there."""
    said = ReplicaUnschedulable(
        source=room.source, quota=room.quota.key, quota_version=room.quota.version, quota_free=free(room.quota), nodes_fit=len(room.fitting)
    )
    inputs = (seen(room.quota, room.source),)
    event = said_of(replica, said, term=me.term, reason=lack, inputs=inputs)
    changes = {"unschedulable": lack, **({"marked_since_us": STORE_NOW} if replica["unschedulable"] != lack else {})}
    await Commit((Put("replica", replica.key, changes, {"phase": "pending"}), fence(me)), (event,), "replica.mark")
