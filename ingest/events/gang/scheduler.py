"""What schedulers say about themselves: the configuration they run with, and every tick, also one that was sat out."""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class GangTimings(Decision):
    """The effective timings and limits of a scheduler. A detector's threshold is a multiple of these."""

    poll_us: Micros
    """Interval at which an idle worker asks for work."""
    job_heartbeat_us: Micros
    """Interval at which a worker reports that a job is alive."""
    job_stale_us: Micros
    """Silence after which a running job counts as lost."""
    worker_stale_us: Micros
    """Silence after which a worker counts as offline."""
    reaper_tick_us: Micros
    """Interval of the reaper's tick."""
    admission_tick_us: Micros
    """Interval of the admission tick."""
    tick_bound_us: Micros
    """How long a tick may take before it is abandoned; 0 where nothing bounds it."""
    reservation_timeout_us: Micros
    """How long a reserved job may wait for its worker."""
    preempt_grace_us: Micros
    """How long a process may take to end after it was told to."""
    drain_timeout_us: Micros
    """How long a job may be preempting before it is drained by force."""
    max_retries: int
    """Attempts that a job has."""


class SchedulerConfigured(GangTimings, kind="scheduler.configured", subject="scheduler", outcome="observed"):
    """A scheduler process started, and this is what it runs with. Its first event."""

    instance: str
    """The stable name of the replica."""


class SchedulerStopped(Decision, kind="scheduler.stopped", subject="scheduler", outcome="observed"):
    """A scheduler process ended on purpose."""


class SchedulerGaugeObserved(Decision, kind="scheduler.gauge_observed", subject="scheduler", outcome="observed"):
    """What a scheduler shows to whoever reads its metrics, said at every reading."""

    gauge: str
    """Name of the gauge: reaper_leader."""
    shown: int
    """The value that it shows."""


class TickStarted(GangTimings, kind="tick.started", subject="scheduler", outcome="attempted"):
    """A scheduler has the lock of a loop and begins its tick. Leadership lasts for one tick. Echoes the configuration."""

    loop: str
    """Name of the loop, and of its lock: reaper, admission."""


class TickCompleted(Decision, kind="tick.completed", subject="scheduler", outcome="observed"):
    """A tick came to its end and gave the lock back; said also when it found nothing."""

    loop: str
    """Name of the loop: reaper, admission."""
    listed: int
    """Jobs or gangs that it looked at."""
    acted: int
    """Jobs or gangs that it changed."""


class TickSkipped(Decision, kind="tick.skipped", subject="scheduler", outcome="skipped"):
    """A scheduler sat a tick out, because another holds the lock. Reason: lock_held."""

    loop: str
    """Name of the loop: reaper, admission."""


class TickFailed(Decision, kind="tick.failed", subject="scheduler", outcome="failed"):
    """A tick did not take place or broke off; its lock is free again. Reasons: store_error, overdue."""

    loop: str
    """Name of the loop: reaper, admission."""
