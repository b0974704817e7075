"""Quota: replicas that need room in a tenant's quota and on a node, and the controllers that give it to them.

The world of the replay lesson: admission by revisions of a policy, a scheduler that reserves and then binds, an autoscaler, a
repair loop, and caches that lag. What a decision had read is told twice: as an input of the envelope, and as own fields (`source`,
`quota_version` …), because a query compares them with what was true then. `generation` is the desired state, `epoch` the term.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class RepairTimings(Decision):
    """The thresholds of the repair loop, echoed by each of its scans."""

    repair_tick_us: Micros
    """Interval of the repair loop."""
    orphan_after_us: Micros
    """Age from which a reservation that nothing needs is an orphan."""


class QuotaTimings(RepairTimings):
    """All effective timings of a controller. A detector's threshold is a multiple of these."""

    watch_lag_us: Micros
    """Time within which a watch is promised to bring a change; what was read longer ago is old."""
    schedule_tick_us: Micros
    """Interval of the scheduler's loop."""
    backoff_us: Micros
    """Wait before the first retry of a replica; it doubles with each."""
    backoff_max_us: Micros
    """The longest wait before a retry."""
    autoscale_tick_us: Micros
    """Interval of the autoscaler's loop."""
    confirm_us: Micros
    """How long a shortage must last before capacity is asked for."""
    rollout_tick_us: Micros
    """Interval of the rollout loop, and of the status that it reads."""
    election_lease_us: Micros
    """How long the scheduler's lease is good for after each renewal."""


class QuotaConfigured(QuotaTimings, kind="quota.configured", subject="control_plane", outcome="observed"):
    """The configuration that a controller runs with, said at its start."""

    surge_max: int
    """Most nodes that the autoscaler may add to those that there were."""


class QuotaRow(Decision):
    """A quota as it is after the write: how much of it there is, and how much is taken."""

    quota: str
    """The quota: tenant and zone."""
    quota_version: int
    """Version of its row after the write."""
    slots: int
    """Slots that the tenant may take in the zone."""
    used: int
    """Slots that are taken."""


class QuotaChanged(QuotaRow, kind="quota.changed", subject="quota"):
    """The quota controller gave a tenant more or fewer slots in a zone."""


class PolicyChange(Decision):
    """The admission policy after the write."""

    policy_revision: int
    """Revision of the policy that is in force after the write."""
    previous_revision: int
    """The one before; 0 where there was none."""
    pool: str
    """The pool of nodes that the policy writes into what it admits."""


class PolicyApplied(PolicyChange, kind="policy.applied", subject="policy"):
    """A revision of the admission policy came into force."""


class PolicyRolledBack(PolicyChange, kind="policy.rolled_back", subject="policy"):
    """An earlier revision of the admission policy came into force again."""


class WorkloadAdmitted(Decision, kind="workload.admitted", subject="workload"):
    """A new generation of a workload was let in, changed as the policy says."""

    role: str
    """`service`, or `recovery` for capacity that others fall back upon."""
    priority: int
    """The higher goes first."""
    zone: str
    """Where its replicas are to run."""
    pool: str
    """The pool of nodes that admission wrote into it."""
    replicas: int
    """How many are wanted."""
    policy_revision: int
    """Revision of the policy that let it in."""


class WorkloadRejected(Decision, kind="workload.rejected", subject="workload", outcome="rejected"):
    """A generation was not let in. Reasons: stale_generation."""

    policy_revision: int
    """Revision of the policy that was in force."""


class WorkloadRetired(Decision, kind="workload.retired", subject="workload"):
    """Its owner wants nothing of the workload any more: its replicas are deleted on purpose."""


class StatusFacts(Decision):
    """What a status says. The envelope's `generation` is the one that was wanted at that moment."""

    observed_generation: int
    """The generation that the status is about."""
    status_version: int
    """Version of the status."""
    ready: int
    """Replicas of that generation that run."""
    replicas: int
    """How many are wanted."""


class StatusReported(StatusFacts, kind="status.reported", subject="workload"):
    """The status of a workload was written; the version is the one after the write."""


class WorkloadPromoted(StatusFacts, kind="workload.promoted", subject="workload", outcome="observed"):
    """The status was taken to say that the generation of the envelope is ready: what is older may go."""

    source: str
    """Where it was read: cache or store."""


