"""Which scheduler leads: a lease record in the store, judged by the store's own clock. Its term fences what the leader writes."""

from __future__ import annotations

from ingest.events.base import Decision, Ref
from ingest.events.election import LeaseAcquired, LeaseAttempted, LeaseLost, LeaseRefused, LeaseRenewed
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Now, Read, Said, Sleep, StoreDown
from reference_cluster.records import Check, Put, Row
from reference_cluster.subsystems.quota.process import Controller

LEASE = "scheduler"


def fence(me: Controller) -> Check:
    """What every write of a leader expects: that it still leads."""
    return Check("lease", LEASE, {"holder": me.id, "term": me.term})


async def run_elector(me: Controller) -> None:
    """Renew while leading, stand for election while nobody does, for as long as the process lives."""
    renewed_us = 0
    while True:
        if me.leading:
            renewed_us = await _renew(me, renewed_us)
        elif await _stand(me):
            renewed_us = await Now()
        await Sleep(me.config.election_retry_us)


def _said(me: Controller, decision: Decision, reason: str | None = None, seen: Row | None = None) -> Said:
    refs = (Ref(role="control_plane", kind="control_plane", id=me.id),)
    inputs = (seen.seen(),) if seen is not None else ()
    return Said(decision, LEASE, refs=refs, reason=reason, epoch=me.term or None, inputs=inputs)


async def _stand(me: Controller) -> bool:
    """Take the lease over where nobody has it, or its holder has not renewed it in time."""
    try:
        row = await Read("lease", LEASE, label="lease.get")
    except StoreDown:
        return False
    if row is not None and row.age_us("updated_us") < me.config.election_lease_us:
        return False
    config = me.config
    timings = LeaseAttempted(
        duration_us=config.election_lease_us,
        renew_deadline_us=config.election_lease_us,
        retry_us=config.election_retry_us,
        backoff_us=config.election_retry_us,
    )
    await Emit((_said(me, timings, seen=row),))
    term = row.number("term") + 1 if row is not None else 1
    acquired = LeaseAcquired(holder=me.id, term=term, previous_holder=row.text("holder") if row is not None else None)
    said = Said(acquired, LEASE, refs=(Ref(role="control_plane", kind="control_plane", id=me.id),), epoch=term)
    expect = {"version": row.version} if row is not None else None
    result = await Commit((Put("lease", LEASE, {"holder": me.id, "term": term}, expect),), (said,), "lease.acquire")
    if not isinstance(result, Committed):
        await Emit((_said(me, LeaseRefused(), reason=type(result).__name__.lower()),))
        return False
    me.leading, me.term = True, term
    return True


async def _renew(me: Controller, renewed_us: int) -> int:
    """Renew once; the time of the last renewal that worked, by the process's own clock."""
    mine = {"holder": me.id, "term": me.term}
    said = _said(me, LeaseRenewed(holder=me.id, term=me.term))
    result = await Commit((Put("lease", LEASE, mine, mine),), (said,), "lease.renew")
    now_us = await Now()
    if isinstance(result, Committed):
        return now_us
    if isinstance(result, Conflict) or now_us - renewed_us >= me.config.election_lease_us:
        await step_down(me, "taken_over" if isinstance(result, Conflict) else "renew_deadline_exceeded")
    return renewed_us


async def step_down(me: Controller, reason: str) -> None:
    """Lead no more. Said once: a write that was fenced and a renewal that failed may both find out."""
    if me.leading:
        me.leading = False
        await Emit((_said(me, LeaseLost(holder=me.id, term=me.term), reason=reason),))
