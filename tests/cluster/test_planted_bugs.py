"""Every planted bug is found where it did harm, its clean twin is silent, and so is a healthy cluster.

A few seeds of each here; `make sweep` runs the same tests with twenty, and a thousand of each healthy scenario.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain

import pytest

from reference_cluster.bugs import Bug
from reference_cluster.scenario import names
from reference_cluster.sweeps.judging import HEALTHY
from tests.cluster.runs import BUGS, found, run_of
from timeline.findings import Finding

AT_ONCE = 250
"""Healthy runs that share a database."""


@dataclass(frozen=True)
class Judged:
    """What is found in the runs of one scenario: with each of its bugs, and as the clean twin."""

    harmed: dict[Bug, set[str]]
    """Bug to the runs in which, as the truth file says, it did harm."""
    accused: dict[str, set[str]]
    """Detector to the runs in which it found something."""
    twins: list[Finding]
    """What is found where every bug is off."""


@pytest.fixture(scope="module", params=[name for name in names() if HEALTHY not in name])
def judged(request: pytest.FixtureRequest, seeds: range) -> Judged:
    """All runs of a scenario, judged in one database."""
    bugs = [bug for bug in BUGS if bug.scenario == request.param]
    harmful = {bug: [run_of(request.param, seed, bug) for seed in seeds] for bug in bugs}
    clean = [run_of(request.param, seed) for seed in seeds]
    findings = found(line for run in chain(*harmful.values(), clean) for line in run.lines)
    accused: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        accused[finding.detector].add(finding.run_id)
    twins = {run.run_id for run in clean}
    return Judged(
        harmed={bug: {run.run_id for run in runs if any(row["kind"] == "bug" for row in run.truth)} for bug, runs in harmful.items()},
        accused=accused,
        twins=[finding for finding in findings if finding.run_id in twins],
    )


def test_planted_bug_is_found_on_every_seed_where_it_did_harm(judged: Judged) -> None:
    """The truth file says where the switch did harm; each detector of the bug finds it there, and it does harm somewhere."""
    for bug, harmed in judged.harmed.items():
        assert harmed, bug.name
        for detector in bug.detectors:
            assert harmed - judged.accused[detector] == set(), (bug.name, detector)


def test_clean_twin_is_silent(judged: Judged) -> None:
    """With every bug off, the same scenario and the same faults give no finding."""
    assert [(finding.run_id, finding.detector, finding.says) for finding in judged.twins] == []


@pytest.mark.parametrize("name", [name for name in names() if HEALTHY in name])
def test_healthy_cluster_is_silent(name: str, healthy_seeds: range) -> None:
    """Restarts, short blips and what else is ordinary leak nothing, and nothing is called a leak."""
    for first in healthy_seeds[::AT_ONCE]:
        some = range(first, min(first + AT_ONCE, healthy_seeds.stop))
        findings = found(line for seed in some for line in run_of(name, seed).lines)
        assert [(finding.run_id, finding.detector, finding.says) for finding in findings] == []
