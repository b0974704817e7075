"""Users: they hand in job files, scale jobs, and send requests. One that gets no answer asks another node."""

from __future__ import annotations

from collections.abc import Sequence

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Sleep
from reference_cluster.subsystems.placement.messages import HttpRequest, ScaleJob, SubmitJob
from reference_cluster.wire import Message

PATIENCE_US = 20_000_000
REQUEST_PATIENCE_US = 5_000_000


async def ask(after_us: int, message: SubmitJob | ScaleJob, nodes: Sequence[str]) -> None:
    """Ask one node after another until one answers, be it with a problem."""
    await Sleep(after_us)
    for node in nodes:
        if await _answered(f"{node}/api", message, PATIENCE_US):
            return


async def browse(after_us: int, node: str, request: HttpRequest) -> None:
    """Send one request from outside."""
    await Sleep(after_us)
    await _answered(f"{node}/ingress", request, REQUEST_PATIENCE_US)


async def _answered(address: str, message: Message, patience_us: int) -> bool:
    try:
        await Call(address, message, patience_us)
    except CallTimedOut:
        return False
    except CallRefused:
        return True
    return True
