"""The cluster of a placement scenario: nodes with their schedulers and runtimes, the store's own part, the users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.records import Put
from reference_cluster.scenario import Chance, draw
from reference_cluster.subsystems.placement import clients, etcd, planner, runtime
from reference_cluster.subsystems.placement.messages import Election, HttpRequest, Mishap, ScaleJob, SubmitJob
from reference_cluster.subsystems.placement.packing import Room
from reference_cluster.subsystems.placement.programs import run_scheduler
from reference_cluster.subsystems.placement.runtime import Runtime
from reference_cluster.subsystems.placement.scenario import MishapPlan, PlacementScenario
from reference_cluster.subsystems.placement.schedule import SCHEDULE
from reference_cluster.subsystems.placement.scheduler import Scheduler, runtime_of
from reference_cluster.subsystems.placement.truth import Witness
from reference_cluster.system import Host, System

START_SPREAD_US = 3_000_000
TRIES = 3


class Placement(System):
    """The processes of one run."""

    def __init__(self, scenario: PlacementScenario, host: Host, switches: Switches) -> None:
        super().__init__(host)
        self.scenario = scenario
        self.switches = switches
        self.nodes = sorted(scenario.nodes)
        self.runtimes: dict[str, Runtime] = {}

    def boot(self) -> None:
        """Write the empty schedule, start the store's part and every machine, then let users and mishaps come."""
        host = self.host
        host.write(Put(SCHEDULE, SCHEDULE, {"slots": {}}, None))
        for key in ("lessor", "leader"):
            host.write(Put(etcd.ETCD, key, {}, None))
        for node in self.nodes:
            host.write(Put(planner.LOOKED, node, {"version": 0}, None))
        self._start_etcd()
        for node in self.nodes:
            self._start_machine(node, draw(host.stream("start"), (0, START_SPREAD_US)))
        self._plan_users(host.stream("workload"))
        self._plan_mishaps(host.stream("mishaps"))
        if self.switches.on:
            Witness(host, self.scenario.config, self.switches, self.runtimes).look()

    def _start_etcd(self) -> None:
        part = etcd.Etcd(self.scenario.config, self.switches)
        incarnation = self.host.start(etcd.ETCD, "lessor", lambda _: etcd.lessor(part))
        self.host.spawn(incarnation, "raft", etcd.raft(part))

    def _start_machine(self, node: str, after_us: int) -> None:
        """A machine comes up: its runtime at once, its scheduler when init has got so far."""
        name = runtime_of(node)
        config, world = self.scenario.config, self.scenario.world
        self.runtimes[name] = Runtime(node, name, config, world, self.switches)
        self.host.start(name, "runtime", lambda _: runtime.serve(self.runtimes[name]))
        self.host.after(after_us, partial(self._start_scheduler, node))

    def _start_scheduler(self, node: str) -> None:
        """Init starts the scheduler, unless the machine has died or another runs already."""
        if self.host.incarnation(runtime_of(node)) is None or self.host.incarnation(node) is not None:
            return
        size = self.scenario.nodes[node]

        def main(incarnation: str) -> Program:
            room = Room(size.memory, size.disk)
            return run_scheduler(Scheduler(node, incarnation, room, self.scenario.config, self.scenario.world, self.switches))

        self.host.start(node, "lease", main)

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: ARG002  # init starts again whatever the reason
        """A scheduler is started again by init; a runtime dies with its machine, which comes up again after a while."""
        chance, world = self.host.stream("init"), self.scenario.world
        if instance in self.scenario.nodes:
            self.host.after(draw(chance, world.restart), partial(self._start_scheduler, instance))
        elif instance in self.runtimes:
            node = self.runtimes[instance].node
            self.host.after(draw(chance, world.reboot), partial(self._start_machine, node, draw(chance, world.restart)))

    def resolve(self, target: str) -> str | None:
        """`busiest` is the live scheduler with most slots, `busiest_machine` the same with its runtime."""
        if target not in ("busiest", "busiest_machine"):
            return target
        slots = self.host.rows(SCHEDULE)[0]["slots"]
        assert isinstance(slots, dict)
        held = [slot["node"] for slot in slots.values()]
        living = [node for node in self.nodes if self.host.incarnation(node) is not None]
        if not living:
            return None
        busiest = max(living, key=held.count)
        return busiest if target == "busiest" else f"*-{busiest.removeprefix('node-')}"

    def _plan_users(self, chance: Chance) -> None:
        programs: list[Program] = []
        for submission in self.scenario.submissions:
            at_us, nodes = draw(chance, submission.at), self._asked(chance, submission.on)
            programs.append(clients.ask(at_us, SubmitJob(file=submission.file), nodes))
        for scale in self.scenario.scales:
            at_us = draw(chance, scale.at)
            for instances in scale.to:
                message = ScaleJob(job=scale.job, instances=instances)
                programs.append(clients.ask(at_us, message, self._asked(chance, scale.on)))
                at_us += draw(chance, scale.every)
        number = 0
        for requests in self.scenario.requests:
            at_us = draw(chance, requests.at)
            for _ in range(requests.count):
                number += 1
                request = HttpRequest(request=f"r-{number}", host=requests.host)
                programs.append(clients.browse(at_us, self._asked(chance, None)[0], request))
                at_us += draw(chance, requests.every)
        if programs:
            client = self.host.start("client", "user", lambda _: programs[0])
            for program in programs[1:]:
                self.host.spawn(client, "user", program)

    def _asked(self, chance: Chance, first: str | None) -> Sequence[str]:
        """The nodes that a user asks, one after another."""
        begin = self.nodes.index(first) if first else draw(chance, (0, len(self.nodes) - 1))
        return [self.nodes[(begin + step) % len(self.nodes)] for step in range(TRIES)]

    def _plan_mishaps(self, chance: Chance) -> None:
        for plan in self.scenario.mishaps:
            self.host.after(draw(chance, plan.at), partial(self._mishap, plan, draw(chance, plan.lasts)))
        for election in self.scenario.elections:
            message = Election(lasts_us=draw(chance, election.lasts))
            self.host.after(draw(chance, election.at), self._posting(f"{etcd.ETCD}/raft", message))

    def _posting(self, address: str, message: Election) -> Callable[[], None]:
        return lambda: self.host.post(address, message)

    def _mishap(self, plan: MishapPlan, lasts_us: int) -> None:
        """It happens to the first healthy instance of the job; to none where none is healthy."""
        for row in self.host.rows("instance"):
            if row["job"] == plan.job and row["state"] == "healthy":
                happens = Mishap(container=row.text("container"), what=plan.what, exit_code=plan.exit_code, lasts_us=lasts_us)
                self.host.post(f"{runtime_of(row.text('node'))}/mishap", happens)
                return
