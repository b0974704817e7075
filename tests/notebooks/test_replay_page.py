"""The page that replays: again, otherwise, and what became of every finding. What it says is what a replay gives."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import SeedInvalid, UsageError
from ingest.seed import Choices, Replayed, ReplaySeed
from reference_cluster.demo import BUGS
from tests.house import ROOT
from timeline.api import Timeline
from timeline.pages import replay_view
from timeline.pages.bounded_replay import run_bounded
from timeline.pages.opening import Given, Opening
from timeline.pages.replay_view import Begin, Comparison, Source
from timeline.replays import choices_of, replay, run_seed


@pytest.fixture(scope="module")
def seed(leaking: Path) -> ReplaySeed:
    """The seed of the demonstration's worker that memory takes for parked."""
    with Timeline.open(leaking) as log:
        (finding,) = (one for one in log.detect().findings if one.detector == "warm_pool/memory_store_divergence")
        return log.export_finding(finding.finding_id)


def in_process(seed: ReplaySeed, switches: Any, policy: Any) -> Replayed:
    return run_seed(seed, switches, policy)


@pytest.fixture(scope="module")
def without_the_bug(seed: ReplaySeed) -> Comparison:
    return replay_view.compare(seed, {"park_write_swallowed": False}, {}, in_process)


def test_a_switch_turned_off_makes_its_finding_go_away(seed: ReplaySeed, without_the_bug: Comparison):
    """The page, a replay and the detectors agree: gone with the bug, the others stay."""
    report = replay(seed, {"park_write_swallowed": False})
    assert not report.shows(seed.expected.findings)
    assert without_the_bug.after == report.findings
    rows = replay_view.fate_rows(seed, without_the_bug)
    assert [row[0] for row in rows].count("gone, expected") == 1
    assert rows[0][:3] == ("gone, expected", seed.expected.findings[0].subject, "warm_pool/memory_store_divergence")
    fates = [row[0].partition(",")[0] for row in rows]
    assert fates.count("gone") + fates.count("stays") == len(without_the_bug.before) == 12
    assert fates.count("stays") + fates.count("new") == len(without_the_bug.after)


def test_the_object_is_drawn_as_it_was_in_both_runs_on_one_axis(seed: ReplaySeed, without_the_bug: Comparison):
    """The worker that memory took for parked: in the recording it is marked by a finding, in the replay it is parked in its row too."""
    before, after = without_the_bug.lanes
    assert before is not None
    assert after is not None
    assert (before.start_us, before.end_us) == (after.start_us, after.end_us)
    worker = seed.expected.findings[0].subject.partition("/")[2]
    states = [set(lanes.stretches.filter(panel="worker", id=worker)["state"]) for lanes in (before, after)]
    assert "hot_idle" not in states[0]
    assert "hot_idle" in states[1]


def test_the_answer_has_the_numbers_and_names_the_first_decision_that_differs(seed: ReplaySeed, without_the_bug: Comparison):
    answer = replay_view.answer(seed, without_the_bug)
    assert answer.startswith("With park_write_swallowed=off: 2 findings gone, the one that the seed expects among them, 10 stay, 1 new.")
    assert "number 386 of cp-3/pool" in answer
    lines = replay_view.divergence_lines(without_the_bug)
    assert "worker.memory_moved" in lines[-2]
    assert "worker.commit_failed" in lines[-1]
    assert lines[-2].startswith("- ")
    assert lines[-1].startswith("+ ")


def test_run_again_as_it_was_nothing_differs(seed: ReplaySeed):
    same = replay_view.compare(seed, {}, {}, in_process)
    assert same.is_faithful
    assert same.divergence is None
    assert "byte for byte the recorded one: 12 findings. Every finding that the seed expects is there." in replay_view.answer(seed, same)


def test_policy_is_a_change_too(seed: ReplaySeed):
    """Workers that may sit parked for an hour are not stale after a minute."""
    longer = replay_view.compare(seed, {}, {"hot_idle_ttl_us": "1h"}, in_process)
    assert "warm_pool/stale_hot_idle" in {one.detector for one in longer.before}
    assert "warm_pool/stale_hot_idle" not in {one.detector for one in longer.after}
    assert replay_view.command_line(Source(finding="ab"), "x.duckdb", longer)[-1] == (
        "timeline replay ab.seed.json --policy hot_idle_ttl_us=1h"
    )


def test_the_replayer_tells_what_can_be_changed(seed: ReplaySeed):
    """Every bug of the seed's system, and every policy value as the seed runs it."""
    choices = choices_of(seed)
    assert set(BUGS) < set(choices.switches)
    assert choices.policy["hot_idle_ttl_us"] == "1m"
    assert "gang" not in " ".join(choices.switches)
    assert replay_view.switches_of(seed, choices, [*BUGS[1:], "drain_unbounded"]) == {BUGS[0]: False, "drain_unbounded": True}


