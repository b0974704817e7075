"""Roll-out: the status of each workload, and the end of what is older once the status says that the new generation is ready.

A status names the generation that it is about. Who acts upon it compares that with the generation that is wanted: a
status of yesterday's generation says nothing of today's.
"""

from __future__ import annotations

from ingest.events.quota import ReplicaDeleted, ReplicaDeleteRefused, RolloutScanned, StatusReported, WorkloadPromoted
from reference_cluster.bugs import Bug
from reference_cluster.effects import Commit, Committed, Emit, List, Said, Sleep, StoreDown
from reference_cluster.records import Check, Delete, Put, Row
from reference_cluster.subsystems.quota.process import Controller, seen
from reference_cluster.subsystems.quota.rows import move_facts, said_of

STATUS_OF_OLD_GENERATION = Bug(
    name="status_of_old_generation",
    catalogue_id="RP-06",
    subsystem="quota",
    scenario="quota_stale_status",
    detectors=("quota/status_of_old_generation", "quota/stale_input_decision"),
    story="The roll-out believes a status that says ready without asking which generation it is about, and ends what still served.",
)

ROLLBACK_DELETES_FIRST = Bug(
    name="rollback_deletes_first",
    catalogue_id="RP-04",
    subsystem="quota",
    scenario="quota_rollback",
    detectors=("quota/unsafe_victim",),
    story="A rollback deletes what the later policy had shaped before there is anything in its place, the last healthy one too.",
)


async def run_status(me: Controller) -> None:
    """Write the status of each workload whenever it has changed."""
    while True:
        await Sleep(me.config.rollout_tick_us)
        for workload in me.caches["workload"].list(state="active"):
            await _report(me, workload)


async def _report(me: Controller, workload: Row) -> None:
    generation, wanted = workload.number("generation"), workload.number("replicas")
    running = me.caches["replica"].list(workload=workload.key, generation=generation, phase="running")
    status = {"observed_generation": generation, "ready": len(running), "replicas": wanted}
    row = me.caches["status"].rows.get(workload.key)
    if row is not None and all(row[name] == value for name, value in status.items()):
        return
    version = row.version if row is not None else 0
    reported = StatusReported(status_version=version + 1, **status)
    inputs = (seen(workload, "cache"), *(seen(replica, "cache") for replica in running))
    said = Said(reported, workload.key, workload=workload.key, generation=generation, inputs=inputs)
    await Commit((Put("status", workload.key, status, {"version": version} if row is not None else None),), (said,), "status.write")


async def run_rollout(me: Controller) -> None:
    """End what is older than what runs, and what nobody wants, at every tick."""
    while True:
        await Sleep(me.config.rollout_tick_us)
        active = me.caches["workload"].list(state="active")
        rolling = [workload for workload in active if await _roll(me, workload)]
        for workload in me.caches["workload"].list(state="retired"):
            for replica in me.caches["replica"].list(workload=workload.key):
                await delete(me, replica, "retired", keep_last=False)
        await Emit((me.said(RolloutScanned(workloads=len(active), rolling=len(rolling))),))


async def _roll(me: Controller, workload: Row) -> bool:
    """Go on with the roll-out of a workload; whether there is one."""
    replicas = me.caches["replica"].list(workload=workload.key)
    older = [replica for replica in replicas if replica.number("generation") < workload.number("generation")]
    if older and await _is_ready(me, workload):
        for replica in older:
            await delete(me, replica, "superseded")
    names = {replica.key: replica for replica in replicas}
    replaced = [replica for replica in replicas if replica["replaces"] in names]
    for replica in replaced:
        if replica["phase"] == "running":
            await delete(me, names[replica.text("replaces")], "policy_rolled_back")
    return bool(older or replaced)


async def _is_ready(me: Controller, workload: Row) -> bool:
    """Whether the status says that the wanted generation is ready."""
    status, generation = me.caches["status"].rows.get(workload.key), workload.number("generation")
    if status is None or status.number("ready") < status.number("replicas"):
        return False
    is_same = status["observed_generation"] == generation
    if not is_same and not me.bugs.has(STATUS_OF_OLD_GENERATION):
        return False
    facts = {name: status.number(name) for name in ("observed_generation", "ready", "replicas")}
    promoted = WorkloadPromoted(source="cache", status_version=status.version, **facts)
    inputs = (seen(status, "cache"), seen(workload, "cache"))
    await Emit((Said(promoted, workload.key, workload=workload.key, generation=generation, inputs=inputs),))
    if not is_same:
        me.bugs.struck(STATUS_OF_OLD_GENERATION, workload.key)
    return True


async def healthy_beside(replica: Row) -> list[Row]:
    """The other replicas of its workload that run. Raises StoreDown."""
    running = await List("replica", {"workload": replica["workload"], "phase": "running"}, label="replica.healthy")
    return [other for other in running if other.key != replica.key]


async def delete(me: Controller, replica: Row, reason: str, keep_last: bool = True) -> bool:
    """Delete a replica as it was read; whether that was done. What it had reserved is an orphan from then on, for repair.

    The last healthy recovery capacity is kept, and the commit expects the one that was counted to be healthy still.
    """
    try:
        left = await healthy_beside(replica)
    except StoreDown:
        return False
    is_running = replica["phase"] == "running"
    if keep_last and replica["role"] == "recovery" and is_running and not left:
        refused = ReplicaDeleteRefused(role=replica.text("role"), healthy_left=0)
        await Emit((said_of(replica, refused, reason="last_healthy", inputs=(seen(replica, "cache"),)),))
        return False
    deleted = ReplicaDeleted(was_healthy=is_running, healthy_left=len(left), **move_facts(replica, "delete"))
    said = said_of(
        replica, deleted, node=replica.text("node") if is_running else None, reason=reason, inputs=tuple(row.seen() for row in left)
    )
    stays = (Check("replica", left[0].key, {"phase": "running"}),) if left and keep_last else ()
    writes = (Delete("replica", replica.key, {"phase": replica["phase"], "version": replica.version}), *stays)
    done = isinstance(await Commit(writes, (said,), "replica.delete"), Committed)
    if done and replica["role"] == "recovery" and is_running and not left and reason == "policy_rolled_back":
        me.bugs.struck(ROLLBACK_DELETES_FIRST, replica.key)
    return done
