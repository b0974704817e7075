"""What workers say about their jobs, judged: is it the word of the worker that has the job, for the claim by which it has it?

A worker that was taken for dead may come back and speak of a job that another has by now, so its word counts only for its own
claim. A process may end in the moments between the start of a drain and the heartbeat that would have told it: then its end is
its answer, and nothing that it has done is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ingest.events.gang.job import JobCheckpointed, JobCompleted, JobHeartbeated, JobPreempted
from ingest.events.gang.word import (
    JobAckRejected,
    JobAckReported,
    JobCheckpointRejected,
    JobDoneRejected,
    JobDoneReported,
    JobFailRejected,
    JobFailReported,
    JobHeartbeatRejected,
    JobPreemptDelivered,
    JobSaidInVain,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import CommitResult, Committed, Conflict, Emit, Read
from reference_cluster.records import STORE_NOW, Row
from reference_cluster.subsystems.gang import drain, failing, unblock
from reference_cluster.subsystems.gang.canonical import as_stored, digest
from reference_cluster.subsystems.gang.messages import Checkpoint, Heartbeat, HeartbeatReply, JobDone, JobFail, Preempted, Report, Taken
from reference_cluster.subsystems.gang.rows import CLAIM_FENCE, advance, commit, said_of, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler
from reference_cluster.subsystems.gang.served import Refused
from reference_cluster.wire import Message

EPOCH_FIELD_RENAMED = Bug(
    name="epoch_field_renamed",
    catalogue_id="WR-01",
    subsystem="gang",
    scenario="gang_old_workers",
    detectors=("gang/epoch_mismatch_ack",),
    story="The workers' build reads the epoch of a drain by another name and finds 0: every word that a member has stopped is refused.",
)
REPORTS_NOT_FENCED = Bug(
    name="reports_not_fenced",
    catalogue_id="WR-08",
    subsystem="gang",
    scenario="gang_partitioned_worker",
    detectors=("gang/stale_epoch_accepted",),
    story="Whoever says that a running job is done is believed, also a worker that lost it long ago and went on regardless.",
)
DONE_REJECTED_IN_DRAIN = Bug(
    name="done_rejected_in_drain",
    catalogue_id="WR-09",
    subsystem="gang",
    scenario="gang_done_in_drain",
    detectors=("gang/lost_result",),
    story="A member that is done before it hears of the drain is refused, and its finished work is run again.",
)
FAIL_REJECTED_IN_DRAIN = Bug(
    name="fail_rejected_in_drain",
    catalogue_id="WR-10",
    subsystem="gang",
    scenario="gang_fails_in_drain",
    detectors=("gang/lost_result",),
    story="A member that fails before it hears of the drain is refused, though its attempt was given back as if it were not to blame.",
)
END_REJECTED_IN_DRAIN = Bug(
    name="end_rejected_in_drain",
    catalogue_id="WR-10b",
    subsystem="gang",
    scenario="gang_done_in_drain",
    detectors=("gang/lost_result", "gang/force_drain_cause"),
    story="However a member ends before it hears of the drain, it is refused, nobody answers for it, and the round waits 45 s.",
)
TRIES = 4
Accept = Callable[[Row], Awaitable[CommitResult | None]]


def _unmet(s: Scheduler, row: Row, report: Report, states: tuple[str, ...], epoch: int | None = None) -> dict[str, str] | None:
    """What stands against a report: the first of state, worker, claim and epoch that is not as it must be."""
    if row["state"] not in states:
        return {"fence": "state", "want": " or ".join(states), "got": row.text("state")}
    if not s.bugs.has(REPORTS_NOT_FENCED):
        if row["worker"] not in (report.worker, None):
            return {"fence": "worker", "want": str(row["worker"]), "got": report.worker}
        if row["claim"] != report.claim:
            return {"fence": "claim", "want": str(row["claim"]), "got": str(report.claim)}
    if epoch is not None and row["epoch"] != epoch:
        return {"fence": "epoch", "want": str(row["epoch"]), "got": str(epoch)}
    return None


def _own(report: Report) -> dict[str, Any]:
    return {"reported_by": report.worker, "reported_claim": report.claim}


async def _reject(row: Row, report: Report, kind: type[JobSaidInVain], unmet: dict[str, str], **own: Any) -> None:
    """Say the 409, then give it."""
    said = kind.model_validate({**_own(report), "state": row["state"], **unmet, **own})
    await Emit((said_of(row, said, worker=report.worker, reason=unmet["fence"]),))
    raise Refused(f"409 {unmet['fence']}")


async def _row_of(report: Report) -> Row:
    row = await Read("job", report.job)
    if row is None:
        raise Refused("no_such_job")
    return row


async def _settle(row: Row, report: Report, result: CommitResult | None) -> bool:
    """Whether a write was made. One that was refused is judged anew by the caller; where the store is away, the worker asks again."""
    if isinstance(result, Committed):
        return True
    if result is not None:
        await say_missed(row, "api", result, report.worker)
    if not isinstance(result, Conflict):
        raise Refused("unavailable")
    return False


def _note_stale(s: Scheduler, row: Row, report: Report) -> None:
    if row["claim"] != report.claim:
        s.bugs.struck(REPORTS_NOT_FENCED, row.key)


async def heartbeat(s: Scheduler, report: Heartbeat) -> Message:
    """The process is alive; where its gang is being drained, the answer tells it to stop."""
    for _ in range(TRIES):
        row = await _row_of(report)
        unmet = _unmet(s, row, report, ("running", "preempting"))
        if unmet is not None:
            await _reject(row, report, JobHeartbeatRejected, unmet)
        if row["state"] == "preempting":
            await Emit((said_of(row, JobPreemptDelivered(reported_by=report.worker), worker=report.worker),))
            return HeartbeatReply(action="preempt", preemption_epoch=row.number("epoch"))
        changes = {"heartbeat_us": STORE_NOW}
        move = advance(row, "heartbeat", JobHeartbeated, changes=changes, worker=report.worker, **_own(report))
        if await _settle(row, report, await commit([move])):
            _note_stale(s, row, report)
            return HeartbeatReply(action="", preemption_epoch=0)
    raise Refused("unavailable")


async def checkpoint(s: Scheduler, report: Checkpoint) -> Message:
    """Keep a member's work: only while it is preempting, and only for the round that it was told of."""
    for _ in range(TRIES):
        row = await _row_of(report)
        unmet = _unmet(s, row, report, ("preempting",), report.epoch)
        if unmet is not None:
            await _reject(row, report, JobCheckpointRejected, unmet, want_epoch=row["epoch"], got_epoch=report.epoch)
        move = advance(
            row,
            "save",
            JobCheckpointed,
            changes={"checkpoint": as_stored(report.data)},
            checkpoint_digest=digest(report.data),
            checkpoint_bytes=len(report.data),
            **_own(report),
        )
        if await _settle(row, report, await commit([move])):
            return Taken()
    raise Refused("unavailable")


