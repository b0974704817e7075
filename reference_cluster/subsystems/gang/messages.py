"""The messages that cross the wire between clients, schedulers, workers and processes that wait for their gang."""

from __future__ import annotations

from reference_cluster.wire import LenientShape, Message


class SubmitGang(Message, name="gang.submit"):
    """Run these processes, all of them at once."""

    gang: str
    priority: int
    cpu: int
    payloads: tuple[str, ...]


class SubmitJob(Message, name="job.submit"):
    """Run this process when the others are done."""

    job: str
    priority: int
    cpu: int
    after: tuple[str, ...]
    payload: str


class Register(Message, name="worker.register"):
    """A worker joins."""

    worker: str
    instance: str
    cpu: int
    build: str


class CheckIn(Message, name="worker.check_in"):
    """A worker is alive."""

    worker: str
    busy_with: str | None


class Leave(Message, name="worker.leave"):
    """A worker has ended what it had and takes no more."""

    worker: str


class Poll(Message, name="job.poll"):
    """A worker asks for work."""

    worker: str
    cpu: int


class Offer(Message, name="job.offer"):
    """There is a job for the worker, if it claims it."""

    job: str
    reservation: int | None


class NoWork(Message, name="job.none"):
    """There is nothing to do."""


class Claim(Message, name="job.claim"):
    """The worker takes the job that it was offered."""

    worker: str
    job: str
    reservation: int | None


class Claimed(Message, name="job.claimed"):
    """The job is the worker's."""

    job: str
    gang: str | None
    gang_size: int
    claim: int
    attempt: int
    payload: str
    checkpoint_data: str | None


class Report(Message):
    """Base of what a worker says about a job that it has claimed."""

    worker: str
    job: str
    claim: int


class Heartbeat(Report, name="job.heartbeat"):
    """The job's process is alive."""


class HeartbeatReply(Message, name="job.heartbeat_reply"):
    """What to do with the process: nothing, or `preempt`."""

    action: str
    preemption_epoch: int


class OldHeartbeatReply(LenientShape):
    """A heartbeat's reply as the worker's old build declares it (WR-01): without names for the wire.

    Its decoder takes a name for the same whatever the case of its letters, so that `action` is found. `preemption_epoch` is not,
    for its underscore: the epoch stays 0.
    """

    action: str = ""
    preemptionepoch: int = 0


class Checkpoint(Report, name="job.checkpoint"):
    """The work so far, saved because the process was told to stop."""

    epoch: int
    data: str


class Preempted(Report, name="job.preempted"):
    """The process has stopped, as it was told to."""

    epoch: int


class JobDone(Report, name="job.done"):
    """The process has done its work."""

    result: str


class JobFail(Report, name="job.fail"):
    """The process failed."""


class Taken(Message, name="gang.taken"):
    """It was taken note of."""


class Meet(Message, name="gang.meet"):
    """A process is there and waits for its gang."""

    gang: str
    job: str
    finished: bool


class Met(Message, name="gang.met"):
    """How many of the gang are there, those included that have finished."""

    present: int


class StopProcess(Message, name="gang.stop"):
    """End gracefully, as on SIGTERM."""
