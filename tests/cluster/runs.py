"""Simulated runs for tests: made, renamed, judged. Many runs share one database, as in real use."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from reference_cluster import scenario
from reference_cluster.bugs import Bug, bug_named, declared_bugs
from reference_cluster.sim.run import Run
from reference_cluster.sweeps import judging
from timeline.api import Timeline
from timeline.findings import Finding, read_by

BUGS: list[Bug] = list(declared_bugs().values())
SCENARIOS = scenario.names()


def run_of(name: str, seed: int, bug: Bug | None = None) -> Run:
    """A run of a scenario, with the bug on or as its clean twin."""
    return judging.run_of(name, seed, bug.name if bug else None)


_RUN_ID = re.compile(rb'"run_id": ?"[^"]*"')

Happening = dict[str, Any]
"""An event as its line has it, with `data` even where that is empty."""


@cache
def events_of(name: str, seed: int = 1, bug: str | None = None) -> tuple[Happening, ...]:
    """The events of such a run, in order. `bug` is the name of a switch, or an id of the failure catalogue."""
    run = run_of(name, seed, bug_named(bug) if bug is not None else None)
    return tuple({"data": {}, **json.loads(line)} for line in decisions(run))


def of_kind(events: Sequence[Happening], *kinds: str) -> list[Happening]:
    """The events of any of these kinds."""
    return [event for event in events if event["kind"] in kinds]


def by_subject(events: Sequence[Happening]) -> dict[str, list[Happening]]:
    """The events of each subject."""
    found: dict[str, list[Happening]] = defaultdict(list)
    for event in events:
        found[event["subject"]["id"]].append(event)
    return found


def judged(lines: Iterable[bytes]) -> list[Finding]:
    """What the detectors say of these lines, whatever runs they belong to."""
    with Timeline.in_memory(lines, read_by(())) as log:
        return log.detect().findings


def found(lines: Iterable[bytes]) -> list[Finding]:
    """The findings with verdict `found`."""
    return [finding for finding in judged(lines) if finding.verdict == "found"]


def renamed(lines: Iterable[bytes], run_id: str) -> list[bytes]:
    """The same events as another run, so that variants of a log fit into one database."""
    name = b'"run_id":' + json.dumps(run_id).encode()
    told = [_RUN_ID.subn(name.replace(b"\\", rb"\\"), line, count=1) for line in lines]
    assert all(count for _, count in told)
    return [line for line, _ in told]


def decisions(run: Run) -> list[bytes]:
    """The lines of a run without its recording."""
    return [line for line in run.lines if b'"kind":"recording.' not in line]
