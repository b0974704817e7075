"""A lease record in the store, by which one process of several leads: taken, renewed, given up.

Every write says what it expects the record to be. The record's term is the fencing number of what the leader does.
"""

from __future__ import annotations

from typing import Protocol

from ingest.events.base import Decision, Ref
from ingest.events.election import LeaseAcquired, LeaseLost, LeaseObservedExpired, LeaseRefused, LeaseRenewed, LeaseRenewFailed
from reference_cluster.effects import Commit, Committed, Conflict, Emit, Now, Said
from reference_cluster.records import Put, Row


class Contender(Protocol):
    """A process that stands for a lease, and what it knows of its own part in it."""

    id: str
    leading: bool
    term: int
    """Number of its last leadership; 0 where it never led."""


def said(
    me: Contender, lease: str, decision: Decision, *, reason: str | None = None, outcome: str | None = None, seen: Row | None = None
) -> Said:
    """An event about the lease, as this process tells it; `seen` is the record that it rests on."""
    inputs = (seen.seen(),) if seen is not None else ()
    return Said(decision, lease, refs=(_ref(me),), reason=reason, outcome=outcome, epoch=me.term or None, inputs=inputs)


async def take(me: Contender, lease: str, row: Row | None, expired: bool) -> bool:
    """Write this process into the record, if the record is still what was observed; whether it leads now."""
    previous = row.text("holder") if row is not None and row["holder"] is not None else None
    term = row.number("term") + 1 if row is not None else 1
    if expired and row is not None and previous is not None:
        await Emit((said(me, lease, LeaseObservedExpired(holder=previous, term=row.number("term")), seen=row),))
    acquired = LeaseAcquired(holder=me.id, term=term, previous_holder=previous)
    told = Said(acquired, lease, refs=(_ref(me),), epoch=term, inputs=(row.seen(),) if row is not None else ())
    expect = {"version": row.version} if row is not None else None
    result = await Commit((Put("lease", lease, {"holder": me.id, "term": term}, expect),), (told,), "lease.acquire")
    if isinstance(result, Committed):
        me.leading, me.term = True, term
        return True
    await Emit((said(me, lease, LeaseRefused(), reason=type(result).__name__.lower(), outcome="failed"),))
    return False


async def renew(me: Contender, lease: str, renewed_us: int, deadline_us: int) -> int:
    """Renew once; the time of the last renewal that worked, by the process's own clock.

    It leads no more where another holds the record, or where no renewal has worked for `deadline_us`.
    """
    mine = {"holder": me.id, "term": me.term}
    renewed = said(me, lease, LeaseRenewed(holder=me.id, term=me.term))
    result = await Commit((Put("lease", lease, mine, mine),), (renewed,), "lease.renew")
    now_us = await Now()
    if isinstance(result, Committed):
        return now_us
    is_taken = isinstance(result, Conflict)
    failed = LeaseRenewFailed(holder=me.id, term=me.term, since_renewal_us=now_us - renewed_us)
    await Emit((said(me, lease, failed, reason=type(result).__name__.lower(), outcome="rejected" if is_taken else "failed"),))
    if is_taken or now_us - renewed_us >= deadline_us:
        await step_down(me, lease, "taken_over" if is_taken else "renew_deadline_exceeded")
    return renewed_us


async def step_down(me: Contender, lease: str, reason: str) -> None:
    """Lead no more. Said once: a write that was fenced and a renewal that failed may both find out."""
    if me.leading:
        me.leading = False
        await Emit((said(me, lease, LeaseLost(holder=me.id, term=me.term), reason=reason),))


def _ref(me: Contender) -> Ref:
    return Ref(role="control_plane", kind="control_plane", id=me.id)
