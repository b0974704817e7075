"""The front door of a scheduler: every request beside the others, each by the function that answers its message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from reference_cluster.effects import Receive, Reply, Request, Start, StoreDown
from reference_cluster.subsystems.gang import intake, offers, reports
from reference_cluster.subsystems.gang.messages import (
    CheckIn,
    Checkpoint,
    Claim,
    Heartbeat,
    JobDone,
    JobFail,
    Leave,
    Poll,
    Preempted,
    Register,
    SubmitGang,
    SubmitJob,
)
from reference_cluster.subsystems.gang.scheduler import Scheduler
from reference_cluster.subsystems.gang.served import Refused
from reference_cluster.wire import Message

ANSWERS: dict[type[Message], Callable[[Scheduler, Any], Awaitable[Message]]] = {
    SubmitGang: intake.submit_gang,
    SubmitJob: intake.submit_job,
    Register: intake.register,
    CheckIn: intake.check_in,
    Leave: intake.leave,
    Poll: offers.offer,
    Claim: offers.claim,
    Heartbeat: reports.heartbeat,
    Checkpoint: reports.checkpoint,
    Preempted: reports.acknowledge,
    JobDone: reports.done,
    JobFail: reports.fail,
}


async def serve(s: Scheduler) -> None:
    """Take requests for as long as the process lives."""
    while True:
        request = await Receive("api")
        await Start(_answer(s, request), "api")


async def _answer(s: Scheduler, request: Request) -> None:
    answer = ANSWERS.get(type(request.message))
    if answer is None:
        await Reply(request, refused=f"no such request: {request.message.name}")
        return
    try:
        await Reply(request, await answer(s, request.message))
    except Refused as refused:
        await Reply(request, refused=refused.reason)
    except StoreDown:
        await Reply(request, refused="unavailable")
