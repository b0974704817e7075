"""A step of a sweep: list, act on each row, say the tally. It speaks even when it finds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ingest.events.control_loop import SweepCompleted, SweepListFailed, SweepStarted
from reference_cluster.bugs import Bug
from reference_cluster.effects import Emit, List, StoreDown
from reference_cluster.records import Row
from reference_cluster.subsystems.control_plane import ControlPlane

STAMPED_ON_FAILURE = Bug(
    name="stamped_on_failure",
    catalogue_id="DG-08",
    subsystem="warm_pool",
    scenario="list_errors",
    detectors=("control_loop/alert_masked",),
    story="The gauge of the last successful sweep is moved although the list failed, so that the alert on it stays silent.",
)

Find = Callable[[ControlPlane], Awaitable[list[Row]]]
Act = Callable[[ControlPlane, Row], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it lists, and what it does with each row (acted, skipped, missed, failed, or kept)."""

    name: str
    find: Find
    act: Act


def rows(table: str, where: Mapping[str, object]) -> Find:
    """Lists the rows of a table that match."""

    async def find(_: ControlPlane) -> list[Row]:
        return await List(table, where, label="sweep.list")

    return find


async def start(cp: ControlPlane, sweep: str, scope: str, interval_us: int) -> None:
    """Say that a pass begins, with the thresholds in force."""
    await Emit((cp.said(SweepStarted(sweep=sweep, scope=scope, interval_us=interval_us, **cp.config.sweep_timings())),))


async def run(cp: ControlPlane, sweep: str, step: Step) -> None:
    """Run one step of a pass."""
    try:
        found = await step.find(cp)
    except StoreDown:
        stamped = cp.bugs.has(STAMPED_ON_FAILURE)
        cp.bugs.struck(STAMPED_ON_FAILURE, cp.id)
        await Emit((cp.said(SweepListFailed(sweep=sweep, step=step.name, list_ok=False, stamped=stamped), reason="store_error"),))
        return
    ends = [await _act(cp, step, row) for row in found]
    tally = {name: ends.count(name) for name in ("acted", "skipped", "missed", "failed")}
    completed = SweepCompleted(sweep=sweep, step=step.name, list_ok=True, stamped=True, listed=len(found), **tally)
    await Emit((cp.said(completed),))


async def _act(cp: ControlPlane, step: Step, row: Row) -> str:
    try:
        return await step.act(cp, row)
    except StoreDown:
        return "failed"
