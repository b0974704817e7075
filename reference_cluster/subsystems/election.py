"""Election: one leader at a time, by a lease record that contenders observe, as client-go does it.

A contender trusts only its own observation: it takes the lease over when the record has not changed for a whole lease
duration by its own clock. So no two machines' clocks are ever subtracted. The record's term is the fencing number.

Story: client-go's elector returns when the lease cannot be renewed. duckgres ran it once, so one blip dropped a replica
out of the election for good; enough blips, and nobody led (pull 820, fix 1).
"""

from __future__ import annotations

from ingest.events.election import LeaseAttempted, LeaseRefused, LeaseReleased
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Emit, Now, Read, Sleep, StoreDown
from reference_cluster.records import Put
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.lease import renew, said, take

LEASE = "janitor"

ELECTOR_RUNS_ONCE = Bug(
    name="elector_runs_once",
    catalogue_id="DG-01",
    subsystem="election",
    scenario="renew_blips",
    detectors=("election/lost_without_recontend",),
    story="The elector is run once: a replica that loses the lease never stands for election again.",
)


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
        await Emit((said(cp, LEASE, _attempt(cp)),))
        try:
            row = await Read("lease", LEASE, label="lease.get")
        except StoreDown:
            await Emit((said(cp, LEASE, LeaseRefused(), reason="store_error", outcome="failed"),))
            await Sleep(cp.config.lease_retry_us)
            continue
        now_us = await Now()
        if row is not None and row.version != observed_version:
            observed_version, observed_us = row.version, now_us
        held = row is not None and row["holder"] is not None
        expired = held and now_us - observed_us >= cp.config.lease_duration_us
        if row is not None and held and not expired:
            await Emit((said(cp, LEASE, LeaseRefused(holder=row.text("holder")), reason="held", seen=row),))
        elif await take(cp, LEASE, row, expired):
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


async def _renew(cp: ControlPlane) -> None:
    """Renew at every interval; give up leading when the renew deadline has passed or another holds the record."""
    renewed_us = await Now()
    while cp.leading:
        await Sleep(cp.config.lease_retry_us)
        if cp.draining or cp.stopping:
            await _release(cp)
            return
        renewed_us = await renew(cp, LEASE, renewed_us, cp.config.lease_renew_deadline_us)


async def _release(cp: ControlPlane) -> None:
    cp.leading = False
    mine = {"holder": cp.id, "term": cp.term}
    released = said(cp, LEASE, LeaseReleased(holder=cp.id, term=cp.term))
    await Commit((Put("lease", LEASE, {"holder": None, "term": cp.term}, mine),), (released,), "lease.release")


async def watch_elector(cp: ControlPlane) -> None:
    """Note in the truth file when this replica has been out of the election for longer than any election takes."""
    config = cp.config
    patience_us = config.lease_duration_us + config.lease_retry_us + config.lease_backoff_us + 4 * config.heartbeat_us
    while not cp.stopping:
        await Sleep(config.heartbeat_us)
        if cp.elector_ended_us is not None and not cp.draining and await Now() - cp.elector_ended_us > patience_us:
            cp.bugs.struck(ELECTOR_RUNS_ONCE, cp.id)
