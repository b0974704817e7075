"""A scheduler process: its loops, each gated per tick by a lock, and what it shows of itself.

All replicas run the same loops at the same moments, and the lock of a loop decides which of them does the tick. Who has it
leads for that tick and no longer, so that leaders alternate; a tick that was sat out is said as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ingest.events.base import Decision
from ingest.events.gang.scheduler import (
    SchedulerConfigured,
    SchedulerGaugeObserved,
    SchedulerStopped,
    TickCompleted,
    TickFailed,
    TickSkipped,
    TickStarted,
)
from reference_cluster.bugs import Bug, Switches
from reference_cluster.effects import Cancel, Emit, Exit, Now, Random, Read, Receive, Said, Sleep, Start, StoreDown, Task, TryLock, Unlock
from reference_cluster.subsystems.gang.scenario import Config

GAUGE_KEPT_ON_ERROR = Bug(
    name="gauge_kept_on_error",
    catalogue_id="WR-12",
    subsystem="gang",
    scenario="gang_lock_errors",
    detectors=("gang/stale_leader_gauge",),
    story="A scheduler that cannot even ask for the lock goes on showing that it leads.",
)
TICK_UNBOUNDED = Bug(
    name="tick_unbounded",
    catalogue_id="WR-15",
    subsystem="gang",
    scenario="gang_tick_hangs",
    detectors=("gang/lock_never_released",),
    story="Nothing bounds a tick: one that hangs keeps the lock for ever, and every other replica sits its ticks out.",
)
JITTER_US = 5_000
"""Replicas begin a tick at the same moment, give or take this."""


@dataclass
class Loop:
    """A loop of a scheduler: what it does at each tick, giving how much it listed and changed."""

    name: str
    interval_us: int
    act: Callable[[Scheduler], Awaitable[tuple[int, int]]]
    tick: Task | None = None
    since_us: int = 0


@dataclass
class Scheduler:
    """The memory that the programs of one scheduler process share."""

    instance: str
    id: str
    config: Config
    bugs: Switches
    loops: dict[str, Loop] = field(default_factory=dict)
    shows_leader: int = 0
    asked_in_vain: bool = False
    """Whether its last try for the lock of the reaper ended in an error."""
    stopping: bool = False

    def said(self, decision: Decision, reason: str | None = None) -> Said:
        """A decision about this process itself."""
        return Said(decision, self.id, reason=reason)


async def run_scheduler(s: Scheduler, loops: tuple[Loop, ...], serve: Callable[[Scheduler], Awaitable[None]]) -> None:
    """Say what this process runs with, start its loops, then serve."""
    await Emit((s.said(SchedulerConfigured(instance=s.instance, **s.config.timings())),))
    for loop in loops:
        s.loops[loop.name] = loop
        await Start(_run_loop(s, loop), loop.name)
    await Start(_show(s), "scheduler")
    await Start(_await_stop(s), "scheduler")
    await serve(s)


async def _run_loop(s: Scheduler, loop: Loop) -> None:
    """A tick at every multiple of the interval. One that hangs is abandoned when it is overdue, and its lock is free again."""
    while not s.stopping:
        now_us = await Now()
        await Sleep(loop.interval_us - now_us % loop.interval_us + int(JITTER_US * await Random()))
        if loop.tick is not None:
            bound_us = s.config.tick_bound_us
            if not bound_us or await Now() - loop.since_us < bound_us:
                continue
            await Cancel(loop.tick)
            await Emit((s.said(TickFailed(loop=loop.name), "overdue"),))
        loop.since_us = await Now()
        loop.tick = await Start(_tick(s, loop), loop.name)


async def _tick(s: Scheduler, loop: Loop) -> None:
    ended, reason = await _tick_if_free(s, loop)
    await Emit((s.said(ended, reason),))
    loop.tick = None


async def _tick_if_free(s: Scheduler, loop: Loop) -> tuple[Decision, str | None]:
    """Do the tick if nobody else does, and give what came of it. The lock lives in a transaction: where the store cannot be
    reached, it cannot even be asked for."""
    try:
        await Read("lock", loop.name, label=f"lock.{loop.name}")
    except StoreDown:
        shown = s.shows_leader if s.bugs.has(GAUGE_KEPT_ON_ERROR) else 0
        _show_leading(s, loop, shown, in_vain=True)
        return TickFailed(loop=loop.name), "store_error"
    if not await TryLock(loop.name):
        _show_leading(s, loop, 0)
        return TickSkipped(loop=loop.name), "lock_held"
    _show_leading(s, loop, 1)
    await Emit((s.said(TickStarted(loop=loop.name, **s.config.timings())),))
    try:
        listed, acted = await loop.act(s)
    except StoreDown:
        await Unlock(loop.name)
        return TickFailed(loop=loop.name), "store_error"
    await Unlock(loop.name)
    return TickCompleted(loop=loop.name, listed=listed, acted=acted), None


def _show_leading(s: Scheduler, loop: Loop, shown: int, *, in_vain: bool = False) -> None:
    if loop.name == "reaper":
        s.shows_leader, s.asked_in_vain = shown, in_vain


async def _show(s: Scheduler) -> None:
    """Whoever reads the metrics sees this."""
    while not s.stopping:
        await Sleep(s.config.reaper_tick_us)
        await Emit((s.said(SchedulerGaugeObserved(gauge="reaper_leader", shown=s.shows_leader)),))


async def _await_stop(s: Scheduler) -> None:
    """On SIGTERM: begin no more ticks, let those that run come to their end, exit."""
    await Receive("process")
    s.stopping = True
    while any(loop.tick is not None for loop in s.loops.values()):
        await Sleep(s.config.poll_us)
    await Emit((s.said(SchedulerStopped()),))
    await Exit("stopped")
