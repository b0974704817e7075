"""The schedule: one row, read at a version and committed only while it still has that version.

There is no master. Whoever computes first wins; a loser has computed from what is no longer true, so it looks again and
computes again. A commit also holds the nodes that it places on, and those that it takes from, against what it had seen.

Story of the planted bugs: losing the race is ordinary, and what a loser does next is where designs go wrong. One gives up,
since the winner will have seen to it, and the winner was about something else; another tries again with what it has read
already, so that every survivor of an expiry hammers the store in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.events.base import Ref
from ingest.events.placement import InstanceAllocated, ScheduleAttempted, ScheduleCommitted, ScheduleConflicted, SlotUnplaced
from reference_cluster.effects import Commit, CommitResult, Committed, Conflict, Emit, Failed, List, Read, Said, outcome_of
from reference_cluster.records import Check, Put, Row, Write
from reference_cluster.subsystems.placement.instances import fresh
from reference_cluster.subsystems.placement.packing import Room, pack
from reference_cluster.subsystems.placement.scheduler import Scheduler

SCHEDULE = "schedule"
Slot = Mapping[str, object]
"""What the schedule says of a slot: job, number of its latest instance, node or None, memory_mb, disk_mb."""


def instance_of(slot: str, number: object) -> str:
    """Id of an instance: web-0.2 is the second one of the slot web-0."""
    return f"{slot}.{number}"


def need_of(slot: Slot) -> Room:
    """What an instance of the slot needs."""
    return _room(slot)


def _room(fields: Mapping[str, object]) -> Room:
    memory_mb, disk_mb = fields["memory_mb"], fields["disk_mb"]
    assert isinstance(memory_mb, int)
    assert isinstance(disk_mb, int)
    return Room(memory_mb, disk_mb)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a schedule is computed from."""

    row: Row
    slots: Mapping[str, Slot]
    nodes: Mapping[str, Row]
    instances: Mapping[str, Row]
    jobs: Mapping[str, Row]

    def live(self) -> list[str]:
        """Nodes that hold a lease."""
        return [name for name, node in self.nodes.items() if node["state"] == "live"]

    def free(self, without: frozenset[str] = frozenset()) -> dict[str, Room]:
        """What live nodes have left, the slots `without` not counted."""
        left = {name: _room(self.nodes[name].fields) for name in self.live()}
        for name, slot in self.slots.items():
            node = str(slot["node"])
            if name not in without and node in left:
                left[node] = left[node].less(need_of(slot))
        return left

    def unplaced(self) -> list[str]:
        """Slots without a node."""
        return [name for name, slot in self.slots.items() if slot["node"] is None]

    def instance(self, slot: str) -> Row | None:
        """The row of a slot's latest instance."""
        return self.instances.get(instance_of(slot, self.slots[slot]["number"]))


async def look() -> Picture:
    """Read what a schedule is computed from, the schedule first: what comes after it is never older. Raises StoreDown."""
    row = await Read(SCHEDULE, SCHEDULE)
    assert row is not None, "the system writes the schedule before anybody runs"
    nodes = {node.key: node for node in await List("node")}
    jobs = {job.key: job for job in await List("job")}
    slots = row["slots"]
    assert isinstance(slots, Mapping)
    wanted = tuple(slot for slot in slots)
    instances = {found.key: found for found in await List("instance", {"slot": wanted})} if wanted else {}
    return Picture(row, slots, nodes, instances, jobs)


@dataclass
class Plan:
    """A schedule to be committed: what changes against the picture."""

    picture: Picture
    trigger: str
    trigger_id: str
    slots: dict[str, Slot] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    events: list[Said] = field(default_factory=list)
    placed: int = 0
    unplaced: int = 0

    def __post_init__(self) -> None:
        """Begin with the schedule as it is."""
        self.slots = dict(self.picture.slots)

    def expect_nodes(self, nodes: Iterable[str], state: str) -> None:
        """Refuse the whole commit unless these nodes are as the picture has them."""
        self.writes += [Check("node", node, {"state": state, "term": self.picture.nodes[node]["term"]}) for node in nodes]

    def place(self, wanted: Mapping[str, Slot], specs: Mapping[str, Mapping[str, object]]) -> None:
        """Give nodes to these slots as far as there is room. `specs` has what an instance knows of its job, by job."""
        nodes = pack({name: need_of(slot) for name, slot in wanted.items()}, self.picture.free(frozenset(wanted)))
        for name, slot in wanted.items():
            if name in nodes:
                self._allocate(name, slot, nodes[name], specs[str(slot["job"])])
            else:
                self._leave(name, slot)
        self.expect_nodes(sorted(set(nodes.values())), "live")

    def _allocate(self, name: str, slot: Slot, node: str, spec: Mapping[str, object]) -> None:
        number, need, job = int(str(slot["number"])) + 1, need_of(slot), str(slot["job"])
        self.placed += 1
        self.slots[name] = {**slot, "number": number, "node": node}
        instance = instance_of(name, number)
        self.writes.append(Put("instance", instance, fresh(name, job, node, need, spec), None))
        allocated = InstanceAllocated(to_state="allocated", slot=name, node=node, memory_mb=need.memory_mb, disk_mb=need.disk_mb)
        self.events.append(Said(allocated, instance, refs=_refs(slot=name, job=job, node=node), workload=job))

    def _leave(self, name: str, slot: Slot) -> None:
        self.unplaced += 1
        need, job = need_of(slot), str(slot["job"])
        if self.slots.get(name, {}).get("node", "") is not None:
            said = SlotUnplaced(memory_mb=need.memory_mb, disk_mb=need.disk_mb)
            self.events.append(Said(said, name, refs=_refs(job=job), workload=job))
        self.slots[name] = {**slot, "node": None}


def _refs(**objects: str) -> tuple[Ref, ...]:
    return tuple(Ref(role=kind, kind=kind, id=name) for kind, name in objects.items())


def spec_of(job: Row) -> dict[str, object]:
    """What an instance has to know of its job."""
    return {name: job[name] for name in ("host", "restart", "check")}


async def commit(scheduler: Scheduler, plan: Plan, attempt: int) -> CommitResult:
    """Try to commit a plan: the attempt is said, then its result."""
    base = plan.picture.row.version
    tried = {
        "trigger": plan.trigger,
        "trigger_id": plan.trigger_id,
        "attempt": attempt,
        "base": base,
        "placed": plan.placed,
        "unplaced": plan.unplaced,
    }
    inputs = (plan.picture.row.seen(), *(node.seen() for node in plan.picture.nodes.values()))
    refs = (scheduler.ref(),)
    await Emit((Said(ScheduleAttempted.model_validate(tried), SCHEDULE, refs=refs, inputs=inputs),))
    committed = ScheduleCommitted.model_validate({**tried, "version": base + 1})
    writes = (Put(SCHEDULE, SCHEDULE, {"slots": plan.slots}, {"version": base}), *plan.writes)
    result = await Commit(writes, (Said(committed, SCHEDULE, refs=refs, inputs=inputs), *plan.events), "schedule.commit")
    if not isinstance(result, Committed):
        fence, want, got = _difference(result)
        conflicted = ScheduleConflicted.model_validate({**tried, "fence": fence, "want": want, "got": got})
        await Emit((Said(conflicted, SCHEDULE, refs=refs, outcome=outcome_of(result), inputs=inputs),))
    return result


def _difference(result: CommitResult) -> tuple[str, str, str]:
    if isinstance(result, Conflict):
        return f"{result.table}.{result.fence}", str(result.want), str(result.got)
    return "store", "an answer", result.error if isinstance(result, Failed) else "none"
