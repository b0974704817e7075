"""What a control plane runs with, and what it knows of its tenants."""

from __future__ import annotations

from ingest.events.control_loop import SweepTimings, Timings
from reference_cluster.scenario import Duration, Part


class Config(Part):
    """What a control plane runs with. Names and meanings are those of `ingest.events.control_loop.Timings`."""

    lease_duration_us: Duration = 20_000_000
    lease_renew_deadline_us: Duration = 15_000_000
    lease_retry_us: Duration = 5_000_000
    lease_backoff_us: Duration = 2_000_000
    tick_us: Duration = 5_000_000
    fallback_tick_us: Duration = 60_000_000
    pool_tick_us: Duration = 5_000_000
    heartbeat_us: Duration = 5_000_000
    control_plane_expiry_us: Duration = 20_000_000
    orphan_grace_us: Duration = 30_000_000
    hot_idle_ttl_us: Duration = 60_000_000
    spawn_budget_us: Duration = 480_000_000
    spawn_stuck_us: Duration = 600_000_000
    activation_stuck_us: Duration = 300_000_000
    activation_heartbeat_us: Duration = 60_000_000
    persist_timeout_us: Duration = 5_000_000
    call_timeout_us: Duration = 3_000_000
    drain_bound_us: Duration = 900_000_000
    pod_grace_us: Duration = 10_000_000
    reconcile_us: Duration = 120_000_000
    health_tick_us: Duration = 10_000_000
    """Interval of the health probes (2 s upstream; slower here, since most scenarios are not about it)."""
    refresh_us: Duration = 0
    """Interval at which credentials are renewed; 0 for never."""
    acquire_timeout_us: Duration = 60_000_000
    """How long a session may wait at the gate."""
    acquire_retry_us: Duration = 2_000_000
    """Wait between two tries for capacity."""
    headroom_tick_us: Duration = 30_000_000
    """Interval at which the leader computes the headroom; 0 where headroom is off."""
    image: str = "v1"
    """Version of the workers' image."""
    worker_vcpu: int = 8
    """Size of a worker."""

    def timings(self) -> dict[str, int]:
        """The timings that are declared in the log."""
        return {name: getattr(self, name) for name in Timings.model_fields}

    def sweep_timings(self) -> dict[str, int]:
        """The thresholds that every sweep echoes."""
        return {name: getattr(self, name) for name in SweepTimings.model_fields}


class Tenant(Part):
    """An organisation with its limits."""

    cap: int = 10
    """Workers that it may have at once."""
    floor: int = 0
    """Parked workers that are kept past their TTL."""
    hot_idle_cap: int | None = None
    """Parked workers at most; none where null."""
