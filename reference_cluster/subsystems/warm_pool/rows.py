"""The durable row of a worker, its life-cycle table, and the one way to write it.

A write by a reaper is fenced by the whole *snapshot* that it saw (state, owner, epoch, last write); a write by the owner
by its *lease* (state, owner, epoch). duckgres keeps the two apart as types; here they are two tuples of column names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingest.events.base import Ref
from ingest.events.warm_pool import WorkerCommitFailed, WorkerFenceMissed, WorkerRow
from reference_cluster.effects import (
    Commit,
    CommitResult,
    Committed,
    Conflict,
    Emit,
    Failed,
    Read,
    Said,
    Sleep,
    StoreDown,
    Unknown,
    outcome_of,
)
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import STORE_NOW, Put, Row, Write
from reference_cluster.subsystems.control_plane import ControlPlane

WORKER = Lifecycle(
    "worker",
    {
        "spawning": {"spawn": "idle", "free": "retired", "drain": "draining", "retire": "retired"},
        "idle": {"assign": "reserved", "drain": "draining", "retire": "retired", "lose": "lost"},
        "reserved": {"activate": "activating", "drain": "draining", "retire": "retired", "lose": "lost"},
        "activating": {"rewrite": "activating", "serve": "hot", "drain": "draining", "retire": "retired", "lose": "lost"},
        "hot": {"rewrite": "hot", "park": "hot_idle", "drain": "draining", "retire": "retired", "lose": "lost"},
        "hot_idle": {"rewrite": "hot_idle", "claim": "reserved", "drain": "draining", "retire": "retired", "lose": "lost"},
        "draining": {"retire": "retired"},
        "retired": {},
        "lost": {},
    },
)
ACTIVE = tuple(state for state in WORKER.table if state not in WORKER.terminal())

LEASE_FENCE = ("state", "owner", "epoch")
SNAPSHOT_FENCE = (*LEASE_FENCE, "updated_us")
SETTLE_US = 1_000_000


def expectation(row: Row, fence: tuple[str, ...]) -> dict[str, object]:
    """What a fenced write expects the row to be."""
    return {column: row.updated_us if column == "updated_us" else row[column] for column in fence}


def refs(row: Row, session: str | None = None) -> tuple[Ref, ...]:
    """The other objects of an event about a worker."""
    found = [Ref(role="owner", kind="control_plane", id=row.text("owner"))]
    if row["org"] is not None:
        found.append(Ref(role="org", kind="org", id=row.text("org")))
    if session is not None:
        found.append(Ref(role="session", kind="session", id=session))
    return tuple(found)


def advance(
    row: Row,
    move: str,
    kind: type[WorkerRow],
    *,
    fence: tuple[str, ...] = LEASE_FENCE,
    changes: Mapping[str, object] | None = None,
    also: tuple[Write, ...] = (),
    session: str | None = None,
    reason: str | None = None,
    **own: Any,
) -> tuple[Commit, Row]:
    """The commit that moves a row by its life-cycle table, with its event, and the row as it will be."""
    state = row.text("state")
    after = replace(row, fields={**row.fields, "state": WORKER.target(row.key, state, move), **(changes or {})})
    event = kind.model_validate(
        {
            "from_state": state,
            "to_state": after["state"],
            "owner": after["owner"],
            "org": after["org"],
            "vcpu": after["vcpu"],
            "ttl_us": after["ttl_us"],
            **own,
        }
    )
    said = Said(event, row.key, refs=refs(after, session), reason=reason, epoch=after.number("epoch"), inputs=(row.seen(),))
    written = {name: value for name, value in after.fields.items() if name == "state" or name in (changes or {})}
    label = kind.kind
    return Commit((Put("worker", row.key, written, expectation(row, fence)), *also), (said,), label), after


async def write(cp: ControlPlane, commit: Commit, after: Row, origin: str) -> Row | None:
    """Do an owner's write and give the row as it then stands; None where it was not written, which has then been said.

    A lost answer is settled by reading the row until the store answers: a retry could write twice.
    """
    result = await commit
    if isinstance(result, Committed):
        return _stored(after, result.commit_us)
    await explain_miss(cp, after, after.text("state"), result, origin)
    while isinstance(result, Unknown):
        try:
            row = await Read("worker", after.key)
        except StoreDown:
            await Sleep(SETTLE_US)
            continue
        written = row is not None and all(row[column] == after[column] for column in LEASE_FENCE)
        return row if written else None
    return None


def _stored(after: Row, commit_us: int) -> Row:
    fields = {name: commit_us if value is STORE_NOW else value for name, value in after.fields.items()}
    return replace(after, version=after.version + 1, updated_us=commit_us, read_us=commit_us, fields=fields)


async def explain_miss(cp: ControlPlane, row: Row, wanted_state: str, result: CommitResult, origin: str) -> None:
    """Say why a write did not happen: the fence that failed with want and got, or the store's error."""
    match result:
        case Conflict(table="control_plane"):
            miss = WorkerFenceMissed(origin=origin, fence="cp_revived", want=str(result.want), got=str(result.got))
            await Emit((Said(miss, row.key, refs=refs(row), inputs=(row.seen(),)),))
        case Conflict():
            fence = "updated_at" if result.fence == "updated_us" else result.fence
            miss = WorkerFenceMissed(origin=origin, fence=fence, want=str(result.want), got=str(result.got))
            await Emit((Said(miss, row.key, refs=refs(row), inputs=(row.seen(),)),))
        case Failed() | Unknown():
            failed = WorkerCommitFailed(wanted_state=wanted_state, owner=cp.id)
            await Emit((Said(failed, row.key, refs=refs(row), outcome=outcome_of(result), reason="store_error"),))
        case Committed():
            raise AssertionError(f"{row.key}: nothing was missed at revision {result.revision}")