# ---- bounds


def test_a_replay_that_takes_too_long_is_ended(seed: ReplaySeed):
    endless = seed.model_copy(
        update={"scenario": seed.scenario.model_copy(update={"document": {**seed.scenario.document, "length": 10**15}})}
    )
    with pytest.raises(SeedInvalid, match="has not ended after"):
        run_bounded(endless.sealed(), seconds=0.2)


def test_in_a_process_of_its_own_a_replay_gives_the_same(seed: ReplaySeed):
    assert run_bounded(seed).digest == seed.expected.digest


def test_what_cannot_be_run_is_said_in_a_sentence(seed: ReplaySeed):
    for on, policy, said in [
        ([*BUGS, "no_such_bug"], [], "no_such_bug"),
        (list(BUGS), ["cap"], "NAME=VALUE"),
        (list(BUGS), ["cap=x"], "cap"),
    ]:
        comparison, failure = replay_view.attempt(seed, Choices({}, {}), on, policy, in_process)
        assert comparison is None
        assert said in failure


# ---- what can be picked


def test_an_address_names_a_finding_or_a_seed_beside_the_database_and_opens_no_other_file(leaking: Path, seed: ReplaySeed, tmp_path: Path):
    (tmp_path / "one.seed.json").write_text(seed.to_text())
    with Timeline.open(leaking) as log:
        there = replay_view.sources(Opening(["demo"], there=log), Given(str(tmp_path / "x.duckdb")))
        labels = list(there)
        assert replay_view.begin(there, str(there[labels[3]].finding)[:8], None) == Begin(labels[3], "")
        named = replay_view.begin(there, None, "one.seed.json")
        assert replay_view.seed_of(there[named.label], log) == seed
        other = replay_view.begin(there, None, "../../etc/passwd")
        assert other == Begin(labels[0], "What the address names is not here: there is no seed file ../../etc/passwd beside the database.")


def test_a_seed_that_is_handed_in_is_read_and_a_broken_one_is_refused(seed: ReplaySeed):
    source = replay_view.handed_in("../evil.seed.json", seed.to_text().encode())
    assert source is not None
    assert source.file == Path("evil.seed.json")
    assert replay_view.prepared(source, None)[0] == seed
    broken = replay_view.handed_in("x.json", b"\xff{")
    assert broken is not None
    assert "reading the replay seed x.json" in replay_view.prepared(broken, None)[2]
    assert replay_view.handed_in(None, None) is None


def test_flags_of_a_script_are_put_together_again(seed: ReplaySeed):
    """marimo reads `--switch a=off` as the flag `switch a` with the value `off`."""
    assert replay_view.flags({"db": "x", "switch a": "off", "switch b": "on", "switches": "c"}, "switch") == ["a=off", "b=on"]
    assert replay_view.turned([f"{BUGS[0]}=off", "b=on"], seed) == [*BUGS[1:], "b"]
    with pytest.raises(UsageError, match="NAME=on or NAME=off"):
        replay_view.turned(["a=maybe"], seed)


# ---- the page


def test_as_a_script_it_replays_and_prints_the_answer(leaking: Path, seed: ReplaySeed, without_the_bug: Comparison):
    page = str(ROOT / "notebooks" / "replay_a_seed.py")
    command = [sys.executable, page, "--db", str(leaking), "--finding", str(seed.origin.finding), "--switch", "park_write_swallowed=off"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == replay_view.answer(seed, without_the_bug)


def test_the_page_shows_both_runs_and_the_commands(leaking: Path, seed: ReplaySeed):
    page = importlib.import_module("notebooks.replay_a_seed")
    given = Given(str(leaking), {"finding": seed.origin.finding}, {"switch park_write_swallowed": "off"})
    outputs, _ = page.app.run(defs={"given": given})
    shown = "\n".join(getattr(output, "text", str(output)) for output in outputs if output is not None)
    assert shown.index("2 findings gone") < shown.index("What became of every finding") < shown.index("only in this replay")
    assert f"timeline replay {seed.origin.finding}.seed.json --switch park_write_swallowed=off" in shown


def test_a_run_that_nobody_recorded_cannot_be_replayed_and_what_is_missing_is_said(seed: ReplaySeed):
    lines = [line for line in run_seed(seed, {}, {}).lines if b'"recording.' not in line]
    with Timeline.in_memory(lines) as log:
        (run,) = log.runs()["run_id"].to_list()
        _, choices, problem = replay_view.prepared(Source(run=run), log)
    assert "nothing says how that run was made" in problem
    assert choices == Choices({}, {})
