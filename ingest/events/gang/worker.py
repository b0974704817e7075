"""Workers join, check in and go."""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class WorkerRow(Decision):
    """A durable write to a worker's row."""

    from_state: str | None = None
    """State of the row before; null where the row is new."""
    to_state: str
    """State of the row after: active, offline."""


class WorkerRegistered(WorkerRow, kind="worker.registered", subject="worker"):
    """A worker process started and joined."""

    instance: str
    """The stable name of the worker."""
    cpu: int
    """Capacity in CPUs. A worker runs one job at a time."""
    build: str
    """Version of the worker's program."""


class WorkerCheckedIn(WorkerRow, kind="worker.checked_in", subject="worker"):
    """A worker showed that it is alive. From offline it becomes active again."""

    busy_with: str | None = None
    """The job whose process it runs, by its own word."""


class WorkerMarkedOffline(WorkerRow, kind="worker.marked_offline", subject="worker"):
    """A worker was taken out of the count. Reasons: silent, stopped. Its jobs are not touched by this."""

    age_us: Micros
    """Age that was judged; 0 where the worker itself asked for it."""
    age_basis: str | None = None
    """The clock column that the age was computed from."""


class WorkerOfflineMissed(Decision, kind="worker.offline_missed", subject="worker", outcome="conflict failed unknown"):
    """A silent worker was not taken out of the count, because it had checked in or the store did not answer."""

    fence: str
    """Which part of the row was not as expected; empty where the store did not answer."""
    want: str
    """What the reaper had seen."""
    got: str
    """What the row said."""
