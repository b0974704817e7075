"""Every planted bug is found where it did harm, its clean twin is silent, and so is a healthy cluster."""

from __future__ import annotations

import pytest

from reference_cluster.bugs import Bug
from reference_cluster.scenario import names
from tests.cluster.runs import BUGS, found, run_of

SEEDS = range(1, 21)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_found_on_every_seed_where_it_did_harm(bug: Bug) -> None:
    """The truth file says where the switch did harm; each detector of the bug finds it there, and it does harm somewhere."""
    runs = [run_of(bug.scenario, seed, bug) for seed in SEEDS]
    harmed = {run.run_id for run in runs if any(row["kind"] == "bug" for row in run.truth)}
    findings = found(line for run in runs for line in run.lines)
    assert harmed
    for detector in bug.detectors:
        assert harmed - {finding.run_id for finding in findings if finding.detector == detector} == set()


@pytest.mark.parametrize("name", [name for name in names() if name != "healthy"])
def test_clean_twin_is_silent(name: str) -> None:
    """With every bug off, the same scenario and the same faults give no finding."""
    findings = found(line for seed in SEEDS for line in run_of(name, seed).lines)
    assert [(finding.run_id, finding.detector, finding.says) for finding in findings] == []


@pytest.mark.parametrize("first", range(1, 1001, 250))
def test_healthy_cluster_is_silent_on_a_thousand_seeds(first: int) -> None:
    """Planned rollouts and short blips leak nothing, and nothing is called a leak."""
    findings = found(line for seed in range(first, first + 250) for line in run_of("healthy", seed).lines)
    assert [(finding.run_id, finding.detector, finding.says) for finding in findings] == []
