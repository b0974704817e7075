"""A control plane's own picture of its workers. Each change of it is said, so that it can be held against the rows."""

from __future__ import annotations

from ingest.events.warm_pool import WorkerMemoryMoved
from reference_cluster.effects import Emit, Said
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane, Held
from reference_cluster.subsystems.warm_pool.rows import refs


async def hold(cp: ControlPlane, row: Row, session: str | None) -> Held:
    """Remember a worker that this process now owns."""
    held = Held(row=row, state="", session=session)
    cp.workers[row.key] = held
    await remember(cp, held, row.text("state"))
    return held


async def remember(cp: ControlPlane, held: Held, state: str) -> None:
    """Change the remembered state."""
    before, held.state = held.state, state
    await _say(cp, held, before, state)


async def forget(cp: ControlPlane, held: Held) -> None:
    """Drop a worker from memory."""
    if cp.workers.pop(held.row.key, None) is not None:
        await _say(cp, held, held.state, "forgotten")


async def _say(cp: ControlPlane, held: Held, before: str, after: str) -> None:
    moved = WorkerMemoryMoved(owner=cp.id, memory_from=before or None, memory_to=after)
    await Emit((Said(moved, held.row.key, refs=refs(held.row), epoch=held.row.number("epoch")),))
