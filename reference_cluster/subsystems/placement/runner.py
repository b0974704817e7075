"""The schedule against the containers of this node: start what is allocated, end what is not, start again what ended.

Each pass compares two lists and acts on what differs, so a step that was lost on the way is taken again. What the passes
before began is left to the program that does it.

Stories of the planted bugs: upstream's own commit message says that a launch that fails after the pod was made leaves the
pod; and a row that ends before its container does leaves one that no list of instances shows.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.events.placement import (
    InstanceEnded,
    InstanceLaunchFailed,
    InstanceStarted,
    InstanceStarting,
    InstanceStopped,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, List, Said, Sleep, Start, StoreDown
from reference_cluster.records import Row
from reference_cluster.subsystems.placement import health
from reference_cluster.subsystems.placement.instances import LIVING, move, refs
from reference_cluster.subsystems.placement.messages import (
    Containers,
    ContainerSeen,
    CreateContainer,
    LaunchContainer,
    ListContainers,
    StopContainer,
)
from reference_cluster.subsystems.placement.scheduler import Scheduler

BACKOFF_US = 2_000_000

HALF_CREATED_LEFT = Bug(
    name="half_created_left",
    catalogue_id="OZ-01",
    subsystem="placement",
    scenario="placement_launch_failures",
    detectors=("placement/running_without_allocation",),
    story="A launch that fails after its container was made leaves the container, and nothing looks for such ones.",
)
ENDED_BEFORE_STOPPED = Bug(
    name="ended_before_stopped",
    catalogue_id="OZ-09",
    subsystem="placement",
    scenario="placement_crash_while_ending",
    detectors=("placement/running_without_allocation",),
    story="An instance's row ends before its container is stopped, and no pass looks for containers without a row.",
)

Listed = Mapping[str, ContainerSeen]


async def run(scheduler: Scheduler) -> None:
    """Pass after pass, for as long as the process lives."""
    while True:
        await pass_once(scheduler)
        await Sleep(scheduler.config.tick_us)


async def pass_once(scheduler: Scheduler) -> None:
    """One pass. Where the store or the runtime does not answer, nothing is touched: containers run on meanwhile."""
    lists = await _both(scheduler)
    if lists is None:
        return
    rows, listed = lists
    for container in _strays(scheduler, rows, listed):
        await Start(_clear_away(scheduler, container, "stray"), "runner")
    for row in rows.values():
        if row.key not in scheduler.busy:
            await _act(scheduler, row, listed.get(row.text("container")))


async def _both(scheduler: Scheduler) -> tuple[dict[str, Row], Listed] | None:
    """What the store wants on this node, and what its runtime has; the store first, so that the containers are the newer list."""
    where = {"node": scheduler.node, "state": (*LIVING, "terminating")}
    try:
        rows = {row.key: row for row in await List("instance", where, label="runner.list")}
        reply = await Call(f"{scheduler.runtime}/runtime", ListContainers(), scheduler.config.call_timeout_us)
    except (StoreDown, CallTimedOut, CallRefused):
        return None
    assert isinstance(reply, Containers)
    return rows, {seen.container: seen for seen in reply.containers}


def _strays(scheduler: Scheduler, rows: Mapping[str, Row], listed: Listed) -> list[str]:
    """Containers that no row speaks of."""
    found = []
    for seen in listed.values():
        row = rows.get(seen.instance)
        if seen.instance in scheduler.busy or seen.state == "stopping" or (row is not None and row["container"] == seen.container):
            continue
        if scheduler.bugs.has(ENDED_BEFORE_STOPPED) or (scheduler.bugs.has(HALF_CREATED_LEFT) and seen.state == "created"):
            continue
        found.append(seen.container)
    return found


async def _act(scheduler: Scheduler, row: Row, seen: ContainerSeen | None) -> None:
    state, running = row["state"], seen is not None and seen.state == "running"
    if state == "terminating":
        await _begin(scheduler, row, "end")
    elif state in ("allocated", "starting"):
        await _begin(scheduler, row, "start")
    elif state == "stopped" or (seen is not None and seen.state == "stopping"):
        return
    elif not running:
        await _gone(scheduler, row, seen)
    elif row.key in scheduler.sick and state == "unhealthy":  # a pass may still hold the row from before it was found sick
        scheduler.sick.discard(row.key)
        await _begin(scheduler, row, "start")
    elif row.text("container") not in scheduler.checked:
        scheduler.checked.add(row.text("container"))
        await Start(health.watch(scheduler, row), "health")


async def _begin(scheduler: Scheduler, row: Row, what: str) -> None:
    scheduler.busy.add(row.key)
    await Start(_end(scheduler, row) if what == "end" else _start(scheduler, row), "runner")


async def _gone(scheduler: Scheduler, row: Row, seen: ContainerSeen | None) -> None:
    """The container of an instance runs no more: its record goes at once, then the restart policy decides."""
    now: Row | None = row
    if row["state"] == "healthy":
        now = await health.turn_unhealthy(row, 0, health.GONE)
    if now is None:
        return
    exit_code = seen.exit_code if seen is not None else 137
    if health.restarts(now, exit_code):
        await _begin(scheduler, now, "start")
    else:
        await move(now, "stop", InstanceStopped, reason=now.text("restart"), exit_code=exit_code)


async def _start(scheduler: Scheduler, row: Row) -> None:
    """Make a container and launch it; one that did not come up is cleared away, and a later pass tries again."""
    try:
        if row["container"] and not (row["state"] == "starting" and scheduler.bugs.has(HALF_CREATED_LEFT)):
            await _clear(scheduler, row.text("container"), "restart")
        tries = row.number("tries") + 1
        container = f"{row.key}-{tries}"
        starting = await move(row, "start", InstanceStarting, tries=tries, container=container)
        if starting is None:
            return
        if not await _launch(scheduler, starting, container):
            await Sleep(BACKOFF_US)
            return
        await move(starting, "run", InstanceStarted, container=container)
    finally:
        scheduler.busy.discard(row.key)


async def _launch(scheduler: Scheduler, row: Row, container: str) -> bool:
    config = scheduler.config
    outcome, reason = "failed", ""
    try:
        create = CreateContainer(container=container, instance=row.key, slot=row.text("slot"))
        await Call(f"{scheduler.runtime}/runtime", create, config.call_timeout_us)
        await Call(f"{scheduler.runtime}/runtime", LaunchContainer(container=container), config.launch_timeout_us)
    except CallRefused as refused:
        reason = refused.reason
    except CallTimedOut:
        outcome, reason = "unknown", "timeout"
    else:
        return True
    failed = InstanceLaunchFailed(container=container)
    await Emit((Said(failed, row.key, refs=refs(row), outcome=outcome, reason=reason, workload=row.text("job")),))
    if not scheduler.bugs.has(HALF_CREATED_LEFT):
        await _clear(scheduler, container, "launch_failed")
    return False


async def _end(scheduler: Scheduler, row: Row) -> None:
    """Stop the container, delete its local storage, then end the row: in that order a crash leaves nothing behind."""
    try:
        if scheduler.bugs.has(ENDED_BEFORE_STOPPED):
            if await move(row, "end", InstanceEnded) is not None:
                await _clear(scheduler, row.text("container"), "dropped")
        elif await _clear(scheduler, row.text("container"), "dropped"):
            await move(row, "end", InstanceEnded)
    finally:
        scheduler.busy.discard(row.key)


async def _clear(scheduler: Scheduler, container: str, why: str) -> bool:
    """Stop a container and remove it; local storage outlives a restart. True where nothing is left of it."""
    if not container:
        return True
    stop = StopContainer(container=container, why=why, with_storage=why != "restart")
    try:
        await Call(f"{scheduler.runtime}/runtime", stop, scheduler.config.stop_us + scheduler.config.call_timeout_us)
    except (CallTimedOut, CallRefused):
        return False
    return True


async def _clear_away(scheduler: Scheduler, container: str, why: str) -> None:
    """The same beside other work; where it fails, a later pass finds the container again."""
    await _clear(scheduler, container, why)


async def hold_against_schedule(scheduler: Scheduler) -> tuple[int, int]:
    """Stop the containers that the schedule does not want here; how many it wants, and how many were stopped."""
    while (lists := await _both(scheduler)) is None:
        await Sleep(scheduler.config.lease_retry_us)
    rows, listed = lists
    strays = _strays(scheduler, rows, listed)
    for container in strays:
        await Start(_clear_away(scheduler, container, "stray"), "runner")
    return len(listed) - len(strays), len(strays)


async def stop_everything(scheduler: Scheduler) -> tuple[int, list[str]]:
    """Stop every container of the node, whatever the schedule says; how many there were, and which of those that ran it wants here."""
    while (lists := await _both(scheduler)) is None:
        await Sleep(scheduler.config.lease_retry_us)
    rows, listed = lists
    for container in listed:
        await Start(_clear_away(scheduler, container, "killed_all"), "runner")
    running = {seen.container for seen in listed.values() if seen.state == "running"}
    return len(listed), [row.text("container") for row in rows.values() if row["state"] in LIVING and row["container"] in running]
