"""What users ask of any scheduler: create a job, or have another number of its instances.

The job and its schedule are one commit, computed from one version of the schedule. Where there is no room for all that
was asked for, nothing is committed and the user gets the problem with its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.events.base import Decision
from ingest.events.placement import InstanceDropped, SlotRemoved, SubmissionCommitted, SubmissionReceived, SubmissionRejected
from reference_cluster.bugs import Bug
from reference_cluster.effects import Committed, Emit, Read, Receive, Reply, Request, Said, Start, StoreDown
from reference_cluster.records import Delete, Put, Row
from reference_cluster.subsystems.delay import some_time
from reference_cluster.subsystems.placement.health import removal
from reference_cluster.subsystems.placement.instances import LIVING, advanced
from reference_cluster.subsystems.placement.jobs import Job, Problem, in_words, parse
from reference_cluster.subsystems.placement.messages import Accepted, ScaleJob, SubmitJob
from reference_cluster.subsystems.placement.packing import Room, pack
from reference_cluster.subsystems.placement.schedule import Picture, Plan, Slot, commit, look, spec_of
from reference_cluster.subsystems.placement.scheduler import Scheduler

TRIES_MAX = 10
SETTLED_US = 3_000_000

TAKES_HEALTHY_FIRST = Bug(
    name="takes_healthy_first",
    catalogue_id="OZ-08",
    subsystem="placement",
    scenario="placement_scale_down",
    detectors=("placement/healthy_victim",),
    story="A scale-down ends the newest instance and deletes its local storage, healthy or not, although an unhealthy one is there.",
)


async def serve(scheduler: Scheduler) -> None:
    """Answer users, each beside the others."""
    while True:
        request = await Receive(f"{scheduler.node}/api")
        await Start(_answer(scheduler, request), "api")


async def _answer(scheduler: Scheduler, request: Request) -> None:
    operation, job = "create", ""
    try:
        match request.message:
            case SubmitJob(file=file):
                parsed = parse(file)
                job = parsed.name
                accepted = await _create(scheduler, parsed)
            case ScaleJob(job=job, instances=instances):
                operation = "scale"
                accepted = await _scale(scheduler, job, instances)
            case other:
                await Reply(request, refused=f"no such request: {other.name}")
                return
    except Problem as problem:
        await Reply(request, refused=await _reject(operation, problem))
    except StoreDown:
        await Reply(request, refused=await _reject(operation, Problem("store-unavailable", "The store did not answer.", job)))
    else:
        await Reply(request, accepted)


async def _reject(operation: str, problem: Problem) -> str:
    numbers = {"required_mb": problem.required_mb, "available_mb": problem.available_mb}
    rejected = SubmissionRejected.model_validate({"operation": operation, "title": problem.title, "detail": problem.detail, **numbers})
    outcome = "failed" if problem.reason in ("store-unavailable", "conflict") else "rejected"
    await Emit((Said(rejected, problem.job or "(unnamed)", reason=problem.reason, outcome=outcome, workload=problem.job or None),))
    return problem.document()


async def _receive(job: str, operation: str, wanted: int) -> None:
    await Emit((Said(SubmissionReceived(operation=operation, wanted=wanted), job, workload=job),))


async def _create(scheduler: Scheduler, job: Job) -> Accepted:
    await _receive(job.name, "create", job.instances)
    slot: Slot = {"job": job.name, "number": 0, "node": None, "memory_mb": job.memory_mb, "disk_mb": job.disk_mb}
    check = job.first.healthcheck
    fields = {"wanted": job.instances, "next": job.instances, "memory_mb": job.memory_mb, "disk_mb": job.disk_mb, "host": job.host}
    fields |= {"restart": job.first.restart, "check": check.model_dump() if check else None, "generation": 1}
    slots = [f"{job.name}-{number}" for number in range(job.instances)]
    for attempt in range(1, TRIES_MAX + 1):
        picture = await look()
        if job.name in picture.jobs:
            if attempt > 1 and picture.jobs[job.name].text("host") == job.host:
                return Accepted(job=job.name, version=picture.row.version)
            raise Problem("job-exists", f"There is a job of that name with {picture.jobs[job.name]['wanted']} instances.", job.name)
        await some_time(scheduler.world.compute)
        demand_room(picture, dict.fromkeys(slots, slot), job.name)
        made = Plan(picture, "create", job.name)
        made.place(dict.fromkeys(slots, slot), {job.name: {name: fields[name] for name in ("host", "restart", "check")}})
        made.writes.append(Put("job", job.name, fields, None))
        made.events.insert(0, _committed(job.name, "create", job.instances, job.host, 1))
        if isinstance(await commit(scheduler, made, attempt), Committed):
            return Accepted(job=job.name, version=picture.row.version + 1)
    raise Problem("conflict", f"The schedule changed {TRIES_MAX} times while it was computed.", job.name)


async def _scale(scheduler: Scheduler, name: str, instances: int) -> Accepted:
    await _receive(name, "scale", instances)
    for attempt in range(1, TRIES_MAX + 1):
        picture = await look()
        job = picture.jobs.get(name)
        if job is None:
            raise Problem("job-not-found", f"There is no job of that name; there are {', '.join(picture.jobs) or 'none'}.", name)
        await some_time(scheduler.world.compute)
        made, operation = await _scaled(scheduler, picture, job, instances)
        if made is None:
            return Accepted(job=name, version=picture.row.version)
        generation = job.number("generation") + 1
        made.events.insert(0, _committed(name, operation, instances, job.text("host"), generation))
        if isinstance(await commit(scheduler, made, attempt), Committed):
            _note_healthy_victims(scheduler, made, name)
            return Accepted(job=name, version=picture.row.version + 1)
    raise Problem("conflict", f"The schedule changed {TRIES_MAX} times while it was computed.", name)


def _committed(job: str, operation: str, wanted: int, host: str, generation: int) -> Said:
    decision: Decision = SubmissionCommitted(operation=operation, wanted=wanted, host=host)
    return Said(decision, job, workload=job, generation=generation)


async def _scaled(scheduler: Scheduler, picture: Picture, job: Row, wanted: int) -> tuple[Plan | None, str]:
    """The schedule with so many instances of the job; None where it has them. Raises Problem, StoreDown."""
    now, first = job.number("wanted"), job.number("next")
    more = [f"{job.key}-{number}" for number in range(first, first + max(0, wanted - now))]
    slot: Slot = {"job": job.key, "number": 0, "node": None, "memory_mb": job["memory_mb"], "disk_mb": job["disk_mb"]}
    operation = "scale_up" if more else "scale_down"
    made = Plan(picture, operation, job.key)
    if more:
        demand_room(picture, dict.fromkeys(more, slot), job.key)
        made.place(dict.fromkeys(more, slot), {job.key: spec_of(job)})
    elif wanted < now:
        await _drop(made, _victims(scheduler, picture, job.key, now - wanted))
    else:
        return None, operation
    changes = {"wanted": wanted, "next": first + len(more), "generation": job.number("generation") + 1}
    made.writes.append(Put("job", job.key, changes, {"version": job.version}))
    return made, operation


def demand_room(picture: Picture, wanted: dict[str, Slot], job: str) -> None:
    """Raise the problem, with its numbers, unless there is room for all of these slots."""
    needs = {name: Room(int(str(slot["memory_mb"])), int(str(slot["disk_mb"]))) for name, slot in wanted.items()}
    free = picture.free()
    packed = pack(needs, free)
    if len(packed) == len(needs):
        return
    memory = len(pack({name: Room(need.memory_mb, 0) for name, need in needs.items()}, free)) < len(needs)
    sizes = {name: need.memory_mb if memory else need.disk_mb for name, need in needs.items()}
    required_mb, available_mb = sum(sizes.values()), sum(sizes[name] for name in packed)
    what = "memory" if memory else "disk space"
    detail = f"Job requires {in_words(required_mb)} of {what} but only {in_words(available_mb)} can be allocated."
    raise Problem("insufficient-memory" if memory else "insufficient-disk", detail, job, required_mb, available_mb)


def _victims(scheduler: Scheduler, picture: Picture, job: str, count: int) -> list[str]:
    """The slots that a scale-down ends: those without a healthy instance first, then the newest."""

    def by_policy(slot: str) -> tuple[bool, int]:
        row = picture.instance(slot)
        healthy = row is not None and row["state"] == "healthy"
        return (healthy and scheduler.config.victim_policy == "unhealthy_first", -_number(slot))

    slots = [name for name, slot in picture.slots.items() if slot["job"] == job]
    if not scheduler.bugs.has(TAKES_HEALTHY_FIRST):
        return sorted(slots, key=by_policy)[:count]
    return sorted(slots, key=lambda slot: -_number(slot))[:count]


def _number(slot: str) -> int:
    return int(slot.rpartition("-")[2])


def _note_healthy_victims(scheduler: Scheduler, made: Plan, job: str) -> None:
    """For the truth: who was healthy and had to go, while another of the job was not and stays."""
    if not scheduler.bugs.has(TAKES_HEALTHY_FIRST):
        return
    settled = [row for row in made.picture.instances.values() if row["job"] == job and row.age_us("updated_us") > SETTLED_US]
    kept = [row for row in settled if row.text("slot") in made.slots and row["state"] in LIVING and row["state"] != "healthy"]
    for row in settled:
        if kept and row.text("slot") not in made.slots and row["state"] == "healthy":
            scheduler.bugs.struck(TAKES_HEALTHY_FIRST, row.key)


async def _drop(made: Plan, victims: Sequence[str]) -> None:
    """Take slots out of the schedule; their instances are to be ended, and nobody finds them from here on. Raises StoreDown."""
    rows = (made.picture.instance(slot) for slot in victims)
    for row in _living(rows):
        put, said, _ = advanced(row, "drop", InstanceDropped, reason="scaled_down")
        made.writes.append(put)
        made.events.append(said)
        record = await Read("dns", row.key)
        if record is not None:
            made.writes.append(Delete("dns", row.key, {"version": record.version}))
            made.events.append(removal(row, "dropped"))
    for slot in victims:
        job = str(made.slots.pop(slot)["job"])
        made.events.append(Said(SlotRemoved(), slot, workload=job))


def _living(rows: Iterable[Row | None]) -> list[Row]:
    return [row for row in rows if row is not None and row["state"] in LIVING]
