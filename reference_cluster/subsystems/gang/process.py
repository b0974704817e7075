"""What a worker runs: a process that works for a while, may fail in a run, and may wait for the rest of its gang.

Processes of a gang meet at a place of their own, as training processes do: none gets on with its work while another is missing,
but all of them are alive, and their workers say so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Now, Receive, Reply, Sleep, Task
from reference_cluster.subsystems.gang.canonical import canonical
from reference_cluster.subsystems.gang.messages import Claimed, JobDone, JobFail, Meet, Met
from reference_cluster.subsystems.gang.scenario import Payload

MEETING_PLACE = "rendezvous/place"
STEP_US = 1_000_000
PRESENCE_US = 3_500_000
"""Who has not shown itself for longer than this is missing."""


@dataclass
class Held:
    """A job that a worker has claimed, and how far its process has come."""

    claimed: Claimed
    payload: Payload
    started_us: int
    beating: Task | None = None
    done_us: int = 0

    def __post_init__(self) -> None:
        if self.claimed.checkpoint_data is not None:
            self.done_us = json.loads(self.claimed.checkpoint_data)["done_us"]

    @property
    def job(self) -> str:
        """The job."""
        return self.claimed.job

    def mine(self, worker: str) -> dict[str, Any]:
        """Who speaks, in every report."""
        return {"worker": worker, "job": self.job, "claim": self.claimed.claim}

    def work_so_far(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"attempt": self.claimed.attempt, "done_us": self.done_us, "job": self.job, "of_us": self.payload.work_us}


async def run(held: Held, worker: str) -> JobDone | JobFail:
    """Work to the end, or to the moment at which this run fails. Gives what is to be reported."""
    payload, ran_us = held.payload, 0
    fails_us = min((after_us for run, after_us in payload.fails if run in (0, held.claimed.claim)), default=None)
    while held.done_us < payload.work_us:
        if fails_us is not None and ran_us >= fails_us:
            return JobFail(**held.mine(worker))
        together = not payload.rendezvous or await _meet(held, finished=False)
        step_us = min(STEP_US, payload.work_us - held.done_us)
        step_us = step_us if fails_us is None else min(step_us, fails_us - ran_us)
        await Sleep(step_us)
        ran_us += step_us
        held.done_us += step_us if together else 0
    if payload.rendezvous:
        await _meet(held, finished=True)
    return JobDone(**held.mine(worker), result=canonical(held.work_so_far()))


async def _meet(held: Held, *, finished: bool) -> bool:
    """Whether the whole gang is there."""
    gang = held.claimed.gang
    assert gang is not None, held.job
    try:
        met = await Call(MEETING_PLACE, Meet(gang=gang, job=held.job, finished=finished), STEP_US)
    except (CallTimedOut, CallRefused):
        return False
    return isinstance(met, Met) and met.present >= held.claimed.gang_size


@dataclass
class Place:
    """Who was seen when, by gang; those that have finished count as there."""

    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)


async def serve_place(place: Place) -> None:
    """Tell every process how many of its gang are there."""
    while True:
        request = await Receive("place")
        meet = request.message
        if not isinstance(meet, Meet):
            await Reply(request, refused=f"no such request: {meet.name}")
            continue
        now_us = await Now()
        (place.finished.add if meet.finished else place.finished.discard)(meet.job)
        gang = place.seen.setdefault(meet.gang, {})
        gang[meet.job] = now_us
        present = sum(job in place.finished or now_us - seen_us <= PRESENCE_US for job, seen_us in gang.items())
        await Reply(request, Met(present=present))
