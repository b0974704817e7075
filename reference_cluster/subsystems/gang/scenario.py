"""A scenario of gangs: schedulers, workers, the gangs and jobs that are submitted, and what their processes do."""

from __future__ import annotations

from ingest.events.gang.scheduler import GangTimings
from reference_cluster.bugs import Switches
from reference_cluster.scenario import Chance, Duration, Part, Scenario, Span, draw
from reference_cluster.system import Host, System


class Config(Part):
    """What schedulers and workers run with. Names and meanings are those of `ingest.events.gang.GangTimings`."""

    poll_us: Duration = 1_000_000
    job_heartbeat_us: Duration = 5_000_000
    job_stale_us: Duration = 30_000_000
    worker_stale_us: Duration = 60_000_000
    reaper_tick_us: Duration = 10_000_000
    admission_tick_us: Duration = 5_000_000
    tick_bound_us: Duration = 15_000_000
    reservation_timeout_us: Duration = 30_000_000
    preempt_grace_us: Duration = 15_000_000
    drain_timeout_us: Duration = 45_000_000
    max_retries: int = 3
    call_timeout_us: Duration = 3_000_000
    """How long a worker or a client waits for an answer."""

    def timings(self) -> dict[str, int]:
        """The timings that are declared in the log."""
        return {name: getattr(self, name) for name in GangTimings.model_fields}


class Failure(Part):
    """A process that fails."""

    member: int | None = None
    """Which member of a gang; every one where null."""
    run: int | None = None
    """At which of its runs, from 1; at every one where null."""
    after: Span
    """How long it has run by then."""


class Work(Part):
    """Gangs or jobs that are submitted, and what their processes do."""

    name: str
    """What their names begin with."""
    at: Span
    """When the first one is submitted."""
    count: int = 1
    every: Span = (0, 0)
    """Time between two of them."""
    priority: int = 0
    cpu: int = 1
    """CPUs that each process declares to need; 0 where it declares nothing."""
    work: Span
    """How long a process has to run until its work is done."""
    checkpoint: Span = (200_000, 1_000_000)
    """How long a process takes to save its work when it is told to stop."""
    ignores_preempt: bool = False
    """Whether its processes go on when they are told to stop, so that they have to be killed."""
    failures: tuple[Failure, ...] = ()


class Gangs(Work):
    """Gangs."""

    size: int
    rendezvous: bool = True
    """Whether no process gets on with its work before all of the gang are there."""
    head_start: Span = (0, 0)
    """How much less work the first member has than the others."""


class Jobs(Work):
    """Plain jobs."""

    after: tuple[str, ...] = ()
    """Jobs that must be done before: `etl-1`."""


class ColdStart(Part):
    """A worker that has to fetch an image between its first offer and its claim."""

    worker: str
    takes: Span


class Payload(Part):
    """What a process is to do; crosses the wire as canonical JSON."""

    work_us: int
    checkpoint_us: int
    ignores_preempt: bool
    rendezvous: bool
    fails: tuple[tuple[int, int], ...]
    """Run (0 for every one) and the time after which it fails in it."""


class Submission(Part):
    """One gang or job that a client will submit: an external input."""

    id: str
    at_us: int
    is_gang: bool
    priority: int
    cpu: int
    after: tuple[str, ...]
    payloads: tuple[Payload, ...]
    """One for each member; one for a job."""


class GangScenario(Scenario, system="gang"):
    """Schedulers that share a store, and workers. What is not said has the default of Workron (seed document 000)."""

    control_planes = "scheduler-*"

    config: Config = Config()
    schedulers: int = 2
    workers: int = 3
    worker_cpu: int = 4
    cold_starts: tuple[ColdStart, ...] = ()
    gangs: tuple[Gangs, ...] = ()
    jobs: tuple[Jobs, ...] = ()

    def build(self, host: Host, switches: Switches) -> System:
        """The schedulers, the workers, the clients."""
        from reference_cluster.subsystems.gang.system import GangSystem

        return GangSystem(self, host, switches)

    def submissions(self, chance: Chance) -> list[Submission]:
        """What is submitted in this run, in order of time, drawn from `chance`."""
        made: list[Submission] = []
        for work in (*self.gangs, *self.jobs):
            at_us = draw(chance, work.at)
            for number in range(work.count):
                members = work.size if isinstance(work, Gangs) else 1
                made.append(
                    Submission(
                        id=f"{work.name}-{number + 1}",
                        at_us=at_us,
                        is_gang=isinstance(work, Gangs),
                        priority=work.priority,
                        cpu=work.cpu,
                        after=work.after if isinstance(work, Jobs) else (),
                        payloads=tuple(_payload(work, member, chance) for member in range(members)),
                    )
                )
                at_us += draw(chance, work.every)
        return sorted(made, key=lambda submission: submission.at_us)


def _payload(work: Work, member: int, chance: Chance) -> Payload:
    head_start_us = draw(chance, work.head_start) if isinstance(work, Gangs) and member == 0 else 0
    failures = [failure for failure in work.failures if failure.member in (None, member)]
    return Payload(
        work_us=draw(chance, work.work) - head_start_us,
        checkpoint_us=draw(chance, work.checkpoint),
        ignores_preempt=work.ignores_preempt,
        rendezvous=isinstance(work, Gangs) and work.rendezvous and work.size > 1,
        fails=tuple((failure.run or 0, draw(chance, failure.after)) for failure in failures),
    )
