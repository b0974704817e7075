"""The gang cluster of a scenario: schedulers that share a store, workers, the place where processes meet, the clients."""

from __future__ import annotations

from functools import partial

from reference_cluster.bugs import Switches
from reference_cluster.effects import Program
from reference_cluster.scenario import draw
from reference_cluster.subsystems.gang import api, clients, process
from reference_cluster.subsystems.gang.admission import admit
from reference_cluster.subsystems.gang.asking import Door
from reference_cluster.subsystems.gang.audit import INTERVAL_US, Audit
from reference_cluster.subsystems.gang.messages import StopProcess
from reference_cluster.subsystems.gang.reaper import reap
from reference_cluster.subsystems.gang.scenario import GangScenario
from reference_cluster.subsystems.gang.scheduler import TICK_UNBOUNDED, Loop, Scheduler, run_scheduler
from reference_cluster.subsystems.gang.worker import Worker, run_worker
from reference_cluster.system import Host, System

START_SPREAD_US = 1_000_000


class GangSystem(System):
    """The processes of one run."""

    def __init__(self, scenario: GangScenario, host: Host, switches: Switches) -> None:
        super().__init__(host)
        self.scenario = scenario
        self.switches = switches
        self.config = scenario.config
        if switches.has(TICK_UNBOUNDED):
            self.config = self.config.model_copy(update={"tick_bound_us": 0})
        self.schedulers = tuple(f"scheduler-{number + 1}" for number in range(scenario.schedulers))
        self.workers = tuple(f"worker-{number + 1}" for number in range(scenario.workers))
        self.running: dict[str, Scheduler] = {}
        self._audit = Audit(host, switches, self.config, self.running)

    def boot(self) -> None:
        """Start everything; the processes come up one after another."""
        host = self.host
        host.start("rendezvous", "place", lambda incarnation: process.serve_place(process.Place()))
        for instance in (*self.schedulers, *self.workers):
            host.after(draw(host.stream("start"), (0, START_SPREAD_US)), partial(self._start, instance))
        submissions = self.scenario.submissions(host.stream("workload"))
        if submissions:
            client = host.start("client", "client", lambda incarnation: clients.submit(self._door(0), submissions[0]))
            for number, submission in enumerate(submissions[1:], start=1):
                host.spawn(client, "client", clients.submit(self._door(number), submission))
        if self.switches.on:
            host.after(INTERVAL_US, self._check)

    def _check(self) -> None:
        self._audit.look()
        self.host.after(INTERVAL_US, self._check)

    def _door(self, turn: int) -> Door:
        return Door(self.schedulers, self.config.call_timeout_us, self.config.poll_us, turn)

    def _start(self, instance: str) -> None:
        if instance in self.schedulers:
            self.host.start(instance, "scheduler", partial(self._scheduler, instance))
        else:
            self.host.start(instance, "worker", partial(self._worker, instance))

    def _scheduler(self, instance: str, incarnation: str) -> Program:
        s = Scheduler(instance, incarnation, self.config, self.switches)
        self.running[instance] = s
        loops = (Loop("reaper", self.config.reaper_tick_us, reap), Loop("admission", self.config.admission_tick_us, admit))
        return run_scheduler(s, loops, api.serve)

    def _worker(self, instance: str, incarnation: str) -> Program:
        cold = next((start.takes for start in self.scenario.cold_starts if start.worker == instance), (0, 0))
        cold_us = draw(self.host.stream("cold_start"), cold)
        door = self._door(self.workers.index(instance))
        return run_worker(Worker(instance, incarnation, self.scenario.worker_cpu, self.config, self.switches, door, cold_us))

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: ARG002  # any process comes back in the same way
        """A process that crashed comes back under a new identity; one that was asked to stop has its successor already."""
        if why == "crashed" and instance in (*self.schedulers, *self.workers):
            self.host.after(START_SPREAD_US, partial(self._start, instance))

    def resolve(self, target: str) -> str | None:
        """`worker of train-1/0` is the worker that the job is reserved on or claimed by at this moment."""
        role, of, job = target.partition(" of ")
        if role != "worker" or not of:
            return target
        for row in self.host.rows("job"):
            if row.key == job and row["worker"] is not None:
                return self.host.instance(row.text("worker"))
        return None

    def rollout(self, instance: str) -> None:
        """Start the successor, and ask the old process to stop."""
        old = self.host.incarnation(instance)
        self._start(instance)
        if old is not None:
            self.host.post(f"{old}/process", StopProcess())
