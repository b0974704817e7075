"""The store's own part: it ends leases that nobody refreshed, with the keys that were bound to them, and elects its leader.

A lease is taken from its node by asking for it under the lessor's name: the store grants that only where it has run out,
so a refresh and an expiry can never both be believed. A new leader of the store cannot know the refreshes that the last
one had not told it of, so it gives every lease its whole time again.

Stories of the planted bugs: DNS records that are not bound to the lease outlive the node (the note binds a node's state to
its lease, and forgets the records); and a new leader that goes by what it knows ends all leases at once (etcd issue 2660).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Decision, Ref
from ingest.events.placement import DnsRemoved, EtcdLeaderElected, EtcdLeaderLost, LessorSwept, NodeLeaseExpired, NodeLeaseExtended
from reference_cluster.bugs import Bug, Switches
from reference_cluster.effects import Commit, Emit, Lease, LeaseHeld, List, Receive, Said, Sleep
from reference_cluster.records import STORE_NOW, Delete, Put, Row
from reference_cluster.subsystems.placement.messages import Election
from reference_cluster.subsystems.placement.scenario import Config
from reference_cluster.subsystems.placement.scheduler import lease_of

ETCD = "etcd"
LESSOR = "etcd/lessor"
LEAST_WAIT_US = 200_000

RECORDS_OUTLIVE_LEASE = Bug(
    name="records_outlive_lease",
    catalogue_id="OZ-03",
    subsystem="placement",
    scenario="placement_machine_dies",
    detectors=("placement/dns_of_dead_node", "placement/lease_overdue"),
    story="DNS records are not bound to the lease of their node: they go on leading to it after it has died.",
)
ELECTION_FORGETS_REFRESHES = Bug(
    name="election_forgets_refreshes",
    catalogue_id="OZ-07b",
    subsystem="placement",
    scenario="placement_store_election",
    detectors=("placement/mass_expiry_after_election",),
    story="After an election the store ends every lease that was not refreshed while it had no leader.",
)
MASS = 3


@dataclass
class Etcd:
    """The store, as far as it acts by itself."""

    config: Config
    bugs: Switches
    term: int = 1
    leading: bool = True
    expired_since_election: set[str] = field(default_factory=set)

    def said(self, decision: Decision, reason: str | None = None) -> Said:
        """An event about the store itself."""
        return Said(decision, ETCD, reason=reason, epoch=self.term)


async def lessor(etcd: Etcd) -> None:
    """End the leases that have run out; look again when the next one may."""
    while True:
        if not etcd.leading:
            await Sleep(LEAST_WAIT_US)
            continue
        rows = await List("node", {"state": "live"})
        wait_us, expired = etcd.config.lease_ttl_us, 0
        for row in rows:
            judged = await Lease(lease_of(row.key), LESSOR, 0)
            if isinstance(judged, LeaseHeld):
                await _expire(etcd, row)
                expired += 1
            else:
                wait_us = min(wait_us, judged.remaining_us)
        swept = etcd.said(LessorSwept(leases=len(rows), expired=expired))
        await Commit((Put(ETCD, "lessor", {"swept_us": STORE_NOW}, {}),), (swept,), "lessor.swept")
        await Sleep(max(LEAST_WAIT_US, wait_us))


async def _expire(etcd: Etcd, row: Row) -> None:
    """The node's key and its DNS records go in one commit; a node that took a new lease meanwhile keeps them."""
    records = [] if etcd.bugs.has(RECORDS_OUTLIVE_LEASE) else await List("dns", {"node": row.key})
    node = Ref(role="node", kind="node", id=row.key)
    gone = NodeLeaseExpired(term=row.number("term"), keys=len(records))
    events = [Said(gone, row.key, reason="not_refreshed", epoch=row.number("term"), inputs=(row.seen(),))]
    for record in records:
        removed = DnsRemoved(job=record.text("job"), node=row.key)
        refs = (node, Ref(role="instance", kind="instance", id=record.key), Ref(role="job", kind="job", id=record.text("job")))
        events.append(Said(removed, record.key, refs=refs, reason="lease_expired", workload=record.text("job")))
    ended = Put("node", row.key, {"state": "expired", "expired_us": STORE_NOW}, {"version": row.version})
    deleted = (Delete("dns", record.key, {"version": record.version}) for record in records)
    await Commit((ended, *deleted), tuple(events), "node.lease_expired")
    if etcd.term > 1:
        etcd.expired_since_election.add(row.key)
        if len(etcd.expired_since_election) >= MASS:
            etcd.bugs.struck(ELECTION_FORGETS_REFRESHES, ETCD)


async def raft(etcd: Etcd) -> None:
    """Lose the leader when the scenario says so, and elect another."""
    while True:
        message = (await Receive(f"{ETCD}/raft")).message
        if not isinstance(message, Election):
            continue
        etcd.leading = False
        await Emit((etcd.said(EtcdLeaderLost()),))
        await Sleep(message.lasts_us)
        etcd.term += 1
        etcd.expired_since_election.clear()
        elected = etcd.said(EtcdLeaderElected(term=etcd.term))
        await Commit((Put(ETCD, "leader", {"term": etcd.term}, {}),), (elected,), "etcd.elected")
        if not etcd.bugs.has(ELECTION_FORGETS_REFRESHES):
            await _extend(etcd)
        etcd.leading = True


async def _extend(etcd: Etcd) -> None:
    """Every lease has its whole time again."""
    for row in await List("node", {"state": "live"}):
        await Lease(lease_of(row.key), row.key, etcd.config.lease_ttl_us)
        extended = NodeLeaseExtended(term=row.number("term"), ttl_us=etcd.config.lease_ttl_us)
        await Emit((Said(extended, row.key, epoch=row.number("term")),))
