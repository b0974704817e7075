"""A worker asks for work, is offered a job, and claims it: first what is reserved for it, then the oldest job that waits.

Offer and claim are two messages, and minutes may lie between them. So the claim carries the reservation that was offered, and
where that has been taken back in the meantime, or made anew, it is refused.
"""

from __future__ import annotations

from ingest.events.gang.job import JobClaimed
from ingest.events.gang.word import JobClaimRefused, JobOffered
from reference_cluster.bugs import Bug
from reference_cluster.effects import Committed, Conflict, Emit, List, Random, Read, outcome_of
from reference_cluster.records import STORE_NOW, Row
from reference_cluster.subsystems.gang.admission import UNSIZED_GANGS_TAKE_NO_ROOM
from reference_cluster.subsystems.gang.canonical import digest
from reference_cluster.subsystems.gang.failing import LONE_MEMBER_REQUEUED_FIRST
from reference_cluster.subsystems.gang.messages import Claim, Claimed, NoWork, Offer, Poll
from reference_cluster.subsystems.gang.rows import CLAIM_FENCE, Move, advance, commit, gang_of, missed, said_of
from reference_cluster.subsystems.gang.scheduler import Scheduler
from reference_cluster.subsystems.gang.served import Refused
from reference_cluster.wire import Message

RESERVATION_NOT_CHECKED = Bug(
    name="reservation_not_checked",
    catalogue_id="WR-13",
    subsystem="gang",
    scenario="gang_cold_start",
    detectors=("gang/stale_epoch_accepted",),
    story="A claim is taken by whatever reservation the worker holds, also by one that was taken back and made anew.",
)
PLAIN_JOBS_NOT_COUNTED = Bug(
    name="plain_jobs_not_counted",
    catalogue_id="WR-17",
    subsystem="gang",
    scenario="gang_busy_workers",
    detectors=("gang/reservation_churn",),
    story="A plain job's row does not say which worker runs it, so that gangs are reserved on busy workers again and again.",
)


async def offer(s: Scheduler, poll: Poll) -> Message:
    """A job that the worker may claim."""
    reserved = await List("job", {"worker": poll.worker, "state": "reserved"})
    found = await _one_of(s, reserved) if reserved else await _oldest(poll)
    if found is None:
        return NoWork()
    reservation = found.number("reservation") if found["state"] == "reserved" else None
    offered = JobOffered(path=_path(found), offered_reservation=reservation)
    await Emit((said_of(found, offered, worker=poll.worker),))
    return Offer(job=found.key, reservation=reservation)


async def _one_of(s: Scheduler, reserved: list[Row]) -> Row:
    """Where nobody asked for an order, the store gives any."""
    if s.bugs.has(UNSIZED_GANGS_TAKE_NO_ROOM):
        return reserved[int(len(reserved) * await Random())]
    return min(reserved, key=lambda row: (row.number("reserved_us"), row.key))


async def _oldest(poll: Poll) -> Row | None:
    pending = [row for row in await List("job", {"state": "pending"}) if row.number("cpu") <= poll.cpu]
    return min(pending, key=lambda row: (-row.number("priority"), row.number("submitted_us"), row.key), default=None)


def _path(row: Row) -> str:
    return "reservation" if row["state"] == "reserved" else "queue"


async def claim(s: Scheduler, claim: Claim) -> Message:
    """The job is the worker's, if it still is what was offered."""
    row = await Read("job", claim.job)
    if row is None:
        raise Refused("no_such_job")
    unmet = _unmet(s, row, claim)
    if unmet is not None:
        await _refuse(row, claim, "stale_reservation" if unmet["fence"] == "reservation" else "lost_race", unmet)
    move = _claimed(s, row, claim)
    result = await commit([move])
    if not isinstance(result, Committed):
        reason = "lost_race" if isinstance(result, Conflict) else "store_error"
        await _refuse(row, claim, reason, missed(result), outcome_of(result))
    if claim.reservation is not None and claim.reservation != row["reservation"]:
        s.bugs.struck(RESERVATION_NOT_CHECKED, row.key)
    if row["gang"] is not None and claim.reservation is None:
        s.bugs.struck(LONE_MEMBER_REQUEUED_FIRST, row.key)
    return Claimed(
        job=row.key,
        gang=gang_of(row),
        gang_size=row.number("size"),
        claim=move.after.number("claim"),
        attempt=move.after.number("attempts"),
        payload=row.text("payload"),
        checkpoint_data=row.text("checkpoint") if row["checkpoint"] is not None else None,
    )


def _unmet(s: Scheduler, row: Row, claim: Claim) -> dict[str, str] | None:
    """What of the offer does not hold any more."""
    state = "pending" if claim.reservation is None else "reserved"
    if row["state"] != state:
        return {"fence": "state", "want": state, "got": row.text("state")}
    if claim.reservation is None:
        return None
    if row["worker"] != claim.worker:
        return {"fence": "worker", "want": claim.worker, "got": str(row["worker"])}
    if row["reservation"] != claim.reservation and not s.bugs.has(RESERVATION_NOT_CHECKED):
        return {"fence": "reservation", "want": str(claim.reservation), "got": str(row["reservation"])}
    return None


async def _refuse(row: Row, claim: Claim, reason: str, unmet: dict[str, str], outcome: str = "conflict") -> None:
    await Emit((said_of(row, JobClaimRefused(**unmet), worker=claim.worker, reason=reason, outcome=outcome),))
    raise Refused(reason)


def _claimed(s: Scheduler, row: Row, claim: Claim) -> Move:
    queued = row["state"] == "pending"
    changes: dict[str, object] = {
        "claim": row.number("claim") + 1,
        "attempts": row.number("attempts") + 1,
        "heartbeat_us": STORE_NOW,
        "ended_by": None,
        "worker": None if queued and s.bugs.has(PLAIN_JOBS_NOT_COUNTED) else claim.worker,
    }
    return advance(
        row,
        "claim",
        JobClaimed,
        changes=changes,
        fence=CLAIM_FENCE,
        worker=claim.worker,
        path=_path(row),
        reservation=None if queued else row["reservation"],
        offered_reservation=claim.reservation,
        checkpoint_digest=digest(row.text("checkpoint")) if row["checkpoint"] is not None else None,
    )
