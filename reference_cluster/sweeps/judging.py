"""Labelled runs, judged: what the truth file says of each, and which detectors found something in it.

The delay is measured on the first run in which a bug did harm: from the moment that the truth file gives to the first
whole second as of which `detect` finds it. It is negative where a detector can prove the cause before the harm is noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from reference_cluster.bugs import Bug, bug_named, declared_bugs
from reference_cluster.scenario import load, names
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import Run, simulate
from reference_cluster.sweeps.fleet import seconds_of
from timeline.api import Timeline
from timeline.findings import read_by
from timeline.moment import moment_us

HEALTHY = "healthy"
"""Part of the name of every scenario in which nothing may ever be found, whatever the seed."""
SECOND_US = 1_000_000
BATCH = 25
"""Runs that are judged in one database."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs of one scenario that are judged together: with a bug, or without any."""

    scenario: str
    bug: str | None
    seeds: range
    is_timed: bool = False
    """Whether the delay of detection is to be measured on the first run with harm."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A run, what its truth file says, and which detectors found something in it."""

    batch: Batch
    run_id: str
    harmed: bool
    found: frozenset[str]


@dataclass(slots=True)
class Judgement:
    """What became of a batch."""

    runs: list[Judged]
    events: int
    seconds: dict[str, float]
    """Detector to the time that it took for the whole batch."""
    delays_us: dict[str, int] = field(default_factory=dict)
    """Detector to its delay on the first run with harm; nothing where it found nothing."""


def batches(bugs: Sequence[Bug], scenarios: Sequence[str], seeds: int, healthy: int) -> list[Batch]:
    """The runs of a whole scoring: each bug and each clean twin with seeds 1 to `seeds`, each healthy scenario to `healthy`."""
    planted = [Batch(bug.scenario, bug.name, part, part.start == 1) for bug in bugs for part in _parts(seeds)]
    quiet = [Batch(name, None, part) for name in scenarios for part in _parts(healthy if HEALTHY in name else seeds)]
    return planted + quiet


def chosen(system: str | None, bugs: Sequence[str]) -> tuple[list[Bug], list[str]]:
    """The bugs and the scenarios of a system, or all; where bugs are named, only those and their scenarios. Raises UsageError."""
    planted = [bug_named(name) for name in bugs] or list(declared_bugs().values())
    scenarios = sorted({bug.scenario for bug in planted}) if bugs else names()
    scenarios = [name for name in scenarios if system in (None, load(name).system)]
    return [bug for bug in planted if bug.scenario in scenarios], scenarios


def _parts(last: int) -> Iterator[range]:
    return (range(first, min(first + BATCH, last + 1)) for first in range(1, last + 1, BATCH))


def run_of(scenario: str, seed: int, bug: str | None = None) -> Run:
    """A run of a scenario with the bug on, or as its clean twin."""
    switches = {bug: True} if bug else {}
    return simulate(Staged(load(scenario)), seed, switches=switches, run_id=f"{scenario}-{seed}{'+' + bug if bug else ''}")


def judge(batch: Batch) -> Judgement:
    """Make the runs of a batch and hold the detectors against their truth."""
    runs = [run_of(batch.scenario, seed, batch.bug) for seed in batch.seeds]
    found: dict[str, set[str]] = {run.run_id: set() for run in runs}
    seconds: dict[str, float] = {}
    with Timeline.in_memory((line for run in runs for line in run.lines), read_by(())) as log:
        detectors = log.detect().detectors
        for name in detectors:
            report, seconds[name] = seconds_of(partial(log.detect, [name]))
            for finding in report.findings:
                if finding.verdict == "found":
                    found[finding.run_id].add(name)
    judged = [Judged(batch, run.run_id, bool(_struck_us(run)), frozenset(found[run.run_id])) for run in runs]
    first = next((run for run in runs if _struck_us(run)), None)
    delays_us = _delays_us(first, bug_named(batch.bug)) if batch.is_timed and batch.bug and first else {}
    return Judgement(judged, sum(run.events for run in runs), seconds, delays_us)


def _struck_us(run: Run) -> list[int]:
    """The moments at which a planted bug did harm."""
    return [moment_us(row["time"]) for row in run.truth if row["kind"] == "bug"]


def _delays_us(run: Run, bug: Bug) -> dict[str, int]:
    """How long after the first harm each detector of the bug can prove it, to the second."""
    harm_us = min(_struck_us(run))
    with Timeline.in_memory(run.lines, read_by(bug.detectors)) as log:
        bounds = log.runs().row(0, named=True)

        def is_found(detector: str, at_us: int) -> bool:
            return any(finding.verdict == "found" for finding in log.detect([detector], as_of_us=at_us).findings)

        delays_us = {}
        for detector in bug.detectors:
            low, high = bounds["start_us"] // SECOND_US, -(-bounds["end_us"] // SECOND_US)
            if not is_found(detector, high * SECOND_US):
                continue
            while low + 1 < high:
                middle = (low + high) // 2
                low, high = (low, middle) if is_found(detector, middle * SECOND_US) else (middle, high)
            delays_us[detector] = high * SECOND_US - harm_us
    return delays_us
