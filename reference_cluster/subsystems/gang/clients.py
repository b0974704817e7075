"""The clients: each submits one gang or job at its time, and asks again until it was taken."""

from __future__ import annotations

from reference_cluster.effects import Sleep
from reference_cluster.subsystems.gang.asking import Door
from reference_cluster.subsystems.gang.canonical import canonical
from reference_cluster.subsystems.gang.messages import SubmitGang, SubmitJob
from reference_cluster.subsystems.gang.scenario import Submission
from reference_cluster.wire import Message


async def submit(door: Door, submission: Submission) -> None:
    """Submit it at its time."""
    await Sleep(submission.at_us)
    await door.insist(_message(submission))


def _message(wanted: Submission) -> Message:
    payloads = tuple(canonical(payload.model_dump(mode="json")) for payload in wanted.payloads)
    if wanted.is_gang:
        return SubmitGang(gang=wanted.id, priority=wanted.priority, cpu=wanted.cpu, payloads=payloads)
    return SubmitJob(job=wanted.id, priority=wanted.priority, cpu=wanted.cpu, after=wanted.after, payload=payloads[0])
