"""The reaper's tick, in a fixed order: what fell silent, what must end by force, what has come to its end, who is gone.

Force comes before completion, else one dead worker would keep its gang in the drain for ever.
"""

from __future__ import annotations

from ingest.events.gang.word import JobFoundStale
from ingest.events.gang.worker import WorkerMarkedOffline, WorkerOfflineMissed
from reference_cluster.effects import Commit, Committed, Emit, List, Said, outcome_of
from reference_cluster.records import Put, Row
from reference_cluster.subsystems.gang import drain, failing, unblock
from reference_cluster.subsystems.gang.rows import WORKER, missed, said_of, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler


async def reap(s: Scheduler) -> tuple[int, int]:
    """One tick. Gives how many jobs it looked at and how many things it changed."""
    running = await List("job", {"state": "running"})
    acted = sum([await _end_stale(s, row) for row in running])
    preempting = await List("job", {"state": "preempting"})
    acted += sum([await drain.force(s, row) for row in preempting])
    acted += await drain.complete(s)
    blocked, moved = await unblock.promote(s)
    acted += moved + sum([await _mark_offline(s, row) for row in await List("worker", {"state": "active"})])
    return len(running) + len(preempting) + blocked, acted


async def _end_stale(s: Scheduler, row: Row) -> bool:
    """A running job that nobody has reported as alive for too long."""
    age_us = row.age_us("heartbeat_us")
    if age_us <= s.config.job_stale_us:
        return False
    await Emit((said_of(row, JobFoundStale(age_us=age_us, age_basis="heartbeat_us")),))
    result = await failing.fail(s, drain.Trigger(row, "stale"))
    await say_missed(row, "reaper", result)
    return isinstance(result, Committed)


async def _mark_offline(s: Scheduler, row: Row) -> bool:
    """A worker that has not checked in for too long is not counted any more. Its jobs are not touched by this."""
    age_us = row.age_us("updated_us")
    if age_us <= s.config.worker_stale_us:
        return False
    state = WORKER.target(row.key, row.text("state"), "leave")
    said = WorkerMarkedOffline(from_state=row.text("state"), to_state=state, age_us=age_us, age_basis="updated_us")
    put = Put("worker", row.key, {"state": state}, {"version": row.version})
    result = await Commit((put,), (Said(said, row.key, reason="silent", inputs=(row.seen(),)),), "worker.marked_offline")
    if isinstance(result, Committed):
        return True
    await Emit((Said(WorkerOfflineMissed(**missed(result)), row.key, outcome=outcome_of(result), inputs=(row.seen(),)),))
    return False
