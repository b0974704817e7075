"""Gangs and jobs are submitted; workers join, check in and leave. Everything may be asked twice and happens once."""

from __future__ import annotations

from dataclasses import replace

from ingest.events.base import Decision
from ingest.events.gang.gang import GangSubmitted
from ingest.events.gang.job import JobSubmitted
from ingest.events.gang.worker import WorkerCheckedIn, WorkerMarkedOffline, WorkerRegistered
from reference_cluster.effects import Commit, CommitResult, Committed, Conflict, Read, Said
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.gang import unblock
from reference_cluster.subsystems.gang.canonical import digest
from reference_cluster.subsystems.gang.messages import CheckIn, Leave, Register, SubmitGang, SubmitJob, Taken
from reference_cluster.subsystems.gang.rows import NEW_JOB, WORKER, Move, commit, gang_refs, said_of
from reference_cluster.subsystems.gang.scheduler import Scheduler
from reference_cluster.subsystems.gang.served import Refused
from reference_cluster.wire import Message


def _new(key: str, payload: str, *, gang: str | None, size: int, ordinal: int, priority: int, cpu: int, after: tuple[str, ...]) -> Move:
    """The row of a new job with its event."""
    state = "blocked" if gang is not None or after else "pending"
    own = {"state": state, "gang": gang, "size": size, "ordinal": ordinal, "priority": priority, "cpu": cpu, "after": after}
    fields: dict[str, object] = {**NEW_JOB, **own, "payload": payload, "submitted_us": STORE_NOW}
    row = Row("job", key, 0, 0, 0, fields)
    event = JobSubmitted(
        to_state=state,
        gang=gang,
        claim=0,
        attempts_from=0,
        attempts=0,
        cpu=cpu,
        ordinal=ordinal,
        priority=priority,
        payload_digest=digest(payload),
    )
    said = said_of(row, event)
    said = replace(said, refs=(*said.refs, *unblock.dependencies(row)), inputs=())
    return Move(Put("job", key, fields, None), said, row)


def _taken(result: CommitResult) -> Message:
    """A row that is there already was written by the same request before."""
    if isinstance(result, Committed) or (isinstance(result, Conflict) and result.fence == "row_exists"):
        return Taken()
    raise Refused("unavailable")


async def submit_gang(_: Scheduler, wanted: SubmitGang) -> Message:
    """All members wait, blocked, until the whole gang is admitted."""
    size = len(wanted.payloads)
    moves = [
        _new(
            f"{wanted.gang}/{ordinal}",
            payload,
            gang=wanted.gang,
            size=size,
            ordinal=ordinal,
            priority=wanted.priority,
            cpu=wanted.cpu,
            after=(),
        )
        for ordinal, payload in enumerate(wanted.payloads)
    ]
    refs = gang_refs([move.after for move in moves])
    said = Said(GangSubmitted(size=size, priority=wanted.priority), wanted.gang, refs=refs, workload=wanted.gang, epoch=0)
    return _taken(await commit(moves, said))


async def submit_job(s: Scheduler, wanted: SubmitJob) -> Message:
    """A job is pending at once, or blocked while it waits for others."""
    move = _new(wanted.job, wanted.payload, gang=None, size=1, ordinal=0, priority=wanted.priority, cpu=wanted.cpu, after=wanted.after)
    taken = _taken(await commit([move]))
    if wanted.after:
        await unblock.promote(s)
    return taken


async def register(_: Scheduler, worker: Register) -> Message:
    """A worker is there."""
    row = {"state": "active", "instance": worker.instance, "cpu": worker.cpu}
    said = WorkerRegistered(to_state="active", instance=worker.instance, cpu=worker.cpu, build=worker.build)
    return _taken(await Commit((Put("worker", worker.worker, row, None),), (Said(said, worker.worker),), "worker.registered"))


async def check_in(_: Scheduler, worker: CheckIn) -> Message:
    """A worker is alive; one that had been marked offline is counted again."""
    row = await _row_of(worker.worker)
    state = WORKER.target(row.key, row.text("state"), "check_in")
    said = WorkerCheckedIn(from_state=row.text("state"), to_state=state, busy_with=worker.busy_with)
    return _taken(await _write(row, state, said))


async def leave(_: Scheduler, worker: Leave) -> Message:
    """A worker has ended what it had and is not counted any more."""
    row = await _row_of(worker.worker)
    if row["state"] == "offline":
        return Taken()
    state = WORKER.target(row.key, row.text("state"), "leave")
    said = WorkerMarkedOffline(from_state=row.text("state"), to_state=state, age_us=0)
    return _taken(await _write(row, state, said, "stopped"))


async def _row_of(worker: str) -> Row:
    row = await Read("worker", worker)
    if row is None:
        raise Refused("not_registered")
    return row


async def _write(row: Row, state: str, said: Decision, reason: str | None = None) -> CommitResult:
    put = Put("worker", row.key, {"state": state}, {"version": row.version})
    return await Commit((put,), (Said(said, row.key, reason=reason, inputs=(row.seen(),)),), type(said).kind)