async def acknowledge(s: Scheduler, report: Preempted) -> Message:
    """A member has stopped as it was told to: the epoch must be that of the round."""
    await Emit((said_of(await _row_of(report), JobAckReported(got_epoch=report.epoch, **_own(report)), worker=report.worker),))
    for _ in range(TRIES):
        row = await _row_of(report)
        if row["state"] == "preempted" and row["claim"] == report.claim and row["epoch"] == report.epoch:
            return Taken()
        unmet = _unmet(s, row, report, ("preempting",), report.epoch)
        if unmet is not None:
            if unmet["fence"] == "epoch":
                s.bugs.struck(EPOCH_FIELD_RENAMED, row.key)
            await _reject(row, report, JobAckRejected, unmet, want_epoch=row["epoch"], got_epoch=report.epoch)
        move = advance(row, "stop", JobPreempted, reason="acked", **_own(report))
        if await _settle(row, report, await commit([move])):
            return Taken()
    raise Refused("unavailable")


@dataclass(frozen=True, slots=True)
class End:
    """How a process ends by its own, and what becomes of that."""

    said: type[JobDoneReported | JobFailReported]
    rejected: type[JobSaidInVain]
    bugs: tuple[Bug, ...]
    """Those that refuse such an end during a drain."""


DONE = End(JobDoneReported, JobDoneRejected, (DONE_REJECTED_IN_DRAIN, END_REJECTED_IN_DRAIN))
FAILED = End(JobFailReported, JobFailRejected, (FAIL_REJECTED_IN_DRAIN, END_REJECTED_IN_DRAIN))


async def done(s: Scheduler, report: JobDone) -> Message:
    """The work is done; its result stands, also where a drain has just begun."""
    return await _end(s, report, DONE)


async def fail(s: Scheduler, report: JobFail) -> Message:
    """The process failed: try again, drain the gang, or give up."""
    return await _end(s, report, FAILED)


async def _end(s: Scheduler, report: JobDone | JobFail, end: End) -> Message:
    await Emit((said_of(await _row_of(report), end.said(**_own(report)), worker=report.worker),))
    refusing = [bug for bug in end.bugs if s.bugs.has(bug)]
    for _ in range(TRIES):
        row = await _row_of(report)
        if _taken_already(row, report):
            return Taken()
        unmet = _unmet(s, row, report, ("running",) if refusing else ("running", "preempting"))
        if unmet is not None:
            if row["state"] == "preempting" and row["claim"] == report.claim:
                for bug in refusing:
                    s.bugs.struck(bug, row.key)
            await _reject(row, report, end.rejected, unmet)
        if await _settle(row, report, await _ended(s, row, report)):
            _note_stale(s, row, report)
            await unblock.promote(s)
            return Taken()
    raise Refused("unavailable")


def _taken_already(row: Row, report: Report) -> bool:
    """The answer to an earlier report was lost: it has taken effect, and the job is no other's since."""
    return row["claim"] == report.claim and row["state"] not in ("running", "preempting") and row["ended_by"] == report.worker


async def _ended(s: Scheduler, row: Row, report: JobDone | JobFail) -> CommitResult | None:
    by = {"ended_by": report.worker}
    if row["state"] == "preempting" and isinstance(report, JobDone):
        kept = {**by, "checkpoint": as_stored(report.result)}
        return await commit([advance(row, "stop", JobPreempted, changes=kept, reason="finished", **_own(report))])
    if row["state"] == "preempting":
        charged = {**by, "attempts": row.number("attempts") + 1}
        return await commit([advance(row, "stop", JobPreempted, changes=charged, reason="failed", **_own(report))])
    if isinstance(report, JobDone):
        fence = ("state",) if s.bugs.has(REPORTS_NOT_FENCED) else CLAIM_FENCE
        return await commit([advance(row, "finish", JobCompleted, changes=by, fence=fence, worker=report.worker, **_own(report))])
    return await failing.fail(s, drain.Trigger(row, "reported_failure", report.worker, report.claim))
