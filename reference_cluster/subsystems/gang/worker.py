"""A worker process: it joins, checks in, asks for work while it has none, and reports on the process that it runs.

A worker holds a job for as long as its heartbeats are taken, as one holds a lease: when nobody has taken one for the time after
which the schedulers give the job to another, or when it is told that the job is not its own, it ends the process.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.events.base import Decision, Ref
from ingest.events.gang.word import JobPreemptReceived, JobProcessEnded, JobProcessStarted
from reference_cluster.bugs import Switches
from reference_cluster.effects import Cancel, Emit, Exit, Now, Receive, Said, Sleep, Start, Task
from reference_cluster.subsystems.gang.asking import Door
from reference_cluster.subsystems.gang.canonical import canonical, digest
from reference_cluster.subsystems.gang.messages import (
    CheckIn,
    Checkpoint,
    Claim,
    Claimed,
    Heartbeat,
    HeartbeatReply,
    Leave,
    Offer,
    OldHeartbeatReply,
    Poll,
    Preempted,
    Register,
)
from reference_cluster.subsystems.gang.process import Held, run
from reference_cluster.subsystems.gang.reports import EPOCH_FIELD_RENAMED, REPORTS_NOT_FENCED
from reference_cluster.subsystems.gang.scenario import Config, Payload
from reference_cluster.subsystems.gang.served import Refused


@dataclass
class Worker:
    """The memory that the programs of one worker process share."""

    instance: str
    id: str
    cpu: int
    config: Config
    bugs: Switches
    door: Door
    cold_start_us: int
    """How long it prepares before its first claim."""
    held: Held | None = None
    stopping: bool = False

    @property
    def build(self) -> str:
        """Version of this worker's program: the old one reads heartbeat replies by other names."""
        return "1.3" if self.bugs.has(EPOCH_FIELD_RENAMED) else "1.4"


async def run_worker(w: Worker) -> None:
    """Join, then do everything at once until the process is asked to stop."""
    await w.door.insist(Register(worker=w.id, instance=w.instance, cpu=w.cpu, build=w.build))
    await Start(_check_in(w), "worker")
    await Start(_look_for_work(w), "worker")
    await Receive("process")
    w.stopping = True
    while w.held is not None:
        await Sleep(w.config.poll_us)
    await w.door.insist(Leave(worker=w.id))
    await Exit("stopped")


async def _check_in(w: Worker) -> None:
    while True:
        await Sleep(w.config.job_heartbeat_us)
        try:
            await w.door.ask(CheckIn(worker=w.id, busy_with=w.held.job if w.held is not None else None))
        except Refused:
            continue


async def _look_for_work(w: Worker) -> None:
    while not w.stopping:
        await Sleep(w.config.poll_us)
        if w.held is None:
            try:
                await _take_work(w)
            except Refused:
                continue


async def _take_work(w: Worker) -> None:
    """Ask for a job, prepare, claim it, run it."""
    offer = await w.door.ask(Poll(worker=w.id, cpu=w.cpu))
    if not isinstance(offer, Offer):
        return
    await Sleep(w.cold_start_us)
    w.cold_start_us = 0
    claimed_us = await Now()
    claimed = await w.door.ask(Claim(worker=w.id, job=offer.job, reservation=offer.reservation))
    if isinstance(claimed, Claimed):
        w.held = Held(claimed, Payload.model_validate_json(claimed.payload), claimed_us)
        data = claimed.checkpoint_data
        started = JobProcessStarted(
            claim=claimed.claim,
            attempts=claimed.attempt,
            checkpoint_digest=digest(data) if data is not None else None,
            checkpoint_bytes=len(data) if data is not None else None,
        )
        await Emit((_said(w, w.held, started),))
        body = await Start(_run(w, w.held), "worker")
        w.held.beating = await Start(_beat(w, w.held, body), "worker")


def _said(w: Worker, held: Held, decision: Decision, reason: str | None = None) -> Said:
    """What this worker does with a job, for the timelines of the job, its gang and the worker."""
    gang = held.claimed.gang
    worker = Ref(role="worker", kind="worker", id=w.id)
    refs = (Ref(role="gang", kind="gang", id=gang), worker) if gang is not None else (worker,)
    return Said(decision, held.job, refs=refs, reason=reason, workload=gang or held.job)


async def _run(w: Worker, held: Held) -> None:
    """Run the process to its own end, and report that."""
    report = await run(held, w.id)
    if held.beating is not None:
        await Cancel(held.beating)
    await _say_ended(w, held, "done" if report.name == "job.done" else "failed")
    await w.door.insist(report)
    w.held = None


async def _say_ended(w: Worker, held: Held, reason: str) -> None:
    ended = JobProcessEnded(claim=held.claimed.claim, ran_us=await Now() - held.started_us)
    await Emit((_said(w, held, ended, reason),))


async def _beat(w: Worker, held: Held, body: Task) -> None:
    """Report at every interval that the process is alive, until somebody ends it."""
    reads = OldHeartbeatReply if w.bugs.has(EPOCH_FIELD_RENAMED) else None
    good_until_us = held.started_us + w.config.job_stale_us
    while True:
        now_us = await Now()
        await Sleep(min(w.config.job_heartbeat_us, good_until_us - now_us))
        now_us = await Now()
        fenced = now_us >= good_until_us and "silent"
        try:
            reply = None if fenced else await w.door.ask(Heartbeat(**held.mine(w.id)), reads, good_until_us - now_us)
        except Refused:
            reply, fenced = None, "fenced"
        if fenced and not w.bugs.has(REPORTS_NOT_FENCED):
            await _end(w, held, body, fenced)
            return
        if fenced:
            good_until_us = now_us + w.config.job_stale_us
        if isinstance(reply, HeartbeatReply) and reply.action:
            await _preempt(w, held, body, reply.preemption_epoch)
            return
        if isinstance(reply, OldHeartbeatReply) and reply.action:
            await _preempt(w, held, body, reply.preemptionepoch)
            return
        if reply is not None:
            good_until_us = now_us + w.config.job_stale_us


async def _end(w: Worker, held: Held, body: Task, reason: str) -> None:
    await Cancel(body)
    await _say_ended(w, held, reason)
    w.held = None


async def _preempt(w: Worker, held: Held, body: Task, epoch: int) -> None:
    """SIGTERM: the process saves its work and ends; where the grace is over first, SIGKILL. Then say so, with the epoch."""
    await Emit((_said(w, held, JobPreemptReceived(got_epoch=epoch)),))
    grace_us, needs_us = w.config.preempt_grace_us, held.payload.checkpoint_us
    saves = not held.payload.ignores_preempt and needs_us <= grace_us
    if not held.payload.ignores_preempt:
        await Cancel(body)
    await Sleep(needs_us if saves else grace_us)
    await Cancel(body)
    await _say_ended(w, held, "preempted" if saves else "killed")
    mine = held.mine(w.id)
    if saves:
        await w.door.insist(Checkpoint(**mine, epoch=epoch, data=canonical(held.work_so_far())))
    await w.door.insist(Preempted(**mine, epoch=epoch))
    w.held = None
