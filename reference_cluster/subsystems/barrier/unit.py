"""A unit: its pod's memory, its life, and its hooks, which run one at a time.

What a hook writes is committed when it has succeeded, all at once; the application's bag only while the unit still leads. A
hook that fails has written nothing, and Juju runs it again before any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.barrier import BarrierConfigured, BarrierMemberDone, UnitChecked, UnitHookFailed, UnitLeft, UnitStarted
from ingest.events.base import Decision, Ref
from reference_cluster.bugs import Bug, Switches
from reference_cluster.effects import CallRefused, CallTimedOut, Commit, Committed, Conflict, Emit, Exit, Read, Said, Sleep, StoreDown, Task
from reference_cluster.records import Check, Delete, Put, Row, Write
from reference_cluster.subsystems.barrier.databags import APPLICATION, MEMBER, TABLE, Bags
from reference_cluster.subsystems.barrier.scenario import Config, World

LOST = -1
"""Exit code of a k6 process that went with its pod: nobody has seen the real one."""
BOOT_RETRY_US = 1_000_000

LOST_MEMBER_STAYS_BUSY = Bug(
    name="lost_member_stays_busy",
    catalogue_id="K6-05",
    subsystem="barrier",
    scenario="barrier_lost_member",
    detectors=("barrier/busy_holder_gone", "barrier/barrier_stuck"),
    story="A unit whose pod was killed keeps its busy databag, and no deadline ends the barrier: every later start is refused.",
)


class HookFailed(Exception):
    """The hook cannot go on; Juju will run it again."""


def why_of(error: CallTimedOut | CallRefused) -> dict[str, str]:
    """Reason and outcome of an event about a call that failed: who refuses has not acted, who does not answer may have."""
    if isinstance(error, CallTimedOut):
        return {"reason": "timeout", "outcome": "unknown"}
    return {"reason": error.reason, "outcome": "failed"}


@dataclass
class Process:
    """The k6 process of a unit, as Pebble knows it."""

    barrier: str
    state: str = "starting"
    task: Task | None = None


@dataclass
class Unit:
    """The memory that the programs of one pod share."""

    name: str
    id: str
    config: Config
    world: World
    bugs: Switches
    process: Process | None = None
    finished: set[str] = field(default_factory=set)
    """Barriers whose k6 has ended here by itself: for the truth file only."""

    def ref(self, role: str = "member") -> Ref:
        """This unit as another object of an event."""
        return unit_ref(self.name, role)


def unit_ref(name: str, role: str = "member") -> Ref:
    """A unit as another object of an event."""
    return Ref(role=role, kind="unit", id=name)


@dataclass
class Hook:
    """One run of a hook: what it sees, what it will have written once it has succeeded."""

    unit: Unit
    name: str
    bags: Bags
    changes: dict[str, dict[str, object]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)

    @property
    def is_leader(self) -> bool:
        """Whether the unit led when the hook began."""
        return self.bags.leader == self.unit.name

    @property
    def own(self) -> Row:
        """The unit's own databag."""
        return self.bags.units[self.unit.name]

    def about(
        self, decision: Decision, barrier: str, refs: tuple[Ref, ...] = (), *, reason: str | None = None, outcome: str | None = None
    ) -> Said:
        """An event about a barrier, with the databags that the hook had seen."""
        inputs = (self.bags.app.seen(), *(row.seen() for row in self.bags.units.values()))
        return Said(decision, barrier, refs, reason=reason, outcome=outcome, workload=barrier, inputs=inputs)

    def write(self, key: str, changes: dict[str, object], said: Said) -> None:
        """Add to what the hook writes."""
        if key == APPLICATION:
            changes = {**changes, "writer": self.unit.name}
        self.changes.setdefault(key, {}).update(changes)
        self.bags.write(key, changes)
        self.said.append(said)

    def move(self, move: str, barrier: str | None, said: Said, exit_code: int = 0) -> None:
        """Move the unit's own databag by its life-cycle table."""
        status = MEMBER.target(self.unit.name, self.own.text("status"), move)
        self.write(self.unit.name, {"status": status, "barrier": barrier, "exit_code": exit_code}, said)

    async def flush(self) -> None:
        """Make visible what the hook has written. Raises HookFailed, and then nothing is."""
        if not self.changes:
            return
        writes: list[Write] = [Put(TABLE, key, changes, {}) for key, changes in self.changes.items()]
        if APPLICATION in self.changes:
            writes.append(Check("leader", APPLICATION, {"unit": self.unit.name}))
        result = await Commit(tuple(writes), tuple(self.said), f"{TABLE}.{self.name}")
        if isinstance(result, Conflict):
            raise HookFailed("not_leader")
        if not isinstance(result, Committed):
            raise HookFailed("store_error")
        self.changes, self.said = {}, []

    async def say_checked(self) -> None:
        """The hook has run, whether it found something to do or not."""
        bags, expected = self.bags, self.bags.expected
        statuses = [bags.status(member) for member in expected]
        checked = UnitChecked(
            is_leader=self.is_leader,
            status=self.own.text("status"),
            barrier_state=bags.app.text("state"),
            expected=len(expected),
            ready=statuses.count("ready"),
            done=statuses.count("done"),
        )
        await Emit((Said(checked, self.unit.name, reason=self.name, workload=bags.barrier),))


async def boot(unit: Unit) -> None:
    """Declare the bounds and join the relation, or come back to it. Tries until the store answers.

    A pod that comes back finds the databag of the one before. A k6 that was ready then is gone: its part is over.
    """
    await Emit((Said(BarrierConfigured(**unit.config.bounds()), unit.name),))
    while True:
        try:
            row = await Read(TABLE, unit.name)
        except StoreDown:
            await Sleep(BOOT_RETRY_US)
            continue
        if isinstance(await _join(unit, row), Committed):
            return
        await Sleep(BOOT_RETRY_US)


def _join(unit: Unit, row: Row | None) -> Commit:
    endpoint = f"{unit.name}/api"
    changes: dict[str, object] = {"endpoint": endpoint}
    if row is None:
        changes |= {"status": "idle", "barrier": None, "exit_code": 0}
    started = UnitStarted(endpoint=endpoint, found_status="new" if row is None else row.text("status"))
    said = [Said(started, unit.name, inputs=() if row is None else (row.seen(),))]
    if row is not None and row["status"] == "ready" and not unit.bugs.has(LOST_MEMBER_STAYS_BUSY):
        changes |= {"status": MEMBER.target(unit.name, "ready", "lose"), "exit_code": LOST}
        barrier = row.text("barrier")
        done = BarrierMemberDone(exit_code=LOST)
        said.append(Said(done, barrier, (unit.ref(),), reason="lost", workload=barrier, inputs=(row.seen(),)))
    return Commit((Put(TABLE, unit.name, changes, None if row is None else {}),), tuple(said), f"{TABLE}.start")


async def leave(unit: Unit) -> None:
    """Go, and take the databag along."""
    while not isinstance(await Commit((Delete(TABLE, unit.name, {}),), (Said(UnitLeft(), unit.name),), f"{TABLE}.leave"), Committed):
        await Sleep(BOOT_RETRY_US)
    await Exit("left")


async def say_failed(unit: Unit, hook: str, error: Exception) -> None:
    """A hook has failed. Nothing else runs on this unit until Juju runs it again."""
    await Emit((Said(UnitHookFailed(hook=hook), unit.name, reason=str(error)),))
