"""Placement: jobs whose instances are packed onto nodes, each node held by a lease, the schedule one compare-and-set row.

The words are those of Ozymandias: a job wants instances; a slot (`web-0`) is one of them; an *instance* (`web-0.2`) is
one try to run a slot on a node; a container is what the node's runtime runs for it. There is no master: any scheduler
may compute a schedule, and the first to commit it wins. So a refused commit is ordinary, and says which revision it
had wanted and which it met. What the runtime says and what the schedule says are separate events, because a leak is
where the two differ.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros, Strict


class PlacementTimings(Decision):
    """The effective timings and rules of a scheduler. A detector's threshold is a multiple of these."""

    lease_ttl_us: Micros
    """How long a node's lease is good for after each refresh."""
    lease_refresh_us: Micros
    """Interval at which a node refreshes its lease."""
    replace_grace_us: Micros
    """How long after a node's expiry its slots are left alone, so that it may come back."""
    fence_us: Micros
    """Age of the last refresh at which a node's own runtime stops everything; 0 where nothing does."""
    tick_us: Micros
    """Interval of a scheduler's pass over schedule, nodes and containers."""
    stop_us: Micros
    """How long a container takes to stop at most."""
    victim_policy: str
    """Whom a scale-down takes first: `unhealthy_first`, then the newest."""


class PlacementConfigured(PlacementTimings, kind="placement.configured", subject="node", outcome="observed"):
    """What a scheduler runs with, said at its start."""


class Need(Strict):
    """What an instance needs from its node, or a node has for instances."""

    memory_mb: int
    """Memory."""
    disk_mb: int
    """Local disk; what is on it is lost with the instance."""


class NodeLease(Decision):
    """A lease of a node: its keys live as long as it does."""

    term: int
    """Number of the lease among those of this node."""
    ttl_us: Micros
    """How long it is good for after each refresh."""


class NodeLeaseGranted(NodeLease, Need, kind="node.lease_granted", subject="node"):
    """A scheduler took a lease, or found its own still alive, and entered the list of nodes. Reasons: fresh, lease_alive, lease_lapsed."""


class NodeLeaseRefreshed(NodeLease, kind="node.lease_refreshed", subject="node", outcome="observed"):
    """The store granted a refresh."""


class NodeLeaseRefreshFailed(Decision, kind="node.lease_refresh_failed", subject="node", outcome="failed rejected"):
    """A refresh did not work. Reasons: store_error, and lease_lapsed where the lease had run out meanwhile."""

    since_refresh_us: Micros
    """Time since the last refresh that worked, by the node's own clock."""


class NodeLeaseExpired(Decision, kind="node.lease_expired", subject="node"):
    """The store ended a lease that nobody refreshed, with the keys that were bound to it."""

    term: int
    """Number of the lease that ran out."""
    keys: int
    """Keys that went with it, besides the node's own."""


class NodeLeaseExtended(NodeLease, kind="node.lease_extended", subject="node", outcome="observed"):
    """A new leader of the store gave a lease its whole time again, since it cannot know the refreshes of the last one."""


class LessorSwept(Decision, kind="lessor.swept", subject="etcd"):
    """The store looked for leases that ran out; said also when it found none."""

    leases: int
    """Leases that it looked at."""
    expired: int
    """Leases that had run out."""


class EtcdLeaderLost(Decision, kind="etcd.leader_lost", subject="etcd", outcome="observed"):
    """The store has no leader: it answers nothing until it has elected one."""


class EtcdLeaderElected(Decision, kind="etcd.leader_elected", subject="etcd"):
    """The store has a leader again."""

    term: int
    """Number of the leadership."""


class NodeReconciled(Decision, kind="node.reconciled", subject="node", outcome="observed"):
    """A scheduler that came up held its containers against the schedule."""

    kept: int
    """Containers that the schedule still wants here."""
    strays: int
    """Containers that it does not, and that are stopped."""


class NodeKilledAll(NodeReconciled, kind="node.killed_all"):
    """A scheduler that came up without a lease stopped every container, whatever the schedule says."""


# Jobs and the schedule


