"""Which gang gets which workers: all of its members at once, each on a worker of its own, or none of them.

The largest gang comes first, then the highest priority, then the oldest. What is free on a worker is what is not taken by jobs
that are reserved, running or preempting on it: until a process has ended, its worker still holds its memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ingest.events.base import Ref
from ingest.events.gang.gang import GangAdmissionRefused, GangReserved, GangReserveMissed, GangRolledBack
from ingest.events.gang.job import JobReserved, JobRolledBack
from reference_cluster.bugs import Bug
from reference_cluster.effects import Committed, Conflict, Emit, List, Said, outcome_of
from reference_cluster.records import STORE_NOW, Row
from reference_cluster.subsystems.gang import drain
from reference_cluster.subsystems.gang.rows import advance, commit, gang_refs, missed, say_missed
from reference_cluster.subsystems.gang.scheduler import Scheduler

ROLLBACK_ONLY_RESERVED = Bug(
    name="rollback_only_reserved",
    catalogue_id="WR-02",
    subsystem="gang",
    scenario="gang_member_unclaimed",
    detectors=("gang/partial_gang_stuck",),
    story="A member that nobody claims is put back to wait, while the others run and wait for it: the gang is neither in nor out.",
)
PREEMPTING_NOT_COUNTED = Bug(
    name="preempting_not_counted",
    catalogue_id="WR-07",
    subsystem="gang",
    scenario="gang_slow_checkpoint",
    detectors=("gang/capacity_overcommitted",),
    story="A worker counts as free while a process on it is still being drained, and is given to the next gang.",
)
UNSIZED_GANGS_TAKE_NO_ROOM = Bug(
    name="unsized_gangs_take_no_room",
    catalogue_id="WR-16",
    subsystem="gang",
    scenario="gang_unsized",
    detectors=("gang/partial_gang_stuck", "gang/gang_deadlock"),
    story="Gangs that declare no resources take no room: two of them are reserved on the same workers, each worker takes any of its "
    "reserved jobs, and both run half each. The rollback of WR-02 comes with it, so that nothing drains the halves.",
)


async def admit(s: Scheduler) -> tuple[int, int]:
    """One tick: take back what was not claimed in time, then place what waits. Gives how many gangs waited and were placed."""
    await _take_back(s)
    gangs = _by_gang(await List("job"))
    workers = await List("worker", {"state": "active"})
    waiting = [members for members in gangs.values() if all(member["state"] == "blocked" for member in members)]
    waiting.sort(key=lambda members: (-len(members), -members[0].number("priority"), members[0].number("submitted_us"), members[0].key))
    taken = _taken(s, await List("job", {"state": ("reserved", "running", "preempting")}))
    placed = 0
    for members in waiting:
        fitting = [worker for worker in workers if _fits(s, worker, members[0].number("cpu"), taken)]
        if len(fitting) < len(members):
            await _refuse(members, fitting, workers)
            continue
        chosen = {member.key: worker for member, worker in zip(members, fitting, strict=False)}
        if await _reserve(s, members, chosen):
            placed += 1
            _take(s, members, chosen, taken)
    return len(waiting), placed


def _by_gang(rows: list[Row]) -> dict[str, list[Row]]:
    gangs: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.number("ordinal")):
        if row["gang"] is not None:
            gangs[row.text("gang")].append(row)
    return dict(sorted(gangs.items()))


def _taken(s: Scheduler, jobs: list[Row]) -> dict[str, int]:
    """Jobs that each worker has, or will have. A worker runs one at a time, whatever they declare to need."""
    taken: dict[str, int] = defaultdict(int)
    for job in jobs:
        if job["worker"] is None or (job["state"] == "preempting" and s.bugs.has(PREEMPTING_NOT_COUNTED)):
            continue
        if job["cpu"] != 0 or not s.bugs.has(UNSIZED_GANGS_TAKE_NO_ROOM):
            taken[job.text("worker")] += 1
    return taken


def _fits(s: Scheduler, worker: Row, cpu: int, taken: Mapping[str, int]) -> bool:
    if cpu == 0 and s.bugs.has(UNSIZED_GANGS_TAKE_NO_ROOM):
        return True
    return not taken.get(worker.key) and cpu <= worker.number("cpu")


def _take(s: Scheduler, members: list[Row], chosen: Mapping[str, Row], taken: dict[str, int]) -> None:
    for member in members:
        if member["cpu"] != 0 or not s.bugs.has(UNSIZED_GANGS_TAKE_NO_ROOM):
            taken[chosen[member.key].key] += 1


async def _refuse(members: list[Row], fitting: list[Row], workers: list[Row]) -> None:
    gang = members[0].text("gang")
    refused = GangAdmissionRefused(size=len(members), fitting=len(fitting), active=len(workers))
    counted = tuple(Ref(role="counted", kind="worker", id=worker.key) for worker in fitting)
    seen = tuple(worker.seen() for worker in workers)
    said = Said(refused, gang, refs=counted, reason="no_capacity", workload=gang, epoch=_epoch(members), inputs=seen)
    await Emit((said,))


async def _reserve(s: Scheduler, members: list[Row], chosen: Mapping[str, Row]) -> bool:
    """Reserve all members in one transaction, if all of them still wait."""
    gang = members[0].text("gang")
    reservation = max(member.number("reservation") for member in members) + 1
    moves = []
    for member in members:
        changes = {"worker": chosen[member.key].key, "reservation": reservation, "reserved_us": STORE_NOW}
        moves.append(advance(member, "reserve", JobReserved, changes=changes, reservation=reservation))
    refs = gang_refs([move.after for move in moves])
    seen = tuple(worker.seen() for worker in chosen.values())
    reserved = GangReserved(size=len(members), reservation=reservation)
    result = await commit(moves, Said(reserved, gang, refs=refs, workload=gang, epoch=_epoch(members), inputs=seen))
    if isinstance(result, Committed):
        for worker in chosen.values():
            await _note_overcommitted(s, worker)
        return True
    lost = GangReserveMissed(reservation=reservation, **missed(result))
    await Emit((Said(lost, gang, refs=refs, outcome=outcome_of(result), workload=gang, epoch=_epoch(members)),))
    return False


async def _note_overcommitted(s: Scheduler, worker: Row) -> None:
    if s.bugs.has(PREEMPTING_NOT_COUNTED) and await List("job", {"worker": worker.key, "state": "preempting"}):
        s.bugs.struck(PREEMPTING_NOT_COUNTED, worker.key)


async def _take_back(s: Scheduler) -> None:
    """Reservations that no worker has claimed in time. Where other members run or have ended, the whole gang is drained."""
    reserved = await List("job", {"state": "reserved"})
    overdue = [row for row in reserved if row.age_us("reserved_us") > s.config.reservation_timeout_us]
    for gang, unclaimed in _by_gang(overdue).items():
        ahead = await List("job", {"gang": gang, "state": ("running", "done", "failed")})
        partial = s.bugs.has(ROLLBACK_ONLY_RESERVED) or s.bugs.has(UNSIZED_GANGS_TAKE_NO_ROOM)
        if ahead and not partial:
            await drain.begin(s, drain.Trigger(unclaimed[0], "reservation_timeout"))
        else:
            await _roll_back(gang, unclaimed, sum(row["state"] == "running" for row in ahead))


async def _roll_back(gang: str, unclaimed: list[Row], running: int) -> None:
    ages = [member.age_us("reserved_us") for member in unclaimed]
    reservation = unclaimed[0].number("reservation")
    rolled_back = GangRolledBack(reservation=reservation, age_us=max(ages), unclaimed=len(unclaimed), running=running)
    moves = [
        advance(
            member,
            "block",
            JobRolledBack,
            changes={"worker": None},
            worker=member["worker"],
            reason="reservation_timeout",
            reservation=reservation,
            age_us=age_us,
        )
        for member, age_us in zip(unclaimed, ages, strict=True)
    ]
    said = Said(rolled_back, gang, refs=gang_refs(unclaimed), reason="reservation_timeout", workload=gang, epoch=_epoch(unclaimed))
    result = await commit(moves, said)
    in_the_way = (member for member in unclaimed if isinstance(result, Conflict) and member.key == result.key)
    await say_missed(next(in_the_way, unclaimed[0]), "admission", result)


def _epoch(members: list[Row]) -> int:
    return max(member.number("epoch") for member in members)
