"""Durable writes to the row of a job: a member of a gang, or a job of its own."""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class JobRow(Decision):
    """A durable write to a job's row. It moves the state where `from_state` and `to_state` differ."""

    from_state: str | None = None
    """State of the row before; null where the row is new."""
    to_state: str
    """State of the row after."""
    gang: str | None = None
    """Gang that the job is a member of."""
    worker: str | None = None
    """Worker that the job is reserved on or claimed by after the write; null where the row names none."""
    claim: int
    """Claims of the job so far, this one included: counted up, never refunded."""
    attempts_from: int
    """Attempts that counted against the limit before the write."""
    attempts: int
    """Attempts that count against the limit after the write."""
    cpu: int
    """CPUs that the job declares to need; 0 where it declares nothing."""


class JobSubmitted(JobRow, kind="job.submitted", subject="job"):
    """A job was accepted: pending, or blocked where it waits for dependencies or is a member of a gang."""

    ordinal: int
    """Number of the member in its gang, from 0; 0 for a job of no gang."""
    priority: int
    """The higher, the earlier."""
    payload_digest: str
    """Digest of the canonical JSON of what is to be run."""


class JobUnblocked(JobRow, kind="job.unblocked", subject="job"):
    """Everything that the job waited for is done: blocked to pending."""


class JobReserved(JobRow, kind="job.reserved", subject="job"):
    """A member was placed on a worker: blocked to reserved."""

    reservation: int
    """Number of the reservation, counted up for each gang."""


class JobRolledBack(JobRow, kind="job.rolled_back", subject="job"):
    """A reservation was taken back: reserved to blocked. Reasons: reservation_timeout, drain."""

    reservation: int
    """Number of the reservation that ended."""
    age_us: Micros
    """Age of the reservation."""


class JobClaimed(JobRow, kind="job.claimed", subject="job"):
    """A worker took the job: reserved or pending to running."""

    path: str
    """How the worker came to it: reservation, queue."""
    reservation: int | None = None
    """Number of the reservation that the row holds; null on the queue path."""
    offered_reservation: int | None = None
    """Number of the reservation that the worker had been offered and claims by."""
    checkpoint_digest: str | None = None
    """Digest of the canonical JSON of the checkpoint that is injected as CHECKPOINT_DATA."""


class JobReport(JobRow):
    """A durable write that a worker's report led to. `worker` and `claim` are what the row says, these what the reporter says."""

    reported_by: str
    """Worker that reports."""
    reported_claim: int
    """Claim that the worker reports for."""


class JobHeartbeated(JobReport, kind="job.heartbeated", subject="job"):
    """The worker reported that the job is alive: the row was rewritten without a change of state."""


class JobCompleted(JobReport, kind="job.completed", subject="job"):
    """The job's work is done: running to done."""


class JobRequeued(JobRow, kind="job.requeued", subject="job"):
    """The job is to be run again. A plain job: running to pending. A member at the end of a drain: preempted to blocked.
    Reasons: reported_failure, stale, drain_completed; drain, lone_member where a member was pending, which none should be."""


class JobFailed(JobRow, kind="job.failed", subject="job"):
    """The job came to its end without success. Reasons: retries_exhausted, gang_failed, dependency_failed."""


class JobDrainStarted(JobRow, kind="job.drain_started", subject="job"):
    """A member is to save its work and stop: running to preempting."""

    refunded: bool
    """Whether the attempt was given back, because the member is not to blame."""


class JobCheckpointed(JobReport, kind="job.checkpointed", subject="job"):
    """A checkpoint was accepted: the row was rewritten without a change of state."""

    checkpoint_digest: str
    """Digest of the checkpoint's canonical JSON."""
    checkpoint_bytes: int
    """Length of the checkpoint as it was sent. The store may write the same value in more or fewer bytes."""


class JobPreempted(JobReport, kind="job.preempted", subject="job"):
    """A member has stopped: preempting to preempted, or running to preempted for the trigger of a drain that reported its own end.
    Reasons: acked, finished (it was done; the result is kept as its checkpoint), failed, trigger_exited."""


class JobForceDrained(JobRow, kind="job.force_drained", subject="job"):
    """Nobody said in time that the member had stopped: preempting to preempted by the reaper."""

    age_us: Micros
    """How long the member had been preempting."""
    age_basis: str
    """The clock column that the age was computed from."""
