"""The same seed, the same bytes: whatever the process, the hash seed, the time zone and the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference_cluster.scenario import names
from tests.cluster.runs import BUGS, run_of

ROOT = Path(__file__).parents[2]


def _simulated_elsewhere(folder: Path, scenario: str, bug: str, hash_seed: str, zone: str) -> bytes:
    folder.mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "timeline",
        "cluster",
        "simulate",
        scenario,
        "--seed",
        "5",
        "--bug",
        bug,
        "--journal",
        "-o",
        "events.jsonl",
    ]
    subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
    return (folder / "events.jsonl").read_bytes()


@pytest.mark.parametrize("scenario", ["rollout_while_leaderless", "burst_at_cap"])
def test_two_processes_with_other_surroundings_give_equal_bytes(tmp_path: Path, scenario: str) -> None:
    """Hash seed, time zone and working folder reach no decision and no line, the effect journal included."""
    bug = next(bug.name for bug in BUGS if bug.scenario == scenario)
    first = _simulated_elsewhere(tmp_path / "a", scenario, bug, "1", "Asia/Kathmandu")
    assert first == _simulated_elsewhere(tmp_path / "b", scenario, bug, "2", "America/St_Johns")
    assert first.count(b"\n") > 500


@pytest.mark.parametrize("name", names())
def test_every_scenario_gives_the_same_run_twice(name: str) -> None:
    """A run leaves nothing behind that the next one could see."""
    assert run_of(name, 11) == run_of(name, 11)


def test_another_seed_gives_another_interleaving() -> None:
    """Ten seeds of one scenario are ten different runs."""
    assert len({run_of("healthy", seed).digest for seed in range(10)}) == 10