class RolloutScanned(Decision, kind="rollout.scanned", subject="control_plane", outcome="observed"):
    """A pass of the rollout loop ended; said also when there was nothing to do."""

    workloads: int
    """Workloads that it looked at."""
    rolling: int
    """Those with replicas of an older generation or policy."""


class ReplicaMove(Decision):
    """A durable write to a replica. It moves the phase where `from_phase` and `to_phase` differ."""

    from_phase: str | None = None
    """Phase before; null where the replica is new."""
    to_phase: str | None = None
    """Phase after; null where the replica is gone."""
    role: str
    """`service`, or `recovery` for capacity that others fall back upon."""


class ReplicaCreated(ReplicaMove, kind="replica.created", subject="replica"):
    """A replica is wanted: it is pending. Reasons: admitted, replaces."""

    intent: str
    """What it is for: `place`, or `replace` where it takes the place of another."""
    policy_revision: int
    """Revision of the policy that shaped it."""


class ReplicaUnschedulable(Decision, kind="replica.unschedulable", subject="replica"):
    """The scheduler said of a replica that there is no room for it. Reasons: quota, no_node."""

    source: str
    """Where it read that: cache or store."""
    quota: str
    """The quota that it looked at."""
    quota_version: int
    """Version of the quota that it read."""
    quota_free: int
    """Free slots that it read."""
    nodes_fit: int
    """Nodes with room, of the right zone and pool, that it saw."""


class ReplicaRequeued(Decision, kind="replica.requeued", subject="replica", outcome="skipped"):
    """A replica goes back into the queue. Reasons: conflict, timeout, store_error, unschedulable, confirmed."""

    attempt: int
    """Tries so far."""
    delay_us: Micros
    """Wait before the next one."""


class ReplicaStarted(ReplicaMove, kind="replica.started", subject="replica"):
    """A bound replica runs on its node: bound to running."""


class ReplicaEvicted(ReplicaMove, kind="replica.evicted", subject="replica"):
    """A replica was unbound, to be placed again: bound or running to pending. Reasons: node_unhealthy."""


class ReplicaDeleted(ReplicaMove, kind="replica.deleted", subject="replica"):
    """A replica was removed. Reasons: superseded, policy_rolled_back, retired."""

    was_healthy: bool
    """Whether it ran on a healthy node."""
    healthy_left: int
    """Healthy replicas of its workload that were counted beside it."""


class ReplicaDeleteRefused(Decision, kind="replica.delete_refused", subject="replica", outcome="rejected"):
    """A replica was kept. Reasons: last_healthy."""

    role: str
    """`service`, or `recovery` for capacity that others fall back upon."""
    healthy_left: int
    """Healthy replicas of its workload that were counted beside it."""


class SchedulerTicked(Decision, kind="scheduler.ticked", subject="control_plane", outcome="observed"):
    """A pass of the scheduler's queue begins; said also when nothing waits."""

    queued: int
    """Replicas that wait for a place."""
    due: int
    """Those whose back-off is over."""


class FenceMiss(Decision):
    """A write that was refused because something was not as the writer expected."""

    replica: str
    """The replica that the write was for."""
    fence: str
    """The field that differed."""
    want: str
    """What the writer expected."""
    got: str
    """What was there."""


class ReservationFacts(Decision):
    """Whom a reservation is for, and where. Replica, generation and intent are the identity that may have one reservation."""

    replica: str
    """The replica that the room is for."""
    intent: str
    """What the replica is for."""
    node: str
    """The node that has the room."""


class ReservationAttempted(ReservationFacts, kind="reservation.attempted", subject="reservation", outcome="attempted"):
    """The scheduler asks the store for a reservation."""

    source: str
    """Where it read the quota: cache or store."""
    quota: str
    """The quota that it takes a slot of."""
    quota_version: int
    """Version of the quota that it read."""
    quota_free: int
    """Free slots that it read."""


class ReservationRow(ReservationFacts, QuotaRow):
    """A durable write to a reservation, and to the quota that it takes from."""


