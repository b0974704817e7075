"""Simulated runs for tests: made, renamed, judged. Many runs share one database, as in real use."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reference_cluster import scenario
from reference_cluster.bugs import Bug, declared_bugs
from reference_cluster.sim.run import Run
from reference_cluster.sweeps import judging
from timeline.api import Timeline
from timeline.findings import Finding

BUGS: list[Bug] = list(declared_bugs().values())
SCENARIOS = scenario.names()


def run_of(name: str, seed: int, bug: Bug | None = None) -> Run:
    """A run of a scenario, with the bug on or as its clean twin."""
    return judging.run_of(name, seed, bug.name if bug else None)


def judged(lines: Iterable[bytes]) -> list[Finding]:
    """What the detectors say of these lines, whatever runs they belong to."""
    with Timeline.in_memory(lines) as log:
        return log.detect().findings


def found(lines: Iterable[bytes]) -> list[Finding]:
    """The findings with verdict `found`."""
    return [finding for finding in judged(lines) if finding.verdict == "found"]


def renamed(lines: Iterable[bytes], run_id: str) -> list[bytes]:
    """The same events as another run, so that variants of a log fit into one database."""
    return [json.dumps({**json.loads(line), "run_id": run_id}).encode() + b"\n" for line in lines]


def decisions(run: Run) -> list[bytes]:
    """The lines of a run without its recording."""
    return [line for line in run.lines if b'"kind":"recording.' not in line]
