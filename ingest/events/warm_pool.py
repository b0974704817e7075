"""Warm pool: workers that are spawned, activated for a tenant, parked while idle, and reclaimed.

The durable states are those of duckgres (`spawning idle reserved activating hot hot_idle draining retired lost`). A
durable move and its event are one transaction; a move in a control plane's memory is another event, so that the two
can be held against each other. Every age says which clock column it was computed from.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class WorkerRow(Decision):
    """A durable write to a worker's row. It moves the state where `from_state` and `to_state` differ."""

    from_state: str | None = None
    """State of the row before; null where the row is new."""
    to_state: str
    """State of the row after."""
    owner: str
    """Control plane that owns the worker after the write."""
    org: str | None = None
    """Tenant that the worker is assigned to."""
    vcpu: int
    """Size of the worker in virtual CPUs."""
    ttl_us: Micros | None = None
    """How long the worker may stay hot_idle."""


class WorkerSlotCreated(WorkerRow, kind="worker.slot_created", subject="worker"):
    """A slot was taken for a worker to come: the row is `spawning` and counts against the cap."""

    cap: int
    """The tenant's cap."""
    counted: int
    """Active workers that were counted against the cap, without this one."""


class WorkerSpawnStarted(Decision, kind="worker.spawn_started", subject="worker", outcome="attempted"):
    """The pod of a worker is being made, detached from the request that wanted it."""

    budget_us: Micros
    """How long the spawn may take."""


class WorkerSpawnFailed(Decision, kind="worker.spawn_failed", subject="worker", outcome="failed"):
    """A step of a spawn failed. Reasons: runtime_store, config_map, secret_create, pod_create, pod_ready, secret_read,
    grpc_connect, context_canceled, other."""

    age_us: Micros
    """How long the spawn had run."""


class WorkerSpawned(WorkerRow, kind="worker.spawned", subject="worker"):
    """The pod is ready and connected: spawning to idle."""


class WorkerSlotFreed(WorkerRow, kind="worker.slot_freed", subject="worker"):
    """The slot of a failed spawn was given back: spawning to retired."""


class WorkerAssigned(WorkerRow, kind="worker.assigned", subject="worker"):
    """A fresh worker was reserved for a tenant: idle to reserved."""


class WorkerClaimed(WorkerRow, kind="worker.claimed", subject="worker"):
    """A parked worker was taken over for reuse: hot_idle to reserved, under a new epoch and perhaps a new owner."""

    previous_owner: str
    """Control plane that owned it before."""


class WorkerActivationStarted(WorkerRow, kind="worker.activation_started", subject="worker"):
    """The tenant's data is being attached: reserved to activating."""


class WorkerHeartbeated(WorkerRow, kind="worker.heartbeated", subject="worker"):
    """The row was rewritten without a change of state, because an activation is still in progress."""


class WorkerRefreshed(WorkerRow, kind="worker.refreshed", subject="worker"):
    """The row was rewritten without a change of state, because the worker's credentials were renewed."""

    moved_basis: bool
    """Whether the write moved the clock column that the idle age is computed from."""


class WorkerActivated(WorkerRow, kind="worker.activated", subject="worker"):
    """The tenant is attached: activating to hot."""


class WorkerParked(WorkerRow, kind="worker.parked", subject="worker"):
    """The last session was released and the worker waits for reuse: hot to hot_idle."""


class WorkerDrainStarted(WorkerRow, kind="worker.drain_started", subject="worker"):
    """The worker is on its way out: its pod will be deleted next."""

    origin: str
    """Which code path decided: janitor_hot_idle_ttl, per_cp_hot_idle_ttl, shutdown_all, health_check_crash …"""


class WorkerRetired(WorkerRow, kind="worker.retired", subject="worker"):
    """The worker's row came to its end, with the reason."""

    origin: str
    """Which code path decided."""
    age_us: Micros
    """Age that was judged; 0 where no age was."""
    age_basis: str | None = None
    """The clock column that the age was computed from."""


class WorkerLost(WorkerRow, kind="worker.lost", subject="worker"):
    """The worker was given up as dead."""

    origin: str
    """Which code path decided."""


class WorkerMemoryMoved(Decision, kind="worker.memory_moved", subject="worker", outcome="observed"):
    """The owner changed its own picture of the worker, in memory."""

    owner: str
    """Control plane whose memory changed."""
    memory_from: str | None = None
    """State in memory before."""
    memory_to: str
    """State in memory after; `forgotten` where the worker was dropped."""


class WorkerCommitFailed(Decision, kind="worker.commit_failed", subject="worker", outcome="failed unknown conflict"):
    """A durable move did not happen, or nobody knows whether it did."""

    wanted_state: str
    """State that the write would have given."""
    owner: str
    """Control plane that tried."""


class WorkerRetireSkipped(Decision, kind="worker.retire_skipped", subject="worker", outcome="skipped"):
    """A sweep left a worker alone that it had listed. Reasons: floor, count_error, live_session."""

    origin: str
    """Which code path decided."""
    age_us: Micros
    """Age that was judged."""
    age_basis: str | None = None
    """The clock column that the age was computed from."""
    floor: int | None = None
    """Parked workers that are to be kept, where a floor was the reason."""


class WorkerFenceMissed(Decision, kind="worker.fence_missed", subject="worker", outcome="conflict"):
    """A fenced write was refused, because the row was not what the writer had seen."""

    origin: str
    """Which code path tried."""
    fence: str
    """Which part of the fence failed: state, owner, epoch, updated_at, cp_revived, row_missing."""
    want: str
    """What the writer held to be true."""
    got: str
    """What the row said."""