class SubmissionReceived(Decision, kind="submission.received", subject="job", outcome="attempted"):
    """A user asked for a job, or for another number of its instances."""

    operation: str
    """create, scale."""
    wanted: int
    """Instances that the job shall have."""


class SubmissionCommitted(Decision, kind="submission.committed", subject="job"):
    """The job and the schedule were committed together."""

    operation: str
    """create, scale_up, scale_down."""
    wanted: int
    """Instances that the job has from now on."""
    host: str
    """Host name under which the ingress knows it."""


class SubmissionRejected(Decision, kind="submission.rejected", subject="job", outcome="rejected failed"):
    """The user got a problem details object (RFC 9457). Reasons: insufficient-memory, insufficient-disk, invalid-job,
    job-exists, job-not-found, store-unavailable, conflict."""

    operation: str
    """create, scale."""
    title: str
    """The problem, the same for all of its type."""
    detail: str
    """This problem, with its numbers."""
    required_mb: int | None = None
    """What the job needs."""
    available_mb: int | None = None
    """What could be allocated."""


class ScheduleTry(Decision):
    """One try to commit a schedule that was computed from one revision."""

    trigger: str
    """Why: create, scale_up, scale_down, node_expired, top_up."""
    trigger_id: str
    """What it was computed for: a job, nodes with the terms of their leases (`node-1@2`), or slots; several are joined by `+`."""
    attempt: int
    """Number of this try for this trigger by this scheduler, from 1."""
    base: int
    """Version of the schedule that it was computed from."""
    placed: int
    """Slots that it places."""
    unplaced: int
    """Slots for which there is no room."""


class ScheduleAttempted(ScheduleTry, kind="schedule.attempted", subject="schedule", outcome="attempted"):
    """A scheduler computed a schedule and tries to commit it."""


class ScheduleCommitted(ScheduleTry, kind="schedule.committed", subject="schedule"):
    """The schedule was still the one that it was computed from: it is the new one."""

    version: int
    """Version of the schedule from here on."""


class ScheduleConflicted(ScheduleTry, kind="schedule.conflicted", subject="schedule", outcome="conflict failed unknown"):
    """Another was first, or nobody knows. The loser computes again from what is there now."""

    fence: str
    """Row and field that differed."""
    want: str
    """What the writer had seen."""
    got: str
    """What was there."""


class SchedulePassed(Decision, kind="schedule.passed", subject="node"):
    """A scheduler looked at the schedule and the nodes, and left word of it in the store; said also when there was nothing to do."""

    version: int
    """Version of the schedule that it saw."""
    unplaced: int
    """Slots without an instance."""
    expired: int
    """Nodes without a lease that hold slots."""
    free_memory_mb: int
    """Memory that the schedule leaves on this node."""
    free_disk_mb: int
    """Local disk that the schedule leaves on this node."""


class SlotUnplaced(Decision, Need, kind="slot.unplaced", subject="slot"):
    """A schedule was committed that has no room for this slot."""


class SlotRemoved(Decision, kind="slot.removed", subject="slot"):
    """The job does not have this slot any more."""


# Instances


class InstanceMove(Decision):
    """A durable move of an instance."""

    from_state: str | None = None
    """State before; null where the instance is new."""
    to_state: str
    """State after."""
    slot: str
    """The slot that it fills."""
    node: str
    """The node that it is allocated to."""
    container: str | None = None
    """The container that runs it, or shall run it."""


class InstanceAllocated(InstanceMove, Need, kind="instance.allocated", subject="instance"):
    """A schedule gave a slot to a node."""


class InstanceStarting(InstanceMove, kind="instance.starting", subject="instance"):
    """The scheduler of the node begins to start it, or starts it again."""


class InstanceStarted(InstanceMove, kind="instance.started", subject="instance"):
    """Its container runs; it is unhealthy until enough checks have passed."""


class InstanceTurnedHealthy(InstanceMove, kind="instance.turned_healthy", subject="instance"):
    """Enough checks in a row have passed."""

    checks: int
    """Checks in a row that were counted."""


class InstanceTurnedUnhealthy(InstanceMove, kind="instance.turned_unhealthy", subject="instance"):
    """Enough checks in a row have failed. Reasons: check_failed, container_gone."""

    checks: int
    """Checks in a row that were counted."""


