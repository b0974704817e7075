"""A round: when a member fails or falls silent, all that run save their work and stop, then the gang waits again or fails.

`begin` opens the round, in one transaction: whoever runs is told to stop at its next heartbeat and is given its attempt back,
apart from the one that is to blame, else no gang would ever run out of attempts. `force` ends the waiting for members that
nobody hears of, `complete` ends the round once nobody runs any more. The epoch is the number of the round.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ingest.events.gang.gang import GangDrainCompleted, GangDrainMissed, GangDrainStarted
from ingest.events.gang.job import JobDrainStarted, JobFailed, JobForceDrained, JobPreempted, JobRequeued, JobRolledBack
from reference_cluster.bugs import Bug
from reference_cluster.effects import CommitResult, Committed, Conflict, Emit, List, Said, Unmade, outcome_of
from reference_cluster.records import STORE_NOW, Row
from reference_cluster.subsystems.gang.rows import CLAIM_FENCE, SILENCE_FENCE, Move, advance, commit, gang_refs, missed, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler

TRIGGER_REFUNDED = Bug(
    name="trigger_refunded",
    catalogue_id="WR-03",
    subsystem="gang",
    scenario="gang_fails_always",
    detectors=("gang/retry_budget_loop",),
    story="The member that failed is given its attempt back as well, so that it never runs out of them and fails for ever.",
)
PARTIAL_COMPLETION_KEPT = Bug(
    name="partial_completion_kept",
    catalogue_id="WR-04",
    subsystem="gang",
    scenario="gang_partial_completion",
    detectors=("gang/partial_gang_stuck",),
    story="A gang of which one member is done is put back to wait, and never admitted again, since not all of it waits.",
)
TRIGGER_TOLD_TO_PREEMPT = Bug(
    name="trigger_told_to_preempt",
    catalogue_id="WR-06",
    subsystem="gang",
    scenario="gang_demo",
    detectors=("gang/force_drain_cause",),
    story="A member that reported its own failure is told to stop. Its process is gone, nobody answers, every such round waits 45 s.",
)
TRIES = 8


@dataclass(frozen=True, slots=True)
class Trigger:
    """The member that a round begins with, as it was seen, and why: reported_failure, stale, reservation_timeout."""

    row: Row
    reason: str
    worker: str | None = None
    """Worker that reported it."""
    claim: int = 0
    """Claim that it was reported for."""

    @property
    def fence(self) -> tuple[str, ...]:
        """Silence is judged by the last heartbeat, so that a heartbeat since then must count."""
        return SILENCE_FENCE if self.reason == "stale" else CLAIM_FENCE


async def begin(s: Scheduler, trigger: Trigger) -> CommitResult:
    """Open a round. Tries again while other members move; not where the trigger itself is not as it was seen any more."""
    gang = trigger.row.text("gang")
    for _ in range(TRIES):
        members = await List("job", {"gang": gang})
        epoch = max(member.number("epoch") for member in members) + 1
        moves = [move for member in members if (move := _opening(s, member, trigger, epoch)) is not None]
        result = await _open(trigger, gang, epoch, moves)
        if isinstance(result, Committed):
            s.bugs.struck(TRIGGER_REFUNDED, gang)
            if trigger.reason == "reported_failure":
                s.bugs.struck(TRIGGER_TOLD_TO_PREEMPT, trigger.row.key)
            return result
        await _say_missed(gang, [trigger.row], result)
        if not isinstance(result, Conflict) or result.key == trigger.row.key:
            break
    return result


def _opening(s: Scheduler, member: Row, trigger: Trigger, epoch: int) -> Move | None:
    """What the beginning of a round does to a member; nothing where it waits already or has ended."""
    drained = {"epoch": epoch, "drain_started_us": STORE_NOW}
    if member.key == trigger.row.key:
        return _opening_trigger(s, trigger, drained)
    match member.text("state"):
        case "running":
            changes = {**drained, "attempts": member.number("attempts") - 1}
            return advance(member, "drain", JobDrainStarted, changes=changes, refunded=True)
        case "reserved":
            return _taken_back(member, {"epoch": epoch})
        case "pending":
            return advance(member, "block", JobRequeued, changes={"epoch": epoch}, reason="drain")
    return None


def _opening_trigger(s: Scheduler, trigger: Trigger, drained: dict[str, object]) -> Move:
    row, refunded = trigger.row, s.bugs.has(TRIGGER_REFUNDED)
    if trigger.reason == "reservation_timeout":
        return _taken_back(row, {"epoch": drained["epoch"]}, "reservation_timeout")
    if refunded:
        drained = {**drained, "attempts": row.number("attempts") - 1}
    if trigger.reason == "reported_failure" and not s.bugs.has(TRIGGER_TOLD_TO_PREEMPT):
        changes = {**drained, "ended_by": trigger.worker}
        by, why = trigger.worker, "trigger_exited"
        return advance(row, "stop", JobPreempted, changes=changes, reason=why, reported_by=by, reported_claim=trigger.claim)
    return advance(row, "drain", JobDrainStarted, changes=drained, fence=trigger.fence, refunded=refunded)


def _taken_back(member: Row, changes: dict[str, object], reason: str = "drain") -> Move:
    return advance(
        member,
        "block",
        JobRolledBack,
        changes={**changes, "worker": None},
        worker=member["worker"],
        reason=reason,
        reservation=member["reservation"],
        age_us=member.age_us("reserved_us"),
    )


async def _open(trigger: Trigger, gang: str, epoch: int, moves: list[Move]) -> CommitResult:
    started = GangDrainStarted(
        triggered_by=trigger.row.key,
        draining=sum(move.after["state"] == "preempting" for move in moves),
        transitioned=len(moves),
    )
    refs = gang_refs([move.after for move in moves], trigger.row.key)
    return await commit(moves, Said(started, gang, refs=refs, reason=trigger.reason, workload=gang, epoch=epoch))


async def _say_missed(gang: str, about: list[Row], result: Unmade) -> None:
    """A round was not begun or not ended."""
    said = Said(GangDrainMissed(**missed(result)), gang, outcome=outcome_of(result), workload=gang, refs=gang_refs(about))
    await Emit((said,))


async def force(s: Scheduler, row: Row) -> bool:
    """Take a member for stopped that has been preempting for too long."""
    age_us = row.age_us("drain_started_us")
    if age_us <= s.config.drain_timeout_us:
        return False
    move = advance(row, "stop", JobForceDrained, age_us=age_us, age_basis="drain_started_us")
    result = await commit([move])
    await say_missed(row, "reaper", result)
    return isinstance(result, Committed)


async def complete(s: Scheduler) -> int:
    """End every round in which nobody runs any more."""
    gangs: dict[str, list[Row]] = defaultdict(list)
    for row in await List("job"):
        if row["gang"] is not None:
            gangs[row.text("gang")].append(row)
    ended = 0
    for gang, members in sorted(gangs.items()):
        if _is_over(s, {member.text("state") for member in members}):
            ended += await _end(s, gang, members)
    return ended


def _is_over(s: Scheduler, states: set[str]) -> bool:
    """Nobody runs or is about to. A gang of which one has ended and the rest waits would otherwise wait for ever."""
    broken = "blocked" in states and states & {"done", "failed"} and not s.bugs.has(PARTIAL_COMPLETION_KEPT)
    return bool("preempted" in states or broken) and not states & {"running", "preempting", "reserved", "pending"}


async def _end(s: Scheduler, gang: str, members: list[Row]) -> bool:
    exhausted = any(member.number("attempts") >= s.config.max_retries for member in members)
    over = any(member["state"] in ("done", "failed") for member in members)
    fails = exhausted or (over and not s.bugs.has(PARTIAL_COMPLETION_KEPT))
    reason = "retries_exhausted" if exhausted else "member_ended" if over else "to_be_readmitted"
    waiting = ("preempted", "blocked") if fails else ("preempted",)
    moves = [_last_move(member, fails, s.config.max_retries) for member in members if member["state"] in waiting]
    started_us = max(member.number("drain_started_us") for member in members)
    completed = GangDrainCompleted(result="failed" if fails else "blocked", age_us=members[0].read_us - started_us)
    epoch = max(member.number("epoch") for member in members)
    said = Said(completed, gang, refs=gang_refs([move.after for move in moves]), reason=reason, workload=gang, epoch=epoch)
    result = await commit(moves, said)
    if isinstance(result, Committed):
        return True
    await _say_missed(gang, members, result)
    return False


def _last_move(member: Row, fails: bool, max_retries: int) -> Move:
    if fails:
        reason = "retries_exhausted" if member.number("attempts") >= max_retries else "gang_failed"
        return advance(member, "fail", JobFailed, changes={"worker": None}, reason=reason)
    return advance(member, "block", JobRequeued, changes={"worker": None}, reason="drain_completed")
