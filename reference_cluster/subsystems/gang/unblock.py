"""Jobs that wait for others: they become pending when all of those are done, and fail when one of those has failed.

Members of a gang are none of its business: they wait for admission, and who makes one of them pending alone breaks the gang
(Workron commit 7c4ebd6).
"""

from __future__ import annotations

from ingest.events.base import Ref
from ingest.events.gang.job import JobFailed, JobUnblocked
from reference_cluster.bugs import Bug
from reference_cluster.effects import Committed, List
from reference_cluster.records import Row
from reference_cluster.subsystems.gang.rows import Move, advance, commit, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler

GANG_MEMBER_UNBLOCKED = Bug(
    name="gang_member_unblocked",
    catalogue_id="WR-05",
    subsystem="gang",
    scenario="gang_waits_for_room",
    detectors=("gang/atomicity_break",),
    story="Members of a gang wait for no other job, so that the code that looks after dependencies makes plain jobs of them.",
)
DEPENDENTS_LEFT_BLOCKED = Bug(
    name="dependents_left_blocked",
    catalogue_id="WR-11",
    subsystem="gang",
    scenario="gang_failed_dependency",
    detectors=("gang/starved_dependents",),
    story="A job that waits for one that has failed waits for ever.",
)


def waits_for(row: Row) -> tuple[str, ...]:
    """The jobs that a job waits for."""
    after = row["after"]
    assert isinstance(after, tuple), (row.key, after)
    return after


def dependencies(row: Row) -> tuple[Ref, ...]:
    """The same as references."""
    return tuple(Ref(role="dependency", kind="job", id=job) for job in waits_for(row))


async def promote(s: Scheduler) -> tuple[int, int]:
    """Look at every job that waits. Gives how many there are and how many were moved."""
    jobs = {row.key: row.text("state") for row in await List("job")}
    blocked = await List("job", {"state": "blocked"})
    moved = 0
    for row in blocked:
        move = _due(s, row, [jobs.get(job, "pending") for job in waits_for(row)])
        if move is None:
            continue
        result = await commit([move])
        await say_missed(row, "unblock", result)
        if isinstance(result, Committed):
            moved += 1
            if row["gang"] is not None:
                s.bugs.struck(GANG_MEMBER_UNBLOCKED, row.key)
    return len(blocked), moved


def _due(s: Scheduler, row: Row, states: list[str]) -> Move | None:
    if row["gang"] is not None and not s.bugs.has(GANG_MEMBER_UNBLOCKED):
        return None
    if "failed" in states and not s.bugs.has(DEPENDENTS_LEFT_BLOCKED):
        return advance(row, "fail", JobFailed, reason="dependency_failed")
    return advance(row, "unblock", JobUnblocked) if all(state == "done" for state in states) else None
