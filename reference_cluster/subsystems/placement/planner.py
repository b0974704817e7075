"""Slots of nodes that are gone, and slots without a place: every scheduler looks, and the first to commit has done it.

A node that loses its lease keeps its slots for a grace, in which it may come back; then they are placed anew. Where
there is no room for all, as many are placed as can be, and the others as soon as there is room for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.events.placement import InstanceLost, SchedulePassed
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Conflict, Sleep, StoreDown
from reference_cluster.records import Put
from reference_cluster.subsystems.delay import some_time
from reference_cluster.subsystems.placement.instances import INSTANCE, advanced
from reference_cluster.subsystems.placement.packing import Room
from reference_cluster.subsystems.placement.schedule import Picture, Plan, Slot, commit, look, spec_of
from reference_cluster.subsystems.placement.scheduler import Scheduler

LOSER_GIVES_UP = Bug(
    name="loser_gives_up",
    catalogue_id="OZ-04",
    subsystem="placement",
    scenario="placement_race_for_slots",
    detectors=("placement/slot_holder_dead",),
    story="A scheduler that loses the race to commit does not compute again, although the winner was about something else.",
)
LOSER_KEEPS_ITS_READING = Bug(
    name="loser_keeps_its_reading",
    catalogue_id="OZ-05",
    subsystem="placement",
    scenario="placement_machine_dies",
    detectors=("placement/contention_herd",),
    story="A scheduler that loses the race computes again from what it had read, and loses again, until its next pass.",
)
PARTIAL_FIT_FORGOTTEN = Bug(
    name="partial_fit_forgotten",
    catalogue_id="OZ-06",
    subsystem="placement",
    scenario="placement_partial_fit",
    detectors=("placement/unplaced_with_capacity",),
    story="A slot for which there was no room is never placed when there is room again.",
)
LOOKED = "looked"
"""Table in which each scheduler leaves word of its latest pass."""
STALE_TRIES_MAX = 20
HERD = 12


async def plan(scheduler: Scheduler) -> None:
    """Pass after pass. Every survivor wakes when the grace of a node ends, so that they race."""
    while True:
        wait_us = scheduler.config.tick_us
        try:
            picture = await look()
            wait_us = min(wait_us, _until_due(scheduler, picture))
            await _say(scheduler, picture)
            await _mend(scheduler, picture)
        except StoreDown:
            wait_us = scheduler.config.lease_retry_us
        await Sleep(wait_us)


def _gone(picture: Picture) -> list[str]:
    """Nodes without a lease that hold slots, in order of name."""
    holding = {str(slot["node"]) for slot in picture.slots.values()}
    return sorted(name for name, node in picture.nodes.items() if node["state"] == "expired" and name in holding)


def _until_due(scheduler: Scheduler, picture: Picture) -> int:
    """Time until the grace of the next node ends, by the store's clock."""
    waits = (scheduler.config.replace_grace_us - picture.nodes[name].age_us("expired_us") for name in _gone(picture))
    return min((wait for wait in waits if wait > 0), default=scheduler.config.tick_us)


async def _say(scheduler: Scheduler, picture: Picture) -> None:
    free = picture.free().get(scheduler.node, Room(0, 0))
    passed = SchedulePassed(
        version=picture.row.version,
        unplaced=len(picture.unplaced()),
        expired=len(_gone(picture)),
        free_memory_mb=free.memory_mb,
        free_disk_mb=free.disk_mb,
    )
    said = scheduler.said(passed, inputs=(picture.row.seen(),))
    await Commit((Put(LOOKED, scheduler.node, {"version": picture.row.version}, {}),), (said,), "schedule.passed")


async def _mend(scheduler: Scheduler, picture: Picture) -> None:
    """Place what needs a place; after a lost race look again, until there is nothing left to place. Raises StoreDown."""
    attempt, first = 1, picture
    while (made := _plan(scheduler, picture)) is not None:
        await some_time(scheduler.world.compute)
        result = await commit(scheduler, made, attempt)
        if isinstance(result, Conflict):
            if scheduler.bugs.has(LOSER_GIVES_UP):
                scheduler.given_up.add(made.trigger_id)
                return
            if scheduler.bugs.has(LOSER_KEEPS_ITS_READING) and attempt < STALE_TRIES_MAX:
                if attempt == HERD:
                    scheduler.bugs.struck(LOSER_KEEPS_ITS_READING, made.trigger_id)
                picture, attempt = first, attempt + 1
                continue
        elif not isinstance(result, Committed):
            await Sleep(scheduler.config.lease_retry_us)
        picture, attempt = await look(), attempt + 1


def _plan(scheduler: Scheduler, picture: Picture) -> Plan | None:
    """The schedule that mends what can be mended; None where nothing can."""
    grace_us = scheduler.config.replace_grace_us
    due = [name for name in _gone(picture) if picture.nodes[name].age_us("expired_us") >= grace_us]
    trigger_id = "+".join(f"{name}@{picture.nodes[name]['term']}" for name in due) or "+".join(picture.unplaced())
    if trigger_id in scheduler.given_up:
        return None
    made = Plan(picture, "node_expired" if due else "top_up", trigger_id)
    lost = [name for name, slot in picture.slots.items() if slot["node"] in due]
    waiting = [] if scheduler.bugs.has(PARTIAL_FIT_FORGOTTEN) else picture.unplaced()
    _give_up(made, due, lost)
    wanted: dict[str, Slot] = {name: picture.slots[name] for name in [*lost, *waiting]}
    made.place(wanted, {name: spec_of(job) for name, job in picture.jobs.items()})
    return made if lost or made.placed else None


def _give_up(made: Plan, due: Sequence[str], lost: Sequence[str]) -> None:
    """The instances of nodes that are gone are lost; a node that has come back meanwhile refuses the whole commit."""
    made.expect_nodes(due, "expired")
    for slot in lost:
        row = made.picture.instance(slot)
        if row is None or not INSTANCE.allows(row.text("state"), "lose"):
            continue
        put, said, _ = advanced(row, "lose", InstanceLost, reason="node_expired")
        made.writes.append(put)
        made.events.append(said)
