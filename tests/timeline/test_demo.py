"""The demonstration: the whole loop, told in order, with every file that it promises."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from ingest.errors import UsageError
from ingest.seed import Replayed, read_seed
from reference_cluster.demo import BUGS
from timeline import demo
from timeline.alerting import alerts
from timeline.alerting.yaml import document
from timeline.findings import Report
from timeline.replays import replay

Told = tuple[Path, list[str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The folder that the demonstration left, and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    said: list[str] = []
    demo.tell(demo.find_demo(), folder, said.append)
    return folder, said


def test_the_story_goes_from_the_leak_to_its_fix(told: Told):
    """What leaked, the evidence, the same run again, each bug's part in it, the clean twin: in this order, the figures in it."""
    _, said = told
    story = "\n".join(said)
    for line in (
        r"WHAT LEAKED: \d+ findings of 5 of \d+ detectors",
        r"since 00:03:01, still: nobody held the lease janitor for 4m55s",
        r"wasted so far: [\d,]+ vCPU-seconds",
        r"THE EVIDENCE of [0-9a-f]{12}, election/leaderless_fleet",
        r"lease\.lost  holder=cp-1-\w+ term=3",
        r"5 of 5 exported seeds replay to the same events, byte for byte",
        r"shrunk: election/leaderless_fleet still shows with 3 of 5 faults, 2 of 4 bugs, \d+m\S* of 8m",
        r"without elector_runs_once: the finding is gone; the first decision that differs:",
        r"lease\.attempted",
        r"without no_fallback_reaper: the finding is gone",
        r"THE FIXED TWIN, under the same faults: 0 findings",
        r"OPEN NEXT",
    ):
        found = re.search(line, story)
        assert found, f"{line}\n{story}"
        story = story[found.end() :]


def test_it_leaves_what_it_promises(told: Told):
    folder, said = told
    left = {path.name for path in folder.iterdir()}
    assert left >= {"events.jsonl", "fixed.jsonl", "timeline.duckdb", "findings.json", "rules.yml", "rules_test.yml", "timeline.png"}
    assert (folder / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert {f"{name}.seed.json" for name in ("leaderless_fleet", "lost_without_recontend", "stale_hot_idle", "spawn_slot_leak")} <= left
    named = [word.rstrip(":") for line in said[said.index("OPEN NEXT") :] for word in line.split() if word.startswith(str(folder))]
    assert [name for name in named if not Path(name).exists()] == []


def test_every_finding_in_its_file_is_one_and_its_seed_replays_exactly(told: Told):
    folder, _ = told
    report = Report.model_validate(json.loads((folder / "findings.json").read_text()))
    assert {finding.verdict for finding in report.findings} == {"found"}
    seed = read_seed(folder / "stale_hot_idle.seed.json")
    again = replay(seed)
    assert (again.fidelity, again.equal, again.shows(seed.expected.findings)) == ("exact", True, True)


@pytest.mark.parametrize("bug", BUGS)
def test_every_planted_bug_has_its_part_in_what_leaks(told: Told, bug: str):
    """With any one of them fixed the same run leaks less."""
    folder, _ = told
    before = {(one.detector, one.subject.id) for one in Report.model_validate(json.loads((folder / "findings.json").read_text())).findings}
    after = {(one.detector, one.subject.id) for one in replay(read_seed(folder / "leaderless_fleet.seed.json"), {bug: False}).findings}
    assert before - after


class Quiet:
    """A system that decides nothing."""

    title = "Nobody decides anything."
    planted = "Nothing is wrong with it."
    headline = "election/leaderless_fleet"

    def record(self, *, is_fixed: bool) -> Replayed:
        event = {
            "event_id": f"a/b:{int(is_fixed)}", "run_id": "quiet", "time": "2026-01-01T00:00:00Z", "actor": "a/b", "kind": "thing.done",
            "subject": {"kind": "thing", "id": "t"},
        }  # fmt: skip  # one event
        return Replayed(lines=[json.dumps(event).encode()], digest="", trail=[])


def test_without_the_extra_the_picture_is_left_out_and_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    missing = {"altair", "vl_convert"}
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in missing else find(name, *rest))
    said: list[str] = []
    demo.tell(Quiet(), tmp_path, said.append)
    assert any("timeline.png was left out: it needs the extra notebooks" in line for line in said)
    assert not (tmp_path / "timeline.png").exists()


def test_a_log_that_has_no_lanes_leaves_the_picture_out_and_says_why(tmp_path: Path):
    said: list[str] = []
    demo.tell(Quiet(), tmp_path, said.append)
    assert any("timeline.png was left out: the log has nothing that a model has intervals of" in line for line in said)


def test_a_machine_without_a_demonstration_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo, "GROUP", "timeline.nothing")
    with pytest.raises(UsageError, match="entry point"):
        demo.find_demo()


def test_the_rules_it_leaves_are_those_of_the_detectors(told: Told):
    assert (told[0] / "rules.yml").read_text() == document(alerts.rules())
