"""Admission: generations of workloads are let in as the policy in force says, and are shaped anew when it is rolled back."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.events.base import Ref
from ingest.events.quota import PolicyApplied, PolicyRolledBack, ReplicaCreated, WorkloadAdmitted, WorkloadRejected, WorkloadRetired
from reference_cluster.effects import Commit, Committed, Emit, List, Program, Read, Receive, Said, Sleep, StoreDown
from reference_cluster.records import Put, Row, Write
from reference_cluster.subsystems.quota.messages import Admit, ApplyPolicy, Retire
from reference_cluster.subsystems.quota.process import Controller
from reference_cluster.subsystems.quota.rollout import ROLLBACK_DELETES_FIRST, delete
from reference_cluster.subsystems.quota.rows import said_of
from reference_cluster.subsystems.quota.scenario import Policy, Workload

POLICY = "admission"
POLICY_REFS = (Ref(role="policy", kind="policy", id=POLICY),)


def run_admission(workloads: Mapping[str, Workload], policies: Mapping[int, Policy], me: Controller) -> Program:
    """Bring the latest policy into force, then answer what is asked, one after the other."""
    return _Admission(workloads, policies, me).run()


class _Admission:
    def __init__(self, workloads: Mapping[str, Workload], policies: Mapping[int, Policy], me: Controller) -> None:
        self.workloads = workloads
        self.policies = policies
        self.me = me

    async def run(self) -> None:
        policy = await self._read("policy", POLICY)
        await self._enforce(max(self.policies) if policy is None else policy.number("revision"))
        while True:
            request = await Receive("admission")
            match request.message:
                case Admit() as asked:
                    await self._admit(asked)
                case Retire(workload=workload):
                    await self._retire(workload)
                case ApplyPolicy(revision=revision):
                    await self._enforce(revision)
                case other:
                    raise AssertionError(f"admission was asked {other.name}")

    async def _read(self, table: str, key: str) -> Row | None:
        while True:
            try:
                return await Read(table, key)
            except StoreDown:
                await Sleep(self.me.config.relist_us)

    async def _list(self, table: str, where: Mapping[str, object]) -> list[Row]:
        while True:
            try:
                return await List(table, where)
            except StoreDown:
                await Sleep(self.me.config.relist_us)

    # Letting in

    async def _admit(self, asked: Admit) -> None:
        """Write the workload and its replicas in one commit. What is older goes when the new ones run."""
        row, policy = await self._read("workload", asked.workload), await self._read("policy", POLICY)
        assert policy is not None
        revision, pool = policy.number("revision"), policy.text("pool")
        if row is not None and row.number("generation") >= asked.generation:
            rejected = WorkloadRejected(policy_revision=revision)
            await Emit((Said(rejected, asked.workload, reason="stale_generation", generation=asked.generation, inputs=(row.seen(),)),))
            return
        plan = self.workloads[asked.workload]
        first = row.number("next_replica") if row is not None else plan.first_replica
        shape = {"pool": pool, "policy_revision": revision, "replicas": asked.replicas, "generation": asked.generation}
        fields = {**plan.model_dump(exclude={"first_replica"}), **shape, "state": "active", "next_replica": first + asked.replicas}
        admitted = WorkloadAdmitted(
            role=plan.role, priority=plan.priority, zone=plan.zone, pool=pool, replicas=asked.replicas, policy_revision=revision
        )
        inputs = (policy.seen(),)
        said = Said(admitted, asked.workload, workload=asked.workload, generation=asked.generation, refs=POLICY_REFS, inputs=inputs)
        made = [_replica(asked.workload, fields, first + number, "place") for number in range(asked.replicas)]
        writes = (Put("workload", asked.workload, fields, {"version": row.version} if row is not None else None), *(put for put, _ in made))
        if not isinstance(await Commit(writes, (said, *(one for _, one in made)), "workload.admit"), Committed):
            await Sleep(self.me.config.relist_us)
            await self._admit(asked)

    async def _retire(self, workload: str) -> None:
        """Nothing of it is wanted any more: the rollout loop deletes its replicas, the last one too."""
        row = await self._read("workload", workload)
        if row is None or row["state"] != "active":
            return
        said = Said(WorkloadRetired(), workload, workload=workload, generation=row.number("generation"))
        put = Put("workload", workload, {"state": "retired", "replicas": 0}, {"version": row.version})
        if not isinstance(await Commit((put,), (said,), "workload.retire"), Committed):
            await Sleep(self.me.config.relist_us)
            await self._retire(workload)

    # Policies

    async def _enforce(self, revision: int) -> None:
        """Bring a revision into force. What a later one had shaped is shaped anew, also where a crash came between."""
        while not await self._apply(revision):
            await Sleep(self.me.config.relist_us)
        for workload in await self._list("workload", {"state": "active"}):
            while not await self._shape_anew(workload.key, revision):
                await Sleep(self.me.config.relist_us)

    async def _apply(self, revision: int) -> bool:
        """Write the policy; whether it is that revision now."""
        row = await self._read("policy", POLICY)
        before = row.number("revision") if row is not None else 0
        if before == revision:
            return True
        kind = PolicyRolledBack if revision < before else PolicyApplied
        pool = self.policies[revision].pool
        said = Said(kind(policy_revision=revision, previous_revision=before, pool=pool), POLICY)
        put = Put("policy", POLICY, {"revision": revision, "pool": pool}, {"version": row.version} if row is not None else None)
        return isinstance(await Commit((put,), (said,), "policy.write"), Committed)

    async def _shape_anew(self, name: str, revision: int) -> bool:
        """A replacement for each replica; the rollout loop deletes the old one when the new one runs. Whether it is done."""
        workload = await self._read("workload", name)
        if workload is None or workload.number("policy_revision") <= revision:
            return True
        old = [row for row in await self._list("replica", {"workload": name}) if row.number("policy_revision") > revision]
        if self.me.bugs.has(ROLLBACK_DELETES_FIRST):
            for replica in old:
                await delete(self.me, replica, "policy_rolled_back", keep_last=False)
        first = workload.number("next_replica")
        changes = {"policy_revision": revision, "pool": self.policies[revision].pool, "next_replica": first + len(old)}
        shape = {**workload.fields, **changes}
        made = [_replica(name, shape, first + number, "replace", replica.key) for number, replica in enumerate(old)]
        writes = (Put("workload", name, changes, {"version": workload.version}), *(put for put, _ in made))
        return isinstance(await Commit(writes, tuple(said for _, said in made), "workload.shape_anew"), Committed)


def _replica(workload: str, shape: Mapping[str, object], number: int, intent: str, replaces: str | None = None) -> tuple[Write, Said]:
    """A new replica of a workload: its row, and its event."""
    kept = ("tenant", "role", "priority", "zone", "pool", "tolerates", "generation", "policy_revision")
    fields = {name: shape[name] for name in kept} | {"workload": workload, "intent": intent, "replaces": replaces}
    fields |= {"phase": "pending", "node": None, "unschedulable": None, "marked_since_us": 0}
    key = f"{workload}-replica-{number:03}"
    row = Row("replica", key, 0, 0, 0, fields)
    created = ReplicaCreated(to_phase="pending", role=row.text("role"), intent=intent, policy_revision=row.number("policy_revision"))
    return Put("replica", key, fields, None), said_of(row, created, reason="admitted" if replaces is None else "replaces")
