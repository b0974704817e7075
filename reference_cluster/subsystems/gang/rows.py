"""The durable rows of jobs and workers, their life-cycle tables, and the one way to write a job's row.

Every write is fenced by who has the job (state, worker, claim, reservation, epoch), so that the word of an earlier claim, an
earlier reservation or an earlier round changes nothing. Attempts are no fence: they are given back when a gang is drained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ingest.events.base import Decision, Ref
from ingest.events.gang.job import JobHeartbeated, JobRow
from ingest.events.gang.word import JobFenceMissed, JobOffered
from reference_cluster.effects import Commit, CommitResult, Committed, Conflict, Emit, Said, Unmade, outcome_of
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import Put, Row

JOB = Lifecycle(
    "job",
    {
        "pending": {"claim": "running", "block": "blocked", "fail": "failed"},
        "blocked": {"unblock": "pending", "reserve": "reserved", "fail": "failed"},
        "reserved": {"claim": "running", "block": "blocked"},
        "running": {
            "heartbeat": "running",
            "finish": "done",
            "requeue": "pending",
            "drain": "preempting",
            "stop": "preempted",
            "fail": "failed",
        },
        "preempting": {"save": "preempting", "stop": "preempted"},
        "preempted": {"block": "blocked", "fail": "failed"},
        "done": {},
        "failed": {},
    },
)
WORKER = Lifecycle(
    "gang_worker",
    {
        "active": {"check_in": "active", "leave": "offline"},
        "offline": {"check_in": "active"},
    },
)

ROUTINE = (JobHeartbeated, JobOffered)
"""What a member does at every turn: it stands in the member's own timeline, and not in that of its gang."""
CLAIM_FENCE = ("state", "worker", "claim", "reservation", "epoch")
SILENCE_FENCE = (*CLAIM_FENCE, "heartbeat_us")
NEW_JOB: Mapping[str, object] = {
    "attempts": 0,
    "claim": 0,
    "worker": None,
    "reservation": 0,
    "reserved_us": 0,
    "heartbeat_us": 0,
    "epoch": 0,
    "drain_started_us": 0,
    "checkpoint": None,
    "ended_by": None,
}


@dataclass(frozen=True, slots=True)
class Move:
    """A write of one job's row with its event, and the row as it will be. Times that the store fills in are not in it yet."""

    put: Put
    said: Said
    after: Row


def gang_of(row: Row) -> str | None:
    """The gang that a job is a member of."""
    return row.text("gang") if row["gang"] is not None else None


def _refs(row: Row, decision: Decision, worker: object) -> tuple[Ref, ...]:
    """The other objects of an event about a job: its gang, and the worker that the event is about."""
    gang, about = gang_of(row) if not isinstance(decision, ROUTINE) else None, worker or row["worker"]
    found = [Ref(role="gang", kind="gang", id=gang)] if gang is not None else []
    return (*found, Ref(role="worker", kind="worker", id=str(about))) if about is not None else tuple(found)


def said_of(row: Row, decision: Decision, *, worker: object = None, reason: str | None = None, outcome: str | None = None) -> Said:
    """A decision about a job, for its timeline and that of its gang."""
    gang = gang_of(row)
    return Said(
        decision,
        row.key,
        refs=_refs(row, decision, worker),
        outcome=outcome,
        reason=reason,
        workload=gang or row.key,
        epoch=row.number("epoch") if gang is not None else None,
        inputs=(row.seen(),),
    )


def advance(
    row: Row,
    move: str,
    kind: type[JobRow],
    *,
    changes: Mapping[str, object] | None = None,
    fence: tuple[str, ...] = CLAIM_FENCE,
    worker: object = None,
    reason: str | None = None,
    **own: Any,
) -> Move:
    """Move a row by its life-cycle table. `worker` is the worker that the event is about, where the row names another or none."""
    state = row.text("state")
    written = {"state": JOB.target(row.key, state, move), **(changes or {})}
    after = replace(row, fields={**row.fields, **written})
    event = kind.model_validate(
        {
            "from_state": state,
            "to_state": after["state"],
            "gang": after["gang"],
            "worker": after["worker"],
            "claim": after["claim"],
            "attempts_from": row["attempts"],
            "attempts": after["attempts"],
            "cpu": after["cpu"],
            **own,
        }
    )
    about = worker or after["worker"] or row["worker"]
    said = replace(said_of(after, event, worker=about, reason=reason), inputs=(row.seen(),))
    return Move(Put("job", row.key, written, {column: row[column] for column in fence}), said, after)


def commit(moves: Iterable[Move], *gang_events: Said, label: str = "") -> Commit:
    """All moves in one transaction, what is said of the gang before what is said of its members."""
    made = tuple(moves)
    events = (*gang_events, *(move.said for move in made))
    return Commit(tuple(move.put for move in made), events, label or events[0].decision.kind)


def missed(result: Unmade) -> dict[str, str]:
    """`fence`, `want` and `got` of a write that was not made; empty where the store did not answer."""
    if isinstance(result, Conflict):
        return {"fence": result.fence, "want": str(result.want), "got": str(result.got)}
    return {"fence": "", "want": "", "got": ""}


async def say_missed(row: Row, origin: str, result: CommitResult, worker: object = None) -> None:
    """Say of a job that a write of the scheduler's own came to nothing; says nothing of one that was made."""
    if not isinstance(result, Committed):
        said = JobFenceMissed(origin=origin, **missed(result))
        await Emit((said_of(row, said, worker=worker, outcome=outcome_of(result)),))


def gang_refs(members: Iterable[Row], trigger: str | None = None) -> tuple[Ref, ...]:
    """The members and workers that an event of a gang touches."""
    touched = list(members)
    jobs = [Ref(role="member", kind="job", id=row.key) for row in touched]
    workers = [Ref(role="worker", kind="worker", id=row.text("worker")) for row in touched if row["worker"] is not None]
    return (*jobs, *workers, *([Ref(role="trigger", kind="job", id=trigger)] if trigger is not None else []))
