"""What Juju decides for the whole application: who leads. And the operators, who run actions."""

from __future__ import annotations

from ingest.events.barrier import LeaderElected
from ingest.events.base import Ref
from reference_cluster.effects import (
    Call,
    CallRefused,
    CallTimedOut,
    Commit,
    Committed,
    List,
    Read,
    Receive,
    Reply,
    Said,
    Sleep,
    Start,
    StoreDown,
    Watch,
)
from reference_cluster.records import Put
from reference_cluster.subsystems.barrier.databags import APPLICATION, TABLE
from reference_cluster.subsystems.barrier.messages import Carried, Elect, LeaderElectedHook, StartTest, StopTest

CONTROLLER = "juju/elections"
RETRY_US = 1_000_000
PATIENCE_US = 60_000_000


async def serve_elections() -> None:
    """Make units leaders as the leases of leaders come and go."""
    while True:
        request = await Receive(CONTROLLER)
        assert isinstance(request.message, Elect), request.message
        await elect(request.message.unit, request.message.reason)
        await Reply(request, Carried())


async def elect(unit: str, reason: str) -> None:
    """Make a unit the leader, and tell it."""
    while True:
        try:
            row = await Read("leader", APPLICATION)
        except StoreDown:
            await Sleep(RETRY_US)
            continue
        previous = row.text("unit") if row is not None else None
        if previous == unit:
            return
        term = row.number("term") + 1 if row is not None else 1
        refs = tuple(Ref(role=role, kind="unit", id=name) for role, name in (("leader", unit), ("previous", previous)) if name is not None)
        elected = Said(LeaderElected(unit=unit, previous_unit=previous), APPLICATION, refs, reason=reason, epoch=term)
        put = Put("leader", APPLICATION, {"unit": unit, "term": term}, None if row is None else {"term": term - 1})
        if isinstance(await Commit((put,), (elected,), "leader.elect"), Committed):
            break
        await Sleep(RETRY_US)
    await Start(_tell(unit), "elections")


async def _tell(unit: str) -> None:
    try:
        await Call(f"{unit}/hooks", LeaderElectedHook(), PATIENCE_US)
    except (CallTimedOut, CallRefused):
        return


async def move_leader_when_all_are_ready() -> None:
    """The worst moment for a change of leader: it comes between the last member's word and the leader's wake-up."""
    after = 0
    while True:
        try:
            changes = await Watch(TABLE, after)
            rows = {row.key: row for row in await List(TABLE)}
        except StoreDown:
            await Sleep(RETRY_US)
            continue
        after = changes[-1].revision if changes else after
        app = rows.pop(APPLICATION)
        expected = app["expected"]
        members = [row for name, row in rows.items() if isinstance(expected, tuple) and name in expected]
        if app["state"] == "gathering" and all(row["status"] == "ready" and row["barrier"] == app["barrier"] for row in members):
            await elect(max(members, key=lambda row: row.revision).key, "moved")
            return


# Operators


async def run_test(barrier: str, at_us: int, script: str, on: str, stop_after_us: int | None) -> None:
    """Start a test at its time, and stop it where that is wanted."""
    await Sleep(at_us)
    if await _ask(on, StartTest(barrier=barrier, script=script or None)) and stop_after_us is not None:
        await Sleep(stop_after_us)
        await _ask(on, StopTest())


async def _ask(on: str, action: StartTest | StopTest) -> bool:
    """Run an action on a unit; `leader` is the one that leads. Whether it was carried out."""
    try:
        row = await Read("leader", APPLICATION)
        unit = row.text("unit") if on == "leader" and row is not None else on
        await Call(f"{unit}/hooks", action, PATIENCE_US)
    except (StoreDown, CallTimedOut, CallRefused):
        return False
    return True
