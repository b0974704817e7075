"""Every planted bug is found where it did harm, its clean twin is silent, and so is a healthy cluster.

A few seeds of each here; `make sweep` runs the same tests with twenty, and a thousand of each healthy scenario.
"""

from __future__ import annotations

import pytest

from reference_cluster.bugs import Bug
from reference_cluster.scenario import names
from reference_cluster.sweeps.judging import HEALTHY
from tests.cluster.runs import BUGS, found, run_of

AT_ONCE = 250
"""Healthy runs that share a database."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_found_on_every_seed_where_it_did_harm(bug: Bug, seeds: range) -> None:
    """The truth file says where the switch did harm; each detector of the bug finds it there, and it does harm somewhere."""
    runs = [run_of(bug.scenario, seed, bug) for seed in seeds]
    harmed = {run.run_id for run in runs if any(row["kind"] == "bug" for row in run.truth)}
    findings = found(line for run in runs for line in run.lines)
    assert harmed
    for detector in bug.detectors:
        assert harmed - {finding.run_id for finding in findings if finding.detector == detector} == set()


@pytest.mark.parametrize("name", [name for name in names() if HEALTHY not in name])
def test_clean_twin_is_silent(name: str, seeds: range) -> None:
    """With every bug off, the same scenario and the same faults give no finding."""
    findings = found(line for seed in seeds for line in run_of(name, seed).lines)
    assert [(finding.run_id, finding.detector, finding.says) for finding in findings] == []


@pytest.mark.parametrize("name", [name for name in names() if HEALTHY in name])
def test_healthy_cluster_is_silent(name: str, healthy_seeds: range) -> None:
    """Restarts, short blips and what else is ordinary leak nothing, and nothing is called a leak."""
    for first in healthy_seeds[::AT_ONCE]:
        some = range(first, min(first + AT_ONCE, healthy_seeds.stop))
        findings = found(line for seed in some for line in run_of(name, seed).lines)
        assert [(finding.run_id, finding.detector, finding.says) for finding in findings] == []
