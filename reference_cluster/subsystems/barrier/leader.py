"""What only the leader does: open a barrier, release it when all are ready, close it when all are done or a bound has passed.

Its duty is looked at in every hook, also when it has just become the leader and at the regular wake-up: the event that it
would wait for may have come before it led. Ages are judged by the store's clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.events.barrier import BarrierClosed, BarrierOpened, BarrierStartRefused, BarrierStopRefused
from ingest.events.base import Decision
from reference_cluster.bugs import Bug
from reference_cluster.effects import Emit, Said
from reference_cluster.records import STORE_NOW
from reference_cluster.subsystems.barrier.databags import APPLICATION, BARRIER, CLEAR
from reference_cluster.subsystems.barrier.member import DONE_IS_IDLE, STOP_ERROR_STAYS_BUSY, members_of
from reference_cluster.subsystems.barrier.messages import StartTest
from reference_cluster.subsystems.barrier.release import release
from reference_cluster.subsystems.barrier.unit import LOST_MEMBER_STAYS_BUSY, Hook, unit_ref

CHANGE_HOOKS = ("relation_changed", "ready_notice", "ended_notice")

DUTY_ONLY_ON_CHANGE = Bug(
    name="duty_only_on_change",
    catalogue_id="K6-04",
    subsystem="barrier",
    scenario="barrier_leader_moves",
    detectors=("barrier/barrier_stuck",),
    story="The leader looks at the barrier only when a databag has changed: one that leads since all are ready is never woken.",
)


async def open_barrier(hook: Hook, wanted: StartTest) -> str | None:
    """Begin a test with the units that there are; the reason where that is refused."""
    reason, counted = _refusal(hook, wanted)
    if reason is not None or wanted.script is None:
        refused = BarrierStartRefused(unit=hook.unit.name, counted=len(counted))
        await Emit((_to_application(hook, refused, counted, reason),))
        return reason
    members = tuple(sorted(hook.bags.units))
    opened = BarrierOpened(**hook.unit.config.bounds(), script=wanted.script, expected=len(members))
    changes = {
        "state": BARRIER.target(wanted.barrier, hook.bags.app.text("state"), "open"),
        "barrier": wanted.barrier,
        "script": wanted.script,
        "expected": members,
        "opened_us": STORE_NOW,
    }
    hook.write(APPLICATION, changes, hook.about(opened, wanted.barrier, tuple(map(unit_ref, members))))
    return None


def _refusal(hook: Hook, wanted: StartTest) -> tuple[str | None, list[str]]:
    """Why a start is refused, and the units that count as busy. What a unit says of an older test does not count."""
    bags, bugs = hook.bags, hook.unit.bugs
    if not hook.is_leader:
        return "not_leader", []
    if not wanted.script:
        return "no_script", []
    counts_any = bugs.has(LOST_MEMBER_STAYS_BUSY) or bugs.has(STOP_ERROR_STAYS_BUSY)
    busy = [name for name, row in bags.units.items() if row["status"] == "ready" and (counts_any or row["barrier"] == bags.barrier)]
    return ("already_running", busy) if busy or bags.barrier is not None else (None, [])


async def stop_barrier(hook: Hook) -> str | None:
    """Close the barrier because an operator wants it; the reason where that is refused."""
    reason = "not_leader" if not hook.is_leader else "not_running" if hook.bags.barrier is None else None
    if reason is not None:
        await Emit((_to_application(hook, BarrierStopRefused(unit=hook.unit.name), (), reason),))
    else:
        _close(hook, "stopped", ())
    return reason


def _to_application(hook: Hook, decision: Decision, counted: Iterable[str], reason: str | None) -> Said:
    refs = (hook.unit.ref("asked"), *(unit_ref(name, "counted") for name in counted))
    return Said(decision, APPLICATION, refs, reason=reason, workload=hook.bags.barrier)


async def lead(hook: Hook) -> None:
    """Do the leader's duty, if this unit leads and a test is on."""
    if not hook.is_leader or hook.bags.barrier is None:
        return
    if hook.unit.bugs.has(DUTY_ONLY_ON_CHANGE) and hook.name not in CHANGE_HOOKS:
        return
    if hook.bags.app["state"] == "gathering":
        await _gather(hook)
    else:
        _finish(hook)


async def _gather(hook: Hook) -> None:
    """Release when all are ready. A member that is over before that, or gone, has nobody to run with."""
    bags, members = hook.bags, members_of(hook)
    gone = [name for name in members if bags.status(name) is None]
    over = [name for name in members if bags.status(name) == "done"]
    waiting = [name for name in members if bags.status(name) != "ready"]
    if gone:
        _close(hook, "member_gone", gone)
    elif over:
        _close(hook, "member_failed", over)
    elif not waiting:
        failed = await release(hook, members)
        if failed:
            _close(hook, "release_failed", failed)
    elif bags.age_us("opened_us") > hook.unit.config.ready_bound_us and _has_deadlines(hook):
        _close(hook, "deadline", waiting)


def _finish(hook: Hook) -> None:
    """Close when all are done, or have had their time."""
    bags, members = hook.bags, members_of(hook)
    over = "idle" if hook.unit.bugs.has(DONE_IS_IDLE) else "done"
    gone = [name for name in members if bags.status(name) is None]
    failed = [name for name in members if bags.status(name) == "done" and bags.units[name]["exit_code"] != 0]
    waiting = [name for name in members if bags.status(name) not in (over, None)]
    if not waiting and gone:
        _close(hook, "member_gone", gone)
    elif not waiting:
        _close(hook, "member_failed" if failed else "done", failed)
    elif bags.age_us("released_us") > hook.unit.config.run_bound_us and _has_deadlines(hook):
        _close(hook, "run_bound", waiting)


def _has_deadlines(hook: Hook) -> bool:
    return not hook.unit.bugs.has(LOST_MEMBER_STAYS_BUSY)


def _close(hook: Hook, reason: str, missing: Iterable[str]) -> None:
    barrier = hook.bags.app.text("barrier")
    state = BARRIER.target(barrier, hook.bags.app.text("state"), "close")
    refs = tuple(unit_ref(name, "missing") for name in missing)
    closed = BarrierClosed(expected=len(hook.bags.expected), missing=len(refs))
    hook.write(APPLICATION, {**CLEAR, "state": state}, hook.about(closed, barrier, (hook.unit.ref("leader"), *refs), reason=reason))
