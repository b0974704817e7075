"""A node joins, stays, and finds out that it was away: a lease with a time to live that the store judges.

A scheduler that comes up looks whether its node's lease is still alive. If so, it has crashed and come back in time:
nobody has noticed. If not, the node's keys are gone and others may have been given its slots. The design note then says
to stop every container. That throws away what nobody else was given yet, so here only the containers are stopped that
the schedule does not want on this node any more; a planted bug restores the note's words.
"""

from __future__ import annotations

from ingest.events.placement import (
    NodeKilledAll,
    NodeLeaseGranted,
    NodeLeaseRefreshed,
    NodeLeaseRefreshFailed,
    NodeReconciled,
    PlacementConfigured,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import (
    Call,
    CallRefused,
    CallTimedOut,
    Commit,
    Committed,
    Emit,
    Exit,
    Lease,
    LeaseHeld,
    Now,
    Read,
    Sleep,
    StoreDown,
)
from reference_cluster.records import Put
from reference_cluster.subsystems.placement import runner
from reference_cluster.subsystems.placement.messages import Feed
from reference_cluster.subsystems.placement.scheduler import Scheduler, lease_of

REJOIN_KILLS_ALL = Bug(
    name="rejoin_kills_all",
    catalogue_id="OZ-07",
    subsystem="placement",
    scenario="placement_short_stall",
    detectors=("placement/needless_kill_all",),
    story="A node that comes back without a lease stops all its containers, although the schedule still wants them there.",
)


async def join(scheduler: Scheduler) -> None:
    """Take the node's lease and enter the list of nodes; tries until the store answers. Then hold the containers against the schedule."""
    await Emit((scheduler.said(PlacementConfigured.model_validate(scheduler.config.timings())),))
    sent_us = await Now()
    while not (reason := await _enter(scheduler)):
        await Sleep(scheduler.config.lease_retry_us)
        sent_us = await Now()
    await _feed(scheduler, await Now() - sent_us)
    if reason == "lease_lapsed" and scheduler.bugs.has(REJOIN_KILLS_ALL):
        killed, wanted = await runner.stop_everything(scheduler)
        for container in wanted:
            scheduler.bugs.struck(REJOIN_KILLS_ALL, container)
        await Emit((scheduler.said(NodeKilledAll(kept=0, strays=killed)),))
    else:
        kept, strays = await runner.hold_against_schedule(scheduler)
        await Emit((scheduler.said(NodeReconciled(kept=kept, strays=strays), reason=reason),))


async def _enter(scheduler: Scheduler) -> str:
    """One try; why the lease was granted, or nothing where it was not."""
    node, ttl_us = scheduler.node, scheduler.config.lease_ttl_us
    try:
        held = await Lease(lease_of(node), node, ttl_us)
        row = await Read("node", node)
    except StoreDown:
        return ""
    if not isinstance(held, LeaseHeld):
        return ""
    alive = row is not None and row["state"] == "live" and row["term"] == held.term
    reason = "fresh" if row is None else "lease_alive" if alive else "lease_lapsed"
    room = scheduler.room
    fields = {"state": "live", "term": held.term, "memory_mb": room.memory_mb, "disk_mb": room.disk_mb, "expired_us": 0}
    granted = NodeLeaseGranted(term=held.term, ttl_us=ttl_us, memory_mb=room.memory_mb, disk_mb=room.disk_mb)
    said = scheduler.said(granted, reason=reason, inputs=(row.seen(),) if row is not None else ())
    expect = {"version": row.version} if row is not None else None
    result = await Commit((Put("node", node, fields, expect),), (said,), "node.lease_granted")
    if not isinstance(result, Committed):
        return ""
    scheduler.term = held.term
    return reason


async def keep(scheduler: Scheduler) -> None:
    """Refresh the lease for as long as the process lives; a process whose lease has lapsed ends, and init starts another."""
    config, refreshed_us = scheduler.config, await Now()
    while True:
        await Sleep(config.lease_refresh_us)
        refreshed_us = await _refresh(scheduler, refreshed_us)


async def _refresh(scheduler: Scheduler, refreshed_us: int) -> int:
    """Refresh until the store answers; when the refresh that worked was sent, by the node's own clock."""
    config = scheduler.config
    while True:
        sent_us = await Now()
        try:
            held = await Lease(lease_of(scheduler.node), scheduler.node, config.lease_ttl_us)
        except StoreDown:
            failed = NodeLeaseRefreshFailed(since_refresh_us=await Now() - refreshed_us)
            await Emit((scheduler.said(failed, reason="store_error"),))
            await Sleep(config.lease_retry_us)
            continue
        if not isinstance(held, LeaseHeld) or held.term != scheduler.term:
            lapsed = NodeLeaseRefreshFailed(since_refresh_us=await Now() - refreshed_us)
            await Emit((scheduler.said(lapsed, reason="lease_lapsed", outcome="rejected"),))
            await Exit("lease lapsed")
        await Emit((scheduler.said(NodeLeaseRefreshed(term=scheduler.term, ttl_us=config.lease_ttl_us)),))
        await _feed(scheduler, await Now() - sent_us)
        return sent_us


async def _feed(scheduler: Scheduler, age_us: int) -> None:
    """Tell the watchdog how old the last refresh is. A message that is lost makes it stop too early, never too late."""
    try:
        await Call(f"{scheduler.runtime}/watchdog", Feed(age_us=age_us), scheduler.config.call_timeout_us)
    except (CallTimedOut, CallRefused):
        return
