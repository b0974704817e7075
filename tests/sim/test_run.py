"""A run: the same seed gives the same bytes, whatever the process; another seed gives others; a plan can be laid over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.events import KINDS
from ingest.events.base import Event
from reference_cluster import scenario
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import Run, simulate

PROGRAM = """
import sys
from reference_cluster import scenario
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
simulate(Staged(scenario.load(sys.argv[1])), int(sys.argv[2]), journal=True, sink=sys.stdout.buffer.write)
"""


def run(name: str = "healthy", seed: int = 1, **more: object) -> Run:
    return simulate(Staged(scenario.load(name)), seed, **more)  # type: ignore[arg-type]  # keywords as the caller spelt them


@pytest.mark.parametrize("name", ["renew_blips", "crash_while_retiring"])
def test_the_same_seed_gives_the_same_bytes_in_any_process(name: str, tmp_path: Path, root: Path):
    outputs = []
    for number, zone in enumerate(["UTC", "Pacific/Kiritimati"]):
        folder = tmp_path / zone.replace("/", "-")
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": str(number + 1), "TZ": zone, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", PROGRAM, name, "5"]
        outputs.append(subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=120).stdout)
    here = b"".join(run(name, 5, journal=True).lines)
    assert len(here) > 10_000
    assert outputs == [here, here]


def test_another_seed_gives_another_interleaving():
    assert len({run(seed=seed).digest for seed in range(1, 6)}) == 5


def test_the_head_makes_the_run_again_and_the_last_line_says_what_to_expect():
    first = run("renew_blips", 3)
    head, ended = (json.loads(first.lines[number])["data"] for number in (0, -1))
    assert (head["random_seed"], head["scenario"]) == (3, Staged(scenario.load("renew_blips")).document)
    assert ended == {"digest": first.digest, "trail": first.trail, "events": first.events, "horizon_us": first.horizon_us}
    again = run("renew_blips", 3, faults=head["faults"], run_id="again")
    assert again.digest == first.digest
    assert again.run_id == "again"


def test_a_run_without_its_faults_is_another_run_and_a_clean_one():
    assert run("renew_blips", 3).truth
    assert run("renew_blips", 3, faults=[]).truth == []


def test_every_line_is_an_event_of_a_known_kind():
    lines = run(journal=True).lines
    parsed = [Event.model_validate_json(line) for line in lines]
    assert parsed[0].kind == "recording.started"
    assert {event.kind for event in parsed} <= set(KINDS)
    for event in parsed[1:-1]:
        KINDS[event.kind].model_validate_json(json.dumps(event.data))


def test_recording_effects_changes_no_decision():
    assert run(journal=True).digest == run().digest


def test_lines_may_go_to_a_sink_instead():
    written: list[bytes] = []
    assert run(sink=written.append).lines == []
    assert written == run().lines
