"""Election: one leader at a time, by a lease record that contenders observe, as client-go does it.

A contender trusts only its own observation: it takes the lease over when the record has not changed for a whole lease
duration by its own clock. So no two machines' clocks are ever subtracted. The record's term is the fencing number.

Story: client-go's elector returns when the lease cannot be renewed. duckgres ran it once, so one blip dropped a replica
out of the election for good; enough blips, and nobody led (pull 820, fix 1).
"""

from __future__ import annotations

from ingest.events.base import Decision
from ingest.events.election import (
    LeaseAcquired,
    LeaseAttempted,
    LeaseLost,
    LeaseObservedExpired,
    LeaseRefused,
    LeaseReleased,
    LeaseRenewed,
    LeaseRenewFailed,
)
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Now, Read, Said, Sleep, StoreDown
from reference_cluster.records import Put, Row
from reference_cluster.subsystems.control_plane import ControlPlane

LEASE = "janitor"

ELECTOR_RUNS_ONCE = Bug(
    name="elector_runs_once",
    catalogue_id="DG-01",
    subsystem="election",
    scenario="renew_blips",
    detectors=("election/lost_without_recontend",),
    story="The elector is run once: a replica that loses the lease never stands for election again.",
)


def _said(cp: ControlPlane, decision: Decision, *, reason: str | None = None, outcome: str | None = None, seen: Row | None = None) -> Said:
    inputs = (seen.seen(),) if seen is not None else ()
    return Said(decision, LEASE, refs=(cp.ref(),), reason=reason, outcome=outcome, epoch=cp.term or None, inputs=inputs)


async def run_elector(cp: ControlPlane) -> None:
    """Stand for election for as long as the process lives."""
    while not (cp.draining or cp.stopping):
        await _win(cp)
        if not cp.leading:
            return
        await _renew(cp)
        if cp.bugs.has(ELECTOR_RUNS_ONCE):
            cp.elector_ended_us = await Now()
            return
        await Sleep(cp.config.lease_backoff_us)


async def _win(cp: ControlPlane) -> None:
    """Try until this process leads, or drains."""
    observed_version, observed_us = -1, 0
    while not (cp.draining or cp.stopping):
        await Emit((_said(cp, _attempt(cp)),))
        try:
            row = await Read("lease", LEASE, label="lease.get")
        except StoreDown:
            await Emit((_said(cp, LeaseRefused(), reason="store_error", outcome="failed"),))
            await Sleep(cp.config.lease_retry_us)
            continue
        now_us = await Now()
        if row is not None and row.version != observed_version:
            observed_version, observed_us = row.version, now_us
        held = row is not None and row["holder"] is not None
        expired = held and now_us - observed_us >= cp.config.lease_duration_us
        if row is not None and held and not expired:
            await Emit((_said(cp, LeaseRefused(holder=row.text("holder")), reason="held", seen=row),))
        elif await _take(cp, row, expired):
            return
        await Sleep(cp.config.lease_retry_us)


def _attempt(cp: ControlPlane) -> LeaseAttempted:
    config = cp.config
    return LeaseAttempted(
        duration_us=config.lease_duration_us,
        renew_deadline_us=config.lease_renew_deadline_us,
        retry_us=config.lease_retry_us,
        backoff_us=config.lease_backoff_us,
    )


async def _take(cp: ControlPlane, row: Row | None, expired: bool) -> bool:
    """Write this process into the record, if the record is still what was observed."""
    previous = row.text("holder") if row is not None and row["holder"] is not None else None
    term = row.number("term") + 1 if row is not None else 1
    if expired and row is not None and previous is not None:
        await Emit((_said(cp, LeaseObservedExpired(holder=previous, term=row.number("term")), seen=row),))
    acquired = LeaseAcquired(holder=cp.id, term=term, previous_holder=previous)
    said = Said(acquired, LEASE, refs=(cp.ref(),), epoch=term, inputs=(row.seen(),) if row is not None else ())
    expect = {"version": row.version} if row is not None else None
    result = await Commit((Put("lease", LEASE, {"holder": cp.id, "term": term}, expect),), (said,), "lease.acquire")
    if isinstance(result, Committed):
        cp.leading, cp.term = True, term
        return True
    await Emit((_said(cp, LeaseRefused(), reason=type(result).__name__.lower(), outcome="failed"),))
    return False


async def _renew(cp: ControlPlane) -> None:
    """Renew at every interval; give up leading when the renew deadline has passed or another holds the record."""
    renewed_us = await Now()
    while cp.leading:
        await Sleep(cp.config.lease_retry_us)
        if cp.draining or cp.stopping:
            await _release(cp)
            return
        mine = {"holder": cp.id, "term": cp.term}
        said = _said(cp, LeaseRenewed(holder=cp.id, term=cp.term))
        result = await Commit((Put("lease", LEASE, mine, mine),), (said,), "lease.renew")
        now_us = await Now()
        if isinstance(result, Committed):
            renewed_us = now_us
            continue
        outcome = "rejected" if isinstance(result, Conflict) else "failed"
        failed = LeaseRenewFailed(holder=cp.id, term=cp.term, since_renewal_us=now_us - renewed_us)
        await Emit((_said(cp, failed, reason=type(result).__name__.lower(), outcome=outcome),))
        if isinstance(result, Conflict) or now_us - renewed_us >= cp.config.lease_renew_deadline_us:
            reason = "taken_over" if isinstance(result, Conflict) else "renew_deadline_exceeded"
            cp.leading = False
            await Emit((_said(cp, LeaseLost(holder=cp.id, term=cp.term), reason=reason),))


async def _release(cp: ControlPlane) -> None:
    cp.leading = False
    mine = {"holder": cp.id, "term": cp.term}
    said = _said(cp, LeaseReleased(holder=cp.id, term=cp.term))
    await Commit((Put("lease", LEASE, {"holder": None, "term": cp.term}, mine),), (said,), "lease.release")


async def watch_elector(cp: ControlPlane) -> None:
    """Note in the truth file when this replica has been out of the election for longer than any election takes."""
    config = cp.config
    patience_us = config.lease_duration_us + config.lease_retry_us + config.lease_backoff_us + 4 * config.heartbeat_us
    while not cp.stopping:
        await Sleep(config.heartbeat_us)
        if cp.elector_ended_us is not None and not cp.draining and await Now() - cp.elector_ended_us > patience_us:
            cp.bugs.struck(ELECTOR_RUNS_ONCE, cp.id)
