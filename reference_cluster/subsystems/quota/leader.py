"""Which scheduler leads: a lease record in the store, judged by the store's own clock. Its term fences what the leader writes."""

from __future__ import annotations

from ingest.events.election import LeaseAttempted
from reference_cluster.effects import Emit, Now, Read, Sleep, StoreDown
from reference_cluster.records import Check
from reference_cluster.subsystems import lease
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
            renewed_us = await lease.renew(me, LEASE, renewed_us, me.config.election_lease_us)
        elif await _stand(me):
            renewed_us = await Now()
        await Sleep(me.config.election_retry_us)


async def _stand(me: Controller) -> bool:
    """Take the lease over where nobody has it, or its holder has not renewed it in time."""
    try:
        row = await Read("lease", LEASE, label="lease.get")
    except StoreDown:
        return False
    config = me.config
    if row is not None and row.age_us("updated_us") < config.election_lease_us:
        return False
    timings = LeaseAttempted(
        duration_us=config.election_lease_us,
        renew_deadline_us=config.election_lease_us,
        retry_us=config.election_retry_us,
        backoff_us=config.election_retry_us,
    )
    await Emit((lease.said(me, LEASE, timings, seen=row),))
    return await lease.take(me, LEASE, row, expired=row is not None)


async def step_down(me: Controller, reason: str) -> None:
    """Lead no more: a write met another leader."""
    await lease.step_down(me, LEASE, reason)
