"""What the controllers run with: the fields that a policy may set. Names and meanings are those of `QuotaTimings`."""

from __future__ import annotations

from ingest.events.quota import QuotaConfigured
from reference_cluster.scenario import Duration, Part


class Config(Part):
    """What every process of the family runs with."""

    watch_lag_us: Duration = 1_000_000
    schedule_tick_us: Duration = 500_000
    backoff_us: Duration = 500_000
    backoff_max_us: Duration = 4_000_000
    autoscale_tick_us: Duration = 1_000_000
    confirm_us: Duration = 3_000_000
    rollout_tick_us: Duration = 500_000
    repair_tick_us: Duration = 2_000_000
    orphan_after_us: Duration = 3_000_000
    election_lease_us: Duration = 3_000_000
    election_retry_us: Duration = 1_000_000
    """Interval at which the leader renews, and at which the others look whether there is one."""
    surge_max: int = 3
    heartbeat_us: Duration = 5_000_000
    """Interval of each process's heartbeat."""
    relist_us: Duration = 500_000
    """Wait before a watch that broke is begun again."""
    idle_node_us: Duration = 10_000_000
    """How long an added node may stay empty."""
    restart_us: Duration = 800_000
    """How long a process that crashed takes to come back."""

    def declared(self) -> QuotaConfigured:
        """The configuration as the log says it."""
        return QuotaConfigured(**{name: getattr(self, name) for name in QuotaConfigured.model_fields})
