"""The k6 process of a unit, with its status endpoint, and Pebble, which runs it.

k6 comes up, holds before the test where it was started with `--paused`, and goes on when its endpoint is told to. The
endpoint answers 200 to any path, also to those that it does not have (grafana/k6, api/server.go). Pebble wakes the unit, and
no other, when k6 is up and when it has ended by itself.
"""

from __future__ import annotations

from ingest.events.barrier import BarrierMemberRunning, BarrierProcessEnded, BarrierProcessStarted
from ingest.events.base import Decision
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, Cancel, Emit, Receive, Reply, Request, Said, Start
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.subsystems.barrier.messages import (
    Carried,
    EndedNotice,
    Patch,
    ReadyNotice,
    StartService,
    Status,
    StopService,
)
from reference_cluster.subsystems.barrier.unit import Process, Unit
from reference_cluster.subsystems.delay import some_time
from reference_cluster.wire import Message

STATUS_PATH = "/v1/status"
HTTP_OK = 200
STOPPED = 105
"""Exit code of a k6 that was told to end."""

PROCESS = Lifecycle(
    "k6_process",
    {
        "starting": {"hold": "paused", "run": "running", "end": "ended"},
        "paused": {"run": "running", "end": "ended"},
        "running": {"end": "ended"},
        "ended": {},
    },
)

START_NOT_PAUSED = Bug(
    name="start_not_paused",
    catalogue_id="K6-01",
    subsystem="barrier",
    scenario="barrier_slow_member",
    detectors=("barrier/barrier_not_held",),
    story="k6 is started without --paused: each unit runs its part as soon as it is woken, and the release holds nothing.",
)


def _move(unit: Unit, process: Process, move: str) -> None:
    process.state = PROCESS.target(f"{unit.name} {process.barrier}", process.state, move)


async def _say(unit: Unit, process: Process, decision: Decision, reason: str | None = None) -> None:
    await Emit((Said(decision, process.barrier, (unit.ref(),), reason=reason, workload=process.barrier),))


async def _wake(unit: Unit, notice: Message) -> None:
    """`pebble notify`: a hook on this unit alone."""
    await Call(f"{unit.id}/hooks", notice, None)


async def serve_pebble(unit: Unit) -> None:
    """Start and stop k6 as the charm asks."""
    while True:
        request = await Receive(f"{unit.name}/pebble")
        match request.message:
            case StartService(barrier=barrier, is_paused=is_paused):
                unit.process = process = Process(barrier)
                process.task = await Start(_come_up(unit, process, is_paused), "k6")
            case StopService():
                await _end(unit, "stopped", STOPPED)
        await Reply(request, Carried())


async def _come_up(unit: Unit, process: Process, is_paused: bool) -> None:
    await _say(unit, process, BarrierProcessStarted(is_paused=is_paused))
    await some_time(unit.world.slow.get(unit.name, unit.world.start))
    if is_paused:
        _move(unit, process, "hold")
    else:
        await _begin(unit, process)
        unit.bugs.struck(START_NOT_PAUSED, process.barrier)
    await Start(_wake(unit, ReadyNotice(barrier=process.barrier)), "agent")


async def _begin(unit: Unit, process: Process) -> None:
    _move(unit, process, "run")
    await _say(unit, process, BarrierMemberRunning())
    process.task = await Start(_run(unit, process), "k6")


async def _run(unit: Unit, process: Process) -> None:
    await some_time(unit.world.run)
    await _end(unit, "finished", 0)
    await Start(_wake(unit, EndedNotice(barrier=process.barrier, exit_code=0)), "agent")


async def _end(unit: Unit, reason: str, exit_code: int) -> None:
    process = unit.process
    if process is None:
        return
    unit.process = None
    _move(unit, process, "end")
    await _say(unit, process, BarrierProcessEnded(exit_code=exit_code), reason)
    if reason == "stopped" and process.task is not None:
        await Cancel(process.task)


async def serve_api(unit: Unit) -> None:
    """The status endpoint, for as long as a k6 is up to answer."""
    while True:
        request = await Receive(f"{unit.name}/api")
        await _answer(unit, request)


async def _answer(unit: Unit, request: Request) -> None:
    process, patch = unit.process, request.message
    assert isinstance(patch, Patch), patch
    if process is None or process.state == "starting":
        await Reply(request, refused="connection refused")
    elif patch.path != STATUS_PATH:
        await Reply(request, Status(code=HTTP_OK))
    else:
        if process.state == "paused" and not patch.is_paused:
            await _begin(unit, process)
        await Reply(request, Status(code=HTTP_OK, is_paused=process.state == "paused"))
