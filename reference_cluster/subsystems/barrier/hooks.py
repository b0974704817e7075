"""The hooks of a unit, and Juju's agent in its pod, which runs them: one at a time, each until it has succeeded."""

from __future__ import annotations

from ingest.events.barrier import BarrierStartRequested, BarrierStopRequested
from reference_cluster.effects import Call, Emit, List, Random, Receive, Reply, Request, Said, Sleep, Start, StoreDown, Watch
from reference_cluster.records import Change
from reference_cluster.subsystems.barrier import k6
from reference_cluster.subsystems.barrier.databags import APPLICATION, TABLE, read_bags
from reference_cluster.subsystems.barrier.leader import lead, open_barrier, stop_barrier
from reference_cluster.subsystems.barrier.member import follow, note_ended, note_ready
from reference_cluster.subsystems.barrier.messages import (
    Carried,
    EndedNotice,
    Leave,
    ReadyNotice,
    RelationChanged,
    StartTest,
    StopTest,
    UpdateStatus,
)
from reference_cluster.subsystems.barrier.unit import Hook, HookFailed, Unit, boot, leave, say_failed
from reference_cluster.subsystems.delay import some_time
from reference_cluster.wire import Message

WATCH_RETRY_US = 1_000_000


async def run_unit(unit: Unit) -> None:
    """Bring the pod up, then run all its programs."""
    await boot(unit)
    await Start(k6.serve_pebble(unit), "k6")
    await Start(k6.serve_api(unit), "k6")
    await Start(run_hooks(unit), "charm")
    await Start(deliver_changes(unit), "agent")
    await Start(deliver_ticks(unit), "agent")


# The charm


async def run_hooks(unit: Unit) -> None:
    """Run what Juju, Pebble and operators ask for, in the order in which they asked."""
    while True:
        request = await Receive(f"{unit.name}/hooks")
        if isinstance(request.message, Leave):
            await leave(unit)
        elif isinstance(request.message, StartTest | StopTest):
            await _run_action(unit, request)
        else:
            while not await _succeeds(unit, request.message):
                await Sleep(unit.config.hook_retry_us)
            await Reply(request, Carried())


async def _run_action(unit: Unit, request: Request) -> None:
    """An action that fails is not run again: the operator is told."""
    try:
        refused = await _run(unit, request.message)
    except (HookFailed, StoreDown) as error:
        await say_failed(unit, _name(request.message), error)
        refused = str(error)
    if refused is None:
        await Reply(request, Carried())
    else:
        await Reply(request, refused=refused)


async def _succeeds(unit: Unit, message: Message) -> bool:
    try:
        await _run(unit, message)
    except (HookFailed, StoreDown) as error:
        await say_failed(unit, _name(message), error)
        return False
    return True


def _name(message: Message) -> str:
    return message.name.partition(".")[2]


async def _run(unit: Unit, message: Message) -> str | None:
    """One hook: what it is about, then this unit's part, then the leader's duty. The reason where an action is refused.

    What an action has decided stands before anything is done for it.
    """
    await some_time(unit.world.hook)
    hook = Hook(unit, _name(message), await read_bags())
    refused = None
    match message:
        case StartTest():
            await Emit((Said(BarrierStartRequested(unit=unit.name, script=message.script), APPLICATION, (unit.ref("asked"),)),))
            refused = await open_barrier(hook, message)
            await hook.flush()
        case StopTest():
            await Emit((Said(BarrierStopRequested(unit=unit.name), APPLICATION, (unit.ref("asked"),)),))
            refused = await stop_barrier(hook)
            await hook.flush()
        case ReadyNotice():
            note_ready(hook, message)
        case EndedNotice():
            note_ended(hook, message)
    await follow(hook)
    await lead(hook)
    await hook.flush()
    await hook.say_checked()
    return refused


# Juju's agent


async def deliver_changes(unit: Unit) -> None:
    """Wake the unit when others have written, late and at least once. A unit's own writes do not wake it."""
    after = await _newest(unit)
    await Call(f"{unit.id}/hooks", RelationChanged(), None)
    while True:
        try:
            changes = await Watch(TABLE, after)
        except StoreDown:
            await Sleep(WATCH_RETRY_US)
            continue
        after = changes[-1].revision if changes else after
        if any(_is_foreign(unit, change) for change in changes):
            await some_time(unit.world.delivery)
            await Call(f"{unit.id}/hooks", RelationChanged(), None)
            if await Random() < unit.world.repeated:
                await Call(f"{unit.id}/hooks", RelationChanged(), None)


async def _newest(unit: Unit) -> int:
    """The revision from which on changes are news to this pod."""
    while True:
        try:
            return max(row.revision for row in await List(TABLE))
        except StoreDown:
            await Sleep(unit.config.tick_us)


def _is_foreign(unit: Unit, change: Change) -> bool:
    if change.key == APPLICATION and change.row is not None:
        return change.row["writer"] != unit.name
    return change.key != unit.name


async def deliver_ticks(unit: Unit) -> None:
    """The regular wake-up, whatever has happened."""
    await some_time((0, unit.config.tick_us))
    while True:
        await Call(f"{unit.id}/hooks", UpdateStatus(), None)
        await Sleep(unit.config.tick_us)