class ReservationCreated(ReservationRow, kind="reservation.created", subject="reservation"):
    """Room was promised to a replica: a slot of the quota and one of the node are taken."""


class ReservationCreateFailed(ReservationFacts, kind="reservation.create_failed", subject="reservation", outcome="failed unknown"):
    """The store refused, or did not answer: with the outcome `unknown` the reservation may be there."""


class ReservationConflicted(FenceMiss, kind="reservation.conflicted", subject="reservation", outcome="conflict"):
    """Another write came first, or the writer does not lead any more (`term`): nothing was reserved."""


class ReservationReused(ReservationFacts, kind="reservation.reused", subject="reservation", outcome="observed"):
    """A reservation of the same identity was there already, and is used."""

    source: str
    """Where it was read: cache or store."""


class ReservationReleased(ReservationRow, kind="reservation.released", subject="reservation"):
    """The room was given back. Reasons: job_missing, attempt_superseded, stale, evicted."""


class ReservationLeft(ReservationFacts, kind="reservation.left", subject="reservation", outcome="skipped"):
    """Repair looked at a reservation that nothing needs, and left it. Reasons: owner_unknown, store_error, conflict."""

    age_us: Micros
    """How old it was."""


class BindingFacts(Decision):
    """Which replica is fixed to which node."""

    replica: str
    """The replica."""
    node: str
    """The node."""


class BindingAttempted(BindingFacts, kind="binding.attempted", subject="binding", outcome="attempted"):
    """The scheduler asks the store to fix a replica to a node."""


class BindingCreated(BindingFacts, kind="binding.created", subject="binding"):
    """A replica was fixed to a node: pending to bound."""


class BindingCreateFailed(BindingFacts, kind="binding.create_failed", subject="binding", outcome="failed unknown"):
    """The store refused, or did not answer: with the outcome `unknown` the binding may be there."""


class BindingConflicted(FenceMiss, kind="binding.conflicted", subject="binding", outcome="conflict"):
    """Another write came first, or the writer does not lead any more (`term`): nothing was bound."""


class BindingConfirmed(BindingFacts, kind="binding.confirmed", subject="binding", outcome="observed"):
    """The scheduler read back that a binding of which it did not know is there."""


class BindingRemoved(BindingFacts, kind="binding.removed", subject="binding"):
    """A replica is not fixed to the node any more. Reasons: node_unhealthy, job_missing, attempt_superseded."""


class NodeState(Decision):
    """A node after the write."""

    zone: str
    """Where it is."""
    pool: str
    """The pool of nodes that it belongs to, by its label."""
    slots: int
    """Replicas that fit on it."""
    healthy: bool
    """Whether it can run replicas."""


class CapacityDeclared(NodeState, kind="capacity.declared", subject="node"):
    """A node was there as the log began."""


class CapacityRequested(NodeState, kind="capacity.requested", subject="node"):
    """The autoscaler asked for a node because a replica was said to have no room."""

    replica: str
    """The replica that it is for."""
    replica_version: int
    """Version of that replica's row that was read."""
    source: str
    """Where it was read: cache or store."""
    quota: str
    """The quota of that replica."""


class CapacityReady(NodeState, kind="capacity.ready", subject="node"):
    """A node that was asked for is there."""


class CapacityHealthChanged(NodeState, kind="capacity.health_changed", subject="node"):
    """A node became healthy or unhealthy."""


class CapacityRemoved(NodeState, kind="capacity.removed", subject="node"):
    """An empty node that had been added was given back."""


class AutoscalerComputed(Decision, kind="autoscaler.computed", subject="control_plane", outcome="observed"):
    """How many nodes there should be, with every term that the figure came from."""

    nodes: int
    """Nodes that there are, or were asked for."""
    desired: int
    """Nodes that there should be."""
    pending: int
    """Replicas without a place: the demand."""
    unschedulable: int
    """Those of them that the scheduler said have no room."""


class RepairScanned(RepairTimings, kind="repair.scanned", subject="control_plane", outcome="observed failed"):
    """A pass of the repair loop ended; said also when it found nothing, and when it could list nothing (`failed`)."""

    listed: int
    """Reservations that it looked at."""
    removed: int
    """Orphans that it removed."""
    kept: int
    """Orphans that it left where they are."""