class InstanceStopped(InstanceMove, kind="instance.stopped", subject="instance"):
    """Its container ended and the restart policy leaves it so."""

    exit_code: int
    """What the container ended with."""


class InstanceDropped(InstanceMove, kind="instance.dropped", subject="instance"):
    """A schedule was committed without it: its node shall end it. Reasons: scaled_down."""


class InstanceEnded(InstanceMove, kind="instance.ended", subject="instance"):
    """Its container and its local storage are gone."""


class InstanceLost(InstanceMove, kind="instance.lost", subject="instance"):
    """It was given up with its node, and its slot placed anew where there was room."""


class InstanceCommitFailed(Decision, kind="instance.commit_failed", subject="instance", outcome="failed unknown conflict"):
    """A durable move did not happen, or nobody knows whether it did."""

    wanted_state: str
    """State that the move would have given."""


class InstanceLaunchFailed(Decision, kind="instance.launch_failed", subject="instance", outcome="failed unknown"):
    """The runtime did not start it. Reasons: those of the runtime, and timeout."""

    container: str | None = None
    """The container that was to run it."""


class InstanceCheckFailed(Decision, kind="instance.check_failed", subject="instance", outcome="failed"):
    """A health check did not pass. Reasons: status, timeout."""

    checks: int
    """Failed checks in a row."""


# DNS and ingress


class DnsChange(Decision):
    """A change of the records by which other pods find an instance."""

    job: str
    """The name that is resolved."""
    node: str
    """Node of the instance that it leads to."""


class DnsAdded(DnsChange, kind="dns.added", subject="dns_record"):
    """An instance became healthy and can be found."""

    term: int
    """Lease of the node that the record is bound to."""


class DnsRemoved(DnsChange, kind="dns.removed", subject="dns_record"):
    """An instance cannot be found any more. Reasons: unhealthy, dropped, lease_expired."""


class IngressProxied(Decision, kind="ingress.proxied", subject="request", outcome="observed"):
    """A request was proxied by its Host header."""

    host: str
    """The Host header."""
    instance: str
    """The instance that answered."""


class IngressRefused(Decision, kind="ingress.refused", subject="request", outcome="rejected failed"):
    """A request could not be proxied. Reasons: no_healthy_instance, instance_gone, timeout."""

    host: str
    """The Host header."""


# What a node's runtime does and sees


class RuntimeStarted(Decision, kind="runtime.started", subject="runtime", outcome="observed"):
    """A node's container runtime came up with nothing in it."""


class RuntimeListed(Decision, kind="runtime.listed", subject="runtime", outcome="observed"):
    """The runtime told its scheduler what it runs: a sign of life."""

    containers: int
    """Containers that there are, running or not."""


class RuntimeFenced(Decision, kind="runtime.fenced", subject="runtime", outcome="observed"):
    """The node's lease had not been refreshed for too long: the runtime stops everything, before others may run it."""

    strays: int
    """Containers that were stopped."""
    since_refresh_us: Micros
    """Age of the last refresh that the runtime was told of."""


class ContainerFact(Decision):
    """Something that the runtime did with a container."""

    node: str
    """The node that it is on."""
    instance: str
    """The instance that it is for."""
    slot: str
    """The slot of that instance."""


class ContainerCreated(ContainerFact, kind="container.created", subject="container", outcome="observed"):
    """A container was made; it does not run yet."""


class ContainerLaunched(ContainerFact, kind="container.launched", subject="container", outcome="observed"):
    """It runs."""


class ContainerExited(ContainerFact, kind="container.exited", subject="container", outcome="observed"):
    """It ended by itself."""

    exit_code: int
    """What it ended with."""


class ContainerStopped(ContainerFact, kind="container.stopped", subject="container", outcome="observed"):
    """It was made to end. Reasons: dropped, restart, stray, killed_all, fenced, launch_failed."""


class ContainerRemoved(ContainerFact, kind="container.removed", subject="container", outcome="observed"):
    """Nothing is left of it but, perhaps, its local storage."""

    storage_removed: bool
    """Whether its local storage was deleted with it."""
