"""Gang: jobs on workers; a gang is a set of jobs that are admitted all or none, and drained together when one fails.

The durable states of a job are those of Workron (`pending blocked reserved running preempting preempted done failed`). A
durable move and its event are one transaction; what a worker does with a job in its own memory (`job.process_*`) is
another event, so that the two can be held against each other.

Subjects: `gang`, `job` (a member of a gang is a job), `worker`, `scheduler`. The id of a worker or a scheduler is its process
incarnation. Refs: `gang` on every event of a member; `worker` is the worker that the event is about (on a report: the one that
reports); `dependency` names the jobs that a job waits for; on events of a gang `member` and `worker` name the jobs and workers
that are touched, `trigger` the job that began a drain, `counted` the workers that a refusal has counted.
`epoch` of the envelope counts the drains of the gang; `workload` is the gang of a member, and the job itself where there is none.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros

# Schedulers


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


# Workers


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


# Jobs: durable writes


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
    Reasons: reported_failure, stale, drain_completed, lone_member."""


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


# Jobs: what was said and refused


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


# Jobs: what a worker does with them


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


# Gangs


class GangSubmitted(Decision, kind="gang.submitted", subject="gang"):
    """A gang was accepted; its members are blocked until all can be placed at once."""

    size: int
    """Members of the gang."""
    priority: int
    """The higher, the earlier among gangs of the same size."""


class GangAdmissionRefused(Decision, kind="gang.admission_refused", subject="gang", outcome="rejected"):
    """A gang that waits could not be placed at this tick; the refusal lists the workers that it counted. Reason: no_capacity."""

    size: int
    """Members of the gang: workers that it needs."""
    fitting: int
    """Active workers that have room for a member."""
    active: int
    """Active workers."""


class GangReserved(Decision, kind="gang.reserved", subject="gang"):
    """All members were placed at once, each on a worker of its own."""

    size: int
    """Members of the gang."""
    reservation: int
    """Number of the reservation, counted up for each gang."""


class GangReserveMissed(Decision, kind="gang.reserve_missed", subject="gang", outcome="conflict failed unknown"):
    """A placement was not written: a member had moved on, or the store did not answer."""

    reservation: int
    """Number that the reservation would have had."""
    fence: str
    """Which part of a row was not as expected; empty where the store did not answer."""
    want: str
    """What the tick had seen."""
    got: str
    """What the row said."""


class GangRolledBack(Decision, kind="gang.rolled_back", subject="gang"):
    """Reservations that no worker claimed in time were taken back. Reason: reservation_timeout."""

    reservation: int
    """Number of the reservation that ended."""
    age_us: Micros
    """Age of the reservation."""
    unclaimed: int
    """Members that were still reserved; the refs `member` and `worker` name them."""
    running: int
    """Members that ran at that moment."""


class GangDrainStarted(Decision, kind="gang.drain_started", subject="gang"):
    """A round begins in which all running members save their work and stop. The epoch is the round's number.
    Reasons: reported_failure, stale, reservation_timeout."""

    triggered_by: str
    """The job that began it."""
    draining: int
    """Members that are preempting from now on."""
    transitioned: int
    """Members whose state was changed."""


class GangDrainMissed(Decision, kind="gang.drain_missed", subject="gang", outcome="conflict failed unknown"):
    """A round was not begun or not ended, because a member had moved on or the store did not answer; it is tried again."""

    fence: str
    """Which part of a row was not as expected; empty where the store did not answer."""
    want: str
    """What the writer had seen."""
    got: str
    """What the row said."""


class GangDrainCompleted(Decision, kind="gang.drain_completed", subject="gang"):
    """Nobody of the gang runs any more: the round is over. Reasons: to_be_readmitted, retries_exhausted, member_ended."""

    result: str
    """State that all members have now, apart from those that had ended before: blocked, failed."""
    age_us: Micros
    """How long the round took."""
