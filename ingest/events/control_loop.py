"""What every control plane says about itself: its life, its configuration, its sweeps.

A sweep speaks even when it finds nothing: silence must be distinguishable from emptiness. Effective configuration is
echoed, so that thresholds come from the log and not from constants of the analyser.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class SweepTimings(Decision):
    """The effective thresholds that a sweep judges by."""

    control_plane_expiry_us: Micros
    """Silence after which a control plane counts as gone."""
    orphan_grace_us: Micros
    """Time after that in which its workers are left alone."""
    hot_idle_ttl_us: Micros
    """How long a parked worker may wait for reuse, unless its own TTL says otherwise."""
    spawn_stuck_us: Micros
    """Age at which the janitor takes a spawning worker for stuck."""
    activation_stuck_us: Micros
    """Age at which the janitor takes a reserved or activating worker for stuck."""
    drain_bound_us: Micros
    """How long a draining control plane may take; 0 where nothing bounds it."""


class Timings(SweepTimings):
    """All effective timings of a control plane. A detector's threshold is a multiple of these."""

    lease_duration_us: Micros
    """How long the leader lease is good for."""
    lease_renew_deadline_us: Micros
    """How long a leader goes on trying to renew."""
    lease_retry_us: Micros
    """Wait between two tries of the elector."""
    lease_backoff_us: Micros
    """Wait before standing again after losing."""
    tick_us: Micros
    """Interval of the leader's janitor tick."""
    fallback_tick_us: Micros
    """Interval of the reaper that each control plane runs for itself."""
    pool_tick_us: Micros
    """Interval of the pool's own upkeep."""
    heartbeat_us: Micros
    """Interval of a control plane's heartbeat."""
    spawn_budget_us: Micros
    """How long a detached spawn may take before it gives up."""
    activation_heartbeat_us: Micros
    """Interval at which an activation in progress rewrites its row."""
    persist_timeout_us: Micros
    """How long a write to the store may take before it counts as failed."""
    call_timeout_us: Micros
    """How long the janitor waits for an answer from outside."""
    pod_grace_us: Micros
    """How long a pod may take to end after its deletion."""
    reconcile_us: Micros
    """Age at which a pod without a live row counts as stranded."""


class ConfigDeclared(Timings, kind="config.declared", subject="control_plane", outcome="observed"):
    """The configuration that a control plane runs with, said at its start and whenever it changes."""

    version: int
    """Number of the configuration, counted up by each change."""


class ControlPlaneStarted(Decision, kind="control_plane.started", subject="control_plane"):
    """A control-plane process registered itself under an identity minted for this start."""

    instance: str
    """The stable name of the replica."""


class ControlPlaneHeartbeated(Decision, kind="control_plane.heartbeated", subject="control_plane"):
    """A control plane wrote its heartbeat to the store."""


class ControlPlaneHeartbeatFailed(Decision, kind="control_plane.heartbeat_failed", subject="control_plane", outcome="failed unknown"):
    """A heartbeat could not be written."""


class ControlPlaneDrainStarted(Decision, kind="control_plane.drain_started", subject="control_plane"):
    """A control plane takes no more work and waits for what it has to end."""

    sessions: int
    """Open sessions at that moment."""
    bound_us: Micros
    """How long it may take; 0 where nothing bounds it."""


class ControlPlaneStopped(Decision, kind="control_plane.stopped", subject="control_plane", outcome="committed observed"):
    """A control plane ended on purpose."""


class ControlPlaneExpired(Decision, kind="control_plane.expired", subject="control_plane"):
    """Somebody marked a silent or overdue control plane as gone."""

    age_us: Micros
    """Age that was judged."""
    age_basis: str
    """The clock column that the age was computed from."""


class ControlPlaneRevived(Decision, kind="control_plane.revived", subject="control_plane"):
    """A control plane that had been marked as gone wrote a heartbeat again."""


class SweepStarted(SweepTimings, kind="sweep.started", subject="control_plane", outcome="attempted"):
    """A control loop begins a pass. Echoes the thresholds in force."""

    sweep: str
    """Name of the loop: janitor, fallback, pool."""
    scope: str
    """`fleet` for a pass over everybody's objects, `instance` for one over the control plane's own."""
    interval_us: Micros
    """Interval at which this loop promises to run."""


class SweepPass(Decision):
    """One step of a pass: what it listed and what it did."""

    sweep: str
    """Name of the loop: janitor, fallback, pool."""
    step: str
    """Step of the loop, such as orphan, hot_idle_ttl, stranded."""
    list_ok: bool
    """Whether what it had to look at could be listed."""
    stamped: bool
    """Whether the gauge of the last successful run was moved to now."""


class SweepListFailed(SweepPass, kind="sweep.list_failed", subject="control_plane", outcome="failed"):
    """A step could not list what it had to look at."""


class SweepCompleted(SweepPass, kind="sweep.completed", subject="control_plane", outcome="observed"):
    """A step ended; said also when it found nothing."""

    listed: int
    """Rows that it looked at."""
    acted: int
    """Rows that it changed."""
    skipped: int
    """Rows that it left alone on purpose."""
    missed: int
    """Rows that had changed under it."""
    failed: int
    """Rows whose change failed."""
