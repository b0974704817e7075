"""A job that failed, or fell silent: it is run again while it has attempts left; a member takes its whole gang with it."""

from __future__ import annotations

from ingest.events.gang.job import JobFailed, JobRequeued
from reference_cluster.bugs import Bug
from reference_cluster.effects import CommitResult, Committed, List
from reference_cluster.subsystems.gang import drain
from reference_cluster.subsystems.gang.rows import advance, commit, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler

LONE_MEMBER_REQUEUED_FIRST = Bug(
    name="lone_member_requeued_first",
    catalogue_id="WR-14",
    subsystem="gang",
    scenario="gang_lone_member",
    detectors=("gang/atomicity_break",),
    story="A member that fails when no other runs is put among the plain jobs first and taken out of them later; a worker is faster.",
)


async def fail(s: Scheduler, trigger: drain.Trigger) -> CommitResult:
    """What becomes of a running job that failed or fell silent."""
    row = trigger.row
    if row["gang"] is None:
        return await _again_or_not(s, trigger)
    if s.bugs.has(LONE_MEMBER_REQUEUED_FIRST) and row.number("attempts") < s.config.max_retries:
        others = await List("job", {"gang": row["gang"], "state": "running"})
        if all(other.key == row.key for other in others):
            return await _requeue_lone(trigger)
    return await drain.begin(s, trigger)


async def _again_or_not(s: Scheduler, trigger: drain.Trigger) -> CommitResult:
    row, changes = trigger.row, {"worker": None, "ended_by": trigger.worker}
    about = trigger.worker or row["worker"]
    if row.number("attempts") < s.config.max_retries:
        move = advance(row, "requeue", JobRequeued, changes=changes, fence=trigger.fence, worker=about, reason=trigger.reason)
    else:
        move = advance(row, "fail", JobFailed, changes=changes, fence=trigger.fence, worker=about, reason="retries_exhausted")
    return await commit([move])


async def _requeue_lone(trigger: drain.Trigger) -> CommitResult:
    """Upstream's way where no other member runs: two transactions, and between them the member is a plain job."""
    row, gang = trigger.row, trigger.row.text("gang")
    changes = {"worker": None, "ended_by": trigger.worker}
    move = advance(row, "requeue", JobRequeued, changes=changes, fence=trigger.fence, worker=trigger.worker, reason="lone_member")
    result = await commit([move], label="gang.lone_member")
    if isinstance(result, Committed):
        waiting = await List("job", {"gang": gang, "state": ("pending", "reserved")})
        if waiting:
            moves = (advance(member, "block", JobRequeued, changes={"worker": None}, reason="lone_member") for member in waiting)
            await say_missed(row, "reaper" if trigger.reason == "stale" else "api", await commit(moves))
    return result
