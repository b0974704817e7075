"""Checks with thresholds, and the DNS records that follow them: an instance can be found while it is healthy, and only then.

The record is written in the commit that makes the instance healthy, and only while the node's lease is the one that this
process holds; it goes in the commit that makes it unhealthy. So a record never says what the instance's row does not.
"""

from __future__ import annotations

from typing import Any

from ingest.events.placement import DnsAdded, DnsRemoved, InstanceCheckFailed, InstanceTurnedHealthy, InstanceTurnedUnhealthy
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Commit, Committed, Emit, Read, Said, Sleep, StoreDown
from reference_cluster.records import Check, Delete, Put, Row, Write
from reference_cluster.subsystems.placement.instances import move, refs, reread
from reference_cluster.subsystems.placement.messages import CheckContainer, Checked
from reference_cluster.subsystems.placement.scheduler import Scheduler

SECOND_US = 1_000_000
OK = 200
GONE = "container_gone"


async def watch(scheduler: Scheduler, row: Row) -> None:
    """Check the container of an instance until it is another one, or is to be started again. Without checks it is healthy at once."""
    container, check = row.text("container"), row["check"]
    try:
        if isinstance(check, dict):
            await _watch(scheduler, row.key, container, check)
        elif not (await _turn_healthy(scheduler, row, 0) if row["state"] == "unhealthy" else await _find_record(scheduler, row)):
            scheduler.checked.discard(container)
    finally:
        if isinstance(check, dict):
            scheduler.checked.discard(container)


async def _watch(scheduler: Scheduler, instance: str, container: str, check: dict[str, Any]) -> None:
    passed = failed = 0
    known = False
    while True:
        await Sleep(check["interval"] * SECOND_US)
        if instance in scheduler.busy:
            return
        complaint = await _check(scheduler, container, check)
        if complaint == GONE:
            return
        passed, failed = (passed + 1, 0) if not complaint else (0, failed + 1)
        if complaint:
            await Emit((Said(InstanceCheckFailed(checks=failed), instance, refs=(scheduler.ref(),), reason=complaint),))
        known = known and not failed
        if passed < check["healthy_threshold"] and failed < check["unhealthy_threshold"]:
            continue
        row = await reread(instance)
        if row is None:
            continue
        if row["container"] != container or row["state"] not in ("unhealthy", "healthy"):
            return
        if passed and not known:
            known = bool(await _turn_healthy(scheduler, row, passed) if row["state"] == "unhealthy" else await _find_record(scheduler, row))
        elif failed and await _turn_sick(scheduler, row, failed):
            return


async def _turn_sick(scheduler: Scheduler, row: Row, failed: int) -> bool:
    """Enough checks have failed: unhealthy, and to be started again where the policy says so. True where this watch is over."""
    now: Row | None = row
    if row["state"] == "healthy":
        now = await turn_unhealthy(row, failed, "check_failed")
    if now is None or not restarts(now, 1):
        return False
    scheduler.sick.add(now.key)
    return True


def restarts(row: Row, exit_code: int) -> bool:
    """What the restart policy of an instance says about a container that ended so; a sick one counts as ended by an error."""
    return row["restart"] == "always" or (row["restart"] == "on-failure" and exit_code != 0)


async def _check(scheduler: Scheduler, container: str, check: dict[str, Any]) -> str:
    """What is wrong with the container; nothing where the check passed."""
    try:
        answer = await Call(f"{scheduler.runtime}/runtime", CheckContainer(container=container), check["timeout"] * SECOND_US)
    except CallTimedOut:
        return "timeout"
    except CallRefused as refused:
        return refused.reason
    assert isinstance(answer, Checked)
    return "" if answer.status == OK else "status"


async def _turn_healthy(scheduler: Scheduler, row: Row, passed: int) -> Row | None:
    put, held, said = _record(scheduler, row)
    return await move(row, "pass", InstanceTurnedHealthy, also=(put, held), events=(said,), checks=passed)


async def _find_record(scheduler: Scheduler, row: Row) -> bool:
    """A healthy instance in the care of a new process: a record that went with an old lease is added again."""
    try:
        if await Read("dns", row.key) is not None:
            return True
    except StoreDown:
        return False
    put, held, said = _record(scheduler, row)
    still = Check("instance", row.key, {"state": "healthy", "container": row["container"]})
    return isinstance(await Commit((put, held, still), (said,), "dns.added"), Committed)


def _record(scheduler: Scheduler, row: Row) -> tuple[Put, Check, Said]:
    """The write of an instance's record, what binds it to the node's lease, and its event."""
    job, node = row.text("job"), scheduler.node
    fields = {name: row[name] for name in ("job", "node", "container", "host")}
    added = DnsAdded(job=job, node=node, term=scheduler.term)
    held = Check("node", node, {"state": "live", "term": scheduler.term})
    return Put("dns", row.key, {**fields, "term": scheduler.term}, None), held, Said(added, row.key, refs=refs(row), workload=job)


def removal(row: Row, reason: str) -> Said:
    """The event of a record that goes with the health of its instance, or with the instance."""
    removed = DnsRemoved(job=row.text("job"), node=row.text("node"))
    return Said(removed, row.key, refs=refs(row), reason=reason, workload=row.text("job"))


async def turn_unhealthy(row: Row, checks: int, reason: str) -> Row | None:
    """A healthy instance is healthy no more; its record goes in the same commit. None where that was not committed."""
    try:
        record = await Read("dns", row.key)
    except StoreDown:
        return None
    writes: tuple[Write, ...] = ()
    events: tuple[Said, ...] = ()
    if record is not None:
        writes, events = (Delete("dns", row.key, {"version": record.version}),), (removal(row, "unhealthy"),)
    return await move(row, "fail", InstanceTurnedUnhealthy, also=writes, events=events, reason=reason, checks=checks)
