"""What each unit does for its own part of a test: start it, hold, be done, stop."""

from __future__ import annotations

from ingest.events.barrier import BarrierMemberDone, BarrierMemberReady, BarrierMemberStarted, BarrierMemberStopped, BarrierStopFailed
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit
from reference_cluster.subsystems.barrier.k6 import START_NOT_PAUSED
from reference_cluster.subsystems.barrier.messages import EndedNotice, ReadyNotice, StartService, StopService
from reference_cluster.subsystems.barrier.unit import Hook, HookFailed, why_of

DONE_IS_IDLE = Bug(
    name="done_is_idle",
    catalogue_id="K6-03",
    subsystem="barrier",
    scenario="barrier_fast_member",
    detectors=("barrier/member_restarted",),
    story="A member that is done says idle, like one that has not begun, and nothing is paused: the next wake-up starts it again.",
)
SEGMENTS_OF_THE_MOMENT = Bug(
    name="segments_of_the_moment",
    catalogue_id="K6-06",
    subsystem="barrier",
    scenario="barrier_joined_member",
    detectors=("barrier/membership_split",),
    story="Each unit splits the test by the units that it sees when it starts: with one more unit meanwhile, the parts do not add up.",
)
STOP_ERROR_STAYS_BUSY = Bug(
    name="stop_error_stays_busy",
    catalogue_id="K6-07",
    subsystem="barrier",
    scenario="barrier_stop_error",
    detectors=("barrier/busy_holder_gone",),
    story="An error while k6 is stopped skips the line that sets the unit idle: it is busy for ever, with nothing running.",
)


def members_of(hook: Hook) -> tuple[str, ...]:
    """The members of the barrier, in order of name: they were fixed when it was opened."""
    if hook.unit.bugs.has(SEGMENTS_OF_THE_MOMENT):
        return tuple(sorted(hook.bags.units))
    return hook.bags.expected


def note_ready(hook: Hook, notice: ReadyNotice) -> None:
    """k6 is up and holds: say so to the others, if the test is still on."""
    if hook.bags.barrier == notice.barrier:
        hook.move("arrive", notice.barrier, hook.about(BarrierMemberReady(), notice.barrier, (hook.unit.ref(),)))


def note_ended(hook: Hook, notice: EndedNotice) -> None:
    """k6 has ended by itself: this unit's part of that very test is over, and is not started again."""
    hook.unit.finished.add(notice.barrier)
    if notice.barrier not in (hook.own["barrier"], hook.bags.barrier):
        return
    done = BarrierMemberDone(exit_code=notice.exit_code)
    said = hook.about(done, notice.barrier, (hook.unit.ref(),), reason="finished")
    if hook.unit.bugs.has(DONE_IS_IDLE):
        hook.move("forget", None, said)
    else:
        hook.move("finish", notice.barrier, said, notice.exit_code)


async def follow(hook: Hook) -> None:
    """Bring the unit's k6 in line with the test that is on, if any is."""
    unit, bags = hook.unit, hook.bags
    ran = unit.process is not None
    if unit.process is not None and unit.process.barrier != bags.barrier:
        stopped = await _stop(hook, unit.process.barrier)
        if not stopped and unit.bugs.has(STOP_ERROR_STAYS_BUSY):
            return
    own = hook.own
    if own["status"] == "ready" and own["barrier"] != bags.barrier and (ran or not unit.bugs.has(STOP_ERROR_STAYS_BUSY)):
        said = hook.about(BarrierMemberStopped(), own.text("barrier"), (unit.ref(),))
        hook.move("stop", None, said)
    is_due = bags.app["state"] == "gathering" and bags.status(unit.name) == "idle"
    if is_due and unit.process is None and unit.name in members_of(hook):
        await _start(hook)


async def _start(hook: Hook) -> None:
    unit, barrier, members = hook.unit, hook.bags.app.text("barrier"), members_of(hook)
    if members != hook.bags.expected:
        unit.bugs.struck(SEGMENTS_OF_THE_MOMENT, barrier)
    if barrier in unit.finished:
        unit.bugs.struck(DONE_IS_IDLE, barrier)
    started = BarrierMemberStarted(segment=members.index(unit.name) + 1, segments=len(members))
    await Emit((hook.about(started, barrier, (unit.ref(),)),))
    is_paused = not (unit.bugs.has(START_NOT_PAUSED) or unit.bugs.has(DONE_IS_IDLE))
    try:
        await Call(f"{unit.id}/pebble", StartService(barrier=barrier, is_paused=is_paused), unit.config.pebble_timeout_us)
    except (CallTimedOut, CallRefused):
        raise HookFailed("pebble") from None


async def _stop(hook: Hook, barrier: str) -> bool:
    """Whether Pebble says that k6 has stopped."""
    try:
        await Call(f"{hook.unit.id}/pebble", StopService(), hook.unit.config.pebble_timeout_us)
    except (CallTimedOut, CallRefused) as error:
        await Emit((hook.about(BarrierStopFailed(), barrier, (hook.unit.ref(),), **why_of(error)),))
        return False
    return True
