"""What is said about jobs and not written: offers, what workers report, what is refused with want and got, what a worker runs."""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class JobOffered(Decision, kind="job.offered", subject="job", outcome="observed"):
    """A poll was answered with this job; the worker has still to claim it."""

    path: str
    """How the worker came to it: reservation, queue."""
    offered_reservation: int | None = None
    """Number of the reservation that the offer is for."""


class JobClaimRefused(Decision, kind="job.claim_refused", subject="job", outcome="conflict failed unknown"):
    """A claim came to nothing. Reasons: lost_race, stale_reservation, store_error."""

    fence: str
    """Which part of the row was not as expected; empty where the store did not answer."""
    want: str
    """What the claim expected."""
    got: str
    """What the row said."""


class JobSaid(Decision):
    """A worker's word about a job, before it is judged."""

    reported_by: str
    """Worker that reports."""
    reported_claim: int
    """Claim that the worker reports for."""


class JobDoneReported(JobSaid, kind="job.done_reported", subject="job", outcome="attempted"):
    """A worker says that the job's work is done."""


class JobFailReported(JobSaid, kind="job.fail_reported", subject="job", outcome="attempted"):
    """A worker says that the job's process failed."""


class JobAckReported(JobSaid, kind="job.ack_reported", subject="job", outcome="attempted"):
    """A worker says that the job has stopped, as it was told to."""

    got_epoch: int
    """Epoch that the worker gives."""


class JobSaidInVain(JobSaid):
    """A worker's word that was refused with a 409."""

    state: str
    """State of the row."""
    fence: str
    """What did not hold: state, worker, claim, epoch, row."""
    want: str
    """What would have been accepted."""
    got: str
    """What the worker said, or the row was."""


class JobHeartbeatRejected(JobSaidInVain, kind="job.heartbeat_rejected", subject="job", outcome="rejected"):
    """A heartbeat was refused: the job is not the reporter's."""


class JobDoneRejected(JobSaidInVain, kind="job.done_rejected", subject="job", outcome="rejected"):
    """A finished job's report was refused."""


class JobFailRejected(JobSaidInVain, kind="job.fail_rejected", subject="job", outcome="rejected"):
    """A failed job's report was refused."""


class JobAckRejected(JobSaidInVain, kind="job.ack_rejected", subject="job", outcome="rejected"):
    """The word that a member has stopped was refused."""

    want_epoch: int
    """Epoch of the row."""
    got_epoch: int
    """Epoch that the worker gave."""


class JobCheckpointRejected(JobSaidInVain, kind="job.checkpoint_rejected", subject="job", outcome="rejected"):
    """A checkpoint was refused."""

    want_epoch: int
    """Epoch of the row."""
    got_epoch: int
    """Epoch that the worker gave."""


class JobPreemptDelivered(Decision, kind="job.preempt_delivered", subject="job", outcome="observed"):
    """A heartbeat was answered with the action `preempt` and the epoch that stands in the envelope."""

    reported_by: str
    """Worker that the answer went to."""


class JobFoundStale(Decision, kind="job.found_stale", subject="job", outcome="observed"):
    """The reaper found a running job that had been silent for too long."""

    age_us: Micros
    """Age that was judged."""
    age_basis: str
    """The clock column that the age was computed from."""


class JobFenceMissed(Decision, kind="job.fence_missed", subject="job", outcome="conflict failed unknown"):
    """A write of the scheduler's own came to nothing, because the row had moved on or the store did not answer."""

    origin: str
    """Which code path tried: admission, reaper, api, unblock."""
    fence: str
    """Which part of the row was not as expected; empty where the store did not answer."""
    want: str
    """What the writer had seen."""
    got: str
    """What the row said."""


class JobProcessStarted(Decision, kind="job.process_started", subject="job", outcome="observed"):
    """A worker runs the job's process."""

    claim: int
    """Claim that it runs for."""
    attempts: int
    """Attempt that the worker was told."""
    checkpoint_digest: str | None = None
    """Digest of the canonical JSON of CHECKPOINT_DATA; null where there is none."""
    checkpoint_bytes: int | None = None
    """Length of CHECKPOINT_DATA as the worker got it."""


class JobPreemptReceived(Decision, kind="job.preempt_received", subject="job", outcome="observed"):
    """A worker was told to stop the job's process."""

    got_epoch: int
    """Epoch as the worker reads it."""


class JobProcessEnded(Decision, kind="job.process_ended", subject="job", outcome="observed"):
    """The job's process is gone from the worker. Reasons: done, failed, preempted, killed (grace over), fenced (the job is not
    this worker's any more), silent (nobody took its heartbeats for as long as a job may be silent)."""

    claim: int
    """Claim that it ran for."""
    ran_us: Micros
    """How long it ran, by the worker's clock."""