class WorkerPodDeleted(Decision, kind="worker.pod_deleted", subject="worker", outcome="committed"):
    """The pod's deletion was accepted by the cluster that runs it."""

    origin: str
    """Which code path decided."""


class WorkerPodDeleteFailed(Decision, kind="worker.pod_delete_failed", subject="worker", outcome="failed unknown"):
    """The pod's deletion was refused or not answered."""

    origin: str
    """Which code path decided."""


class WorkerPodCreated(Decision, kind="worker.pod_created", subject="worker", outcome="observed"):
    """The cluster that runs pods made this worker's pod."""


class WorkerPodGone(Decision, kind="worker.pod_gone", subject="worker", outcome="observed"):
    """The worker's pod has ended; its resources are free."""


class WorkerHealthFailed(Decision, kind="worker.health_failed", subject="worker", outcome="failed"):
    """A health probe failed."""

    consecutive: int
    """Failures in a row, this one included."""


class AcquireQueued(Decision, kind="acquire.queued", subject="session", outcome="attempted"):
    """A session wants a worker and waits at its tenant's gate."""

    org: str
    """Tenant that the session belongs to."""


class AcquireGateEntered(Decision, kind="acquire.gate_entered", subject="session", outcome="observed"):
    """The session passed its tenant's gate: it is first in line."""

    org: str
    """Tenant that the session belongs to."""
    wait_us: Micros
    """How long the session waited."""


class AcquireClaimHit(Decision, kind="acquire.claim_hit", subject="session", outcome="committed"):
    """A parked worker was claimed for the session."""

    org: str
    """Tenant that the session belongs to."""


class AcquireClaimMissed(Decision, kind="acquire.claim_missed", subject="session", outcome="rejected conflict failed"):
    """No parked worker could be claimed. Reasons: no_idle, org_cap, shutting_down, store_error, conflict."""

    org: str
    """Tenant that the session belongs to."""


class AcquireCapacityRefused(Decision, kind="acquire.capacity_refused", subject="session", outcome="rejected"):
    """The tenant's cap leaves no room; the refusal lists what it counted."""

    org: str
    """Tenant that the session belongs to."""
    cap: int
    """The tenant's cap."""
    counted: int
    """Workers that were counted against the cap."""


class AcquireSucceeded(Decision, kind="acquire.succeeded", subject="session", outcome="committed observed"):
    """The session has its worker."""

    org: str
    """Tenant that the session belongs to."""
    source: str
    """Where it came from: idle_reuse, hot_idle_claim, spawn."""
    wait_us: Micros
    """How long the session waited."""


class AcquireFailed(Decision, kind="acquire.failed", subject="session", outcome="failed"):
    """The session got no worker. Reasons: capacity, spawn_failure, activation_failure, error, timeout."""

    org: str
    """Tenant that the session belongs to."""


class AcquireAbandoned(Decision, kind="acquire.abandoned", subject="session", outcome="observed"):
    """The requester went away while its worker was still being made."""

    org: str
    """Tenant that the session belongs to."""


class AcquireCanceled(Decision, kind="acquire.canceled", subject="session", outcome="observed"):
    """The requester gave up before it had a worker."""

    org: str
    """Tenant that the session belongs to."""


class SessionPreclaimed(Decision, kind="session.preclaimed", subject="session", outcome="observed"):
    """A worker is set aside for a session that is about to start on it."""

    org: str
    """Tenant that the session belongs to."""


class SessionStarted(Decision, kind="session.started", subject="session", outcome="observed"):
    """A session runs on a worker."""

    org: str
    """Tenant that the session belongs to."""


class SessionTouched(Decision, kind="session.touched", subject="session", outcome="observed"):
    """A session showed that it is alive: a query, rows of a long answer."""

    org: str
    """Tenant that the session belongs to."""


class SessionEnded(Decision, kind="session.ended", subject="session", outcome="observed"):
    """A session was closed by its client."""

    org: str
    """Tenant that the session belongs to."""


class SessionFailed(Decision, kind="session.failed", subject="session", outcome="failed"):
    """A session broke off because what it ran on went away. Reasons: worker_gone, control_plane_gone."""

    org: str
    """Tenant that the session belongs to."""


class SessionReaped(Decision, kind="session.reaped", subject="session", outcome="committed observed"):
    """The control plane ended a session on purpose. Reasons: idle_timeout, drain_deadline, worker_retired."""

    org: str
    """Tenant that the session belongs to."""


class HeadroomComputed(Decision, kind="headroom.computed", subject="headroom", outcome="observed"):
    """How much spare capacity to keep, with every term that the figure came from."""

    desired: int
    """Spare slots to keep."""
    cap: int
    """Upper bound of the spare slots."""
    burst: int
    """Peak of spawns at once in the burst window."""
    sessions: int
    """Open sessions that were counted."""
    spawning: int
    """Workers being spawned that were counted."""
    hot_idle: int
    """Parked workers at that moment."""
    live: int
    """All active workers at that moment."""


class HeadroomChange(Decision):
    """A change of the number of spare slots that are really kept."""

    placeholders_from: int
    """Spare slots before."""
    placeholders_to: int
    """Spare slots after."""


class HeadroomScaledUp(HeadroomChange, kind="headroom.scaled_up", subject="headroom"):
    """Spare slots were added."""


class HeadroomScaledDown(HeadroomChange, kind="headroom.scaled_down", subject="headroom"):
    """Spare slots were given back."""


class HeadroomDisabled(HeadroomChange, kind="headroom.disabled", subject="headroom"):
    """Headroom was turned off; the spare slots are to be deleted."""
