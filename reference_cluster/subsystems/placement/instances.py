"""An instance is one try to run a slot on a node: its durable row, its life-cycle table, and the one way to move it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingest.events.base import Ref
from ingest.events.placement import InstanceCommitFailed, InstanceMove
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Read, Said, StoreDown, outcome_of
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import Put, Row, Write
from reference_cluster.subsystems.placement.packing import Room

INSTANCE = Lifecycle(
    "instance",
    {
        "allocated": {"start": "starting", "drop": "terminating", "lose": "lost"},
        "starting": {"start": "starting", "run": "unhealthy", "drop": "terminating", "lose": "lost"},
        "unhealthy": {"pass": "healthy", "start": "starting", "stop": "stopped", "drop": "terminating", "lose": "lost"},
        "healthy": {"fail": "unhealthy", "drop": "terminating", "lose": "lost"},
        "stopped": {"drop": "terminating", "lose": "lost"},
        "terminating": {"end": "gone", "lose": "lost"},
        "gone": {},
        "lost": {},
    },
)
LIVING = ("allocated", "starting", "unhealthy", "healthy", "stopped")
"""States in which the schedule wants the instance."""


def fresh(slot: str, job: str, node: str, need: Room, spec: Mapping[str, object]) -> dict[str, object]:
    """The row of a new instance. `spec` is what its node has to know of the job: host, restart, check."""
    placed = {"slot": slot, "job": job, "node": node, "state": "allocated", "tries": 0, "container": ""}
    return {**placed, "memory_mb": need.memory_mb, "disk_mb": need.disk_mb, **spec}


def refs(row: Row) -> tuple[Ref, ...]:
    """The other objects of an event about an instance."""
    return tuple(Ref(role=kind, kind=kind, id=row.text(kind)) for kind in ("slot", "job", "node"))


def advanced(row: Row, move: str, kind: type[InstanceMove], *, reason: str | None = None, **own: Any) -> tuple[Put, Said, Row]:
    """The write that moves an instance by its life-cycle table, its event, and the row as it will be. `own` may name fields of the row."""
    state = row.text("state")
    changes = {"state": INSTANCE.target(row.key, state, move), **{name: value for name, value in own.items() if name in row.fields}}
    after = replace(row, fields={**row.fields, **changes})
    own = {name: value for name, value in own.items() if name in kind.model_fields}
    event = kind(from_state=state, to_state=after.text("state"), slot=row.text("slot"), node=row.text("node"), **own)
    said = Said(event, row.key, refs=refs(row), reason=reason, workload=row.text("job"), inputs=(row.seen(),))
    return Put("instance", row.key, changes, {"state": state, "container": row["container"]}), said, after


async def move(
    row: Row,
    name: str,
    kind: type[InstanceMove],
    *,
    also: tuple[Write, ...] = (),
    events: tuple[Said, ...] = (),
    reason: str | None = None,
    **own: Any,
) -> Row | None:
    """Commit a move of an instance that was read as `row`; the row as it then is, or None where it was not moved, which has been said."""
    put, said, after = advanced(row, name, kind, reason=reason, **own)
    result = await Commit((put, *also), (said, *events), kind.kind)
    if isinstance(result, Committed):
        return replace(after, version=row.version + 1, updated_us=result.commit_us, read_us=result.commit_us)
    why = f"{result.table}.{result.fence}" if isinstance(result, Conflict) else "store_error"
    failed = InstanceCommitFailed(wanted_state=after.text("state"))
    await Emit((Said(failed, row.key, refs=refs(row), outcome=outcome_of(result), reason=why, inputs=(row.seen(),)),))
    return None


async def reread(instance: str) -> Row | None:
    """The row as it is now; None where it cannot be read or is not there."""
    try:
        return await Read("instance", instance)
    except StoreDown:
        return None
