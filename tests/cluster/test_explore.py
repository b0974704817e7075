"""The explorer finds what a seed leads to, says how to get there again, and keeps it small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.seed import Expected, Origin, ReplaySeed, Setting, Tape, read_seed
from reference_cluster.bugs import bug_named
from reference_cluster.scenario import load, names
from reference_cluster.sim.fault_table import ACTS
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.kernel import EPOCH_US
from reference_cluster.sweeps.explore import again, both_orders, stretches, try_stretch
from reference_cluster.sweeps.shrinking import BYTES_MAX, needed, shortest
from reference_cluster.sweeps.strategies import STRATEGIES, ground_of, plan_of
from reference_cluster.sweeps.trials import Quest, attempt, failures_of, healed_us, trial_of
from timeline.cli import app
from timeline.findings import Finding, Severity, Subject
from timeline.replays import replay

MINUTE_US = 60_000_000
BLIP = {"name": "renew_blip", "target": "leader", "at_us": MINUTE_US, "for_us": 18_000_000}


def trial(switches: dict[str, bool], *faults: dict[str, object], length_us: int = 6 * MINUTE_US) -> ReplaySeed:
    """A run of the scenario of renewal blips under these faults alone."""
    scenario = load("renew_blips").model_copy(update={"length": length_us})
    setting = Setting(name=scenario.name, document=scenario.document(), switches=switches)
    tape = Tape(random_seed=1, faults=list(faults))
    return ReplaySeed(
        fidelity="exact", replayer="reference_cluster", origin=Origin(run_id="run"), scenario=setting, tape=tape, expected=Expected()
    )


# ---- strategies


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_plan_is_drawn_by_the_seed_and_over_when_the_safety_phase_is(strategy: str):
    """The same seed gives the same plan; no fault begins or lasts past the phase; different seeds give different plans."""
    ground = ground_of("demo")
    plans = [plan_of(strategy, ground, seed) for seed in range(20)]
    assert plans == [plan_of(strategy, ground, seed) for seed in range(20)]
    assert len({json.dumps([fault.model_dump() for fault in plan]) for plan in plans}) > 15
    for fault in (fault for plan in plans for fault in plan):
        assert 0 <= fault.at_us < ground.safety_us
        assert fault.name in ACTS or fault.for_us is not None
        assert fault.at_us + (fault.for_us or 0) <= ground.safety_us


def test_pct_puts_all_processes_but_one_behind_and_changes_that_twice():
    """At every moment at most one process is not slowed, and no two are slowed by as much."""
    ground = ground_of("demo")
    slow = [fault for fault in plan_of("pct", ground, 3) if fault.name == "slow"]
    for at_us in range(0, ground.safety_us, 7_000_000):
        now = [fault for fault in slow if fault.at_us <= at_us < fault.at_us + (fault.for_us or 0)]
        by_us = {fault.target: fault.params["by_us"] for fault in now}
        assert len(now) == len(by_us) >= len(ground.instances) - 1
        assert len(set(by_us.values())) == len(by_us)


def test_bounded_holds_up_single_answers():
    """Each delay strikes once, an actor that there is."""
    ground = ground_of("demo")
    held = [fault for seed in range(10) for fault in plan_of("bounded", ground, seed) if fault.name == "held_up"]
    assert held
    assert all(fault.times == 1 and fault.target in ground.actors for fault in held)


def test_the_menu_is_what_the_scenarios_of_the_same_system_plan():
    """Edits of the store are about the rows of their own scenario, and no other system's faults are in it."""
    names = {plan.name for plan in ground_of("demo").menu}
    assert {"renew_blip", "spawn_fails", "rollout"} <= names
    assert "set" not in names


# ---- what a run is held to


def test_what_only_the_bug_brings_is_a_failure():
    """A blip under which the elector gives up for good; the clean twin is silent under the same blip."""
    outcome = attempt([trial({"elector_runs_once": True}, BLIP)], heal_us=MINUTE_US)
    assert {(failure.detector, failure.reason) for failure in outcome.failures} == {
        ("election/lost_without_recontend", "only with the bug")
    }
    assert not attempt([trial({}, BLIP)], heal_us=MINUTE_US).failures


def finding(since_us: int, until_us: int | None, severity: Severity = "warning") -> Finding:
    """A finding between two moments of the run."""
    return Finding(
        finding_id="0",
        run_id="run",
        detector="family/leak",
        severity=severity,
        verdict="found",
        subject=Subject(kind="worker", id="w-1"),
        since=EPOCH_US + since_us,
        until=None if until_us is None else EPOCH_US + until_us,
        evidence=[],
        says="it leaks",
        cost=None,
        data={},
    )


@pytest.mark.parametrize(
    ("found", "heal_us", "twin", "reasons"),
    [
        (finding(MINUTE_US, 2 * MINUTE_US), MINUTE_US, None, []),
        (finding(MINUTE_US, None), MINUTE_US, None, ["not healed"]),
        (finding(3 * MINUTE_US, 4 * MINUTE_US), MINUTE_US, None, ["not healed"]),
        (finding(MINUTE_US, None), 5 * MINUTE_US, None, []),
        (finding(MINUTE_US, 2 * MINUTE_US, "invariant"), MINUTE_US, None, ["invariant"]),
        (finding(MINUTE_US, 2 * MINUTE_US), MINUTE_US, set(), ["only with the bug"]),
        (finding(MINUTE_US, 2 * MINUTE_US), MINUTE_US, {"family/leak"}, []),
    ],
    ids=["healed", "still_open", "begins_healed", "no_time_to_heal", "invariant", "not_in_the_twin", "in_the_twin_too"],
)
def test_what_faults_excuse_must_heal(found: Finding, heal_us: int, twin: set[str] | None, reasons: list[str]):
    """The blip is over a minute and 18 seconds into a run of six minutes."""
    assert [failure.reason for failure in failures_of(trial({}, BLIP), [found], heal_us, twin)] == reasons


def test_a_trial_heals_before_it_ends():
    """The run is longer than its scenario by the time to heal, and no fault is left then."""
    quest = Quest("demo", "pct", ("elector_runs_once",), heal_us=MINUTE_US)
    made = trial_of(quest, 5)
    length_us = load("demo").length
    assert made.scenario.document["length"] == length_us + MINUTE_US
    assert healed_us(made) <= length_us
    assert made.scenario.switches == {"elector_runs_once": True}
    assert [Fault.model_validate(fault) for fault in made.tape.faults] == plan_of("pct", ground_of("demo"), 5)


def test_seeds_are_cut_into_stretches_without_a_hole():
    """Every seed once, from the first asked for."""
    quest = Quest("demo", "random", (), MINUTE_US)
    assert [seed for stretch in stretches(quest, 7, 45) for seed in stretch.seeds] == list(range(7, 52))


def test_a_pair_counts_as_seen_in_both_orders_once():
    """One order alone does not count."""
    assert list(both_orders({("a", "b"), ("b", "a"), ("b", "c")})) == [("a", "b")]


# ---- shrinking


def test_only_what_is_needed_is_left():
    """Of ten items two are needed together; each round asks about all candidates at once."""
    rounds: list[int] = []

    def which_show(some: list[list[int]]) -> list[bool]:
        rounds.append(len(some))
        return [{3, 7} <= set(kept) for kept in some]

    assert needed(list(range(10)), which_show) == [3, 7]
    assert rounds == [10, 1, 2]


def test_of_two_causes_that_would_each_do_one_is_left():
    """Either can go alone, both together cannot: the first goes."""
    assert needed(["a", "b"], lambda some: [bool(kept) for kept in some]) == ["b"]


@pytest.mark.parametrize("shows_from", [1, 9, 61, 239, 240, 999])
def test_the_shortest_length_is_found_in_few_rounds(shows_from: int):
    """In whole seconds; where no shorter one shows it, the length stays."""
    rounds: list[list[int]] = []

    def which_show(some: list[int]) -> list[bool]:
        rounds.append(some)
        return [us >= shows_from * 1_000_000 for us in some]

    assert shortest(0, 240_000_000, which_show) == min(shows_from, 240) * 1_000_000
    assert len(rounds) <= 4


# ---- the whole command


def test_explore_shrinks_what_it_finds_and_runs_it_first_the_next_time(tmp_path: Path):
    """The failing seed is named with its command and kept small; kept, it replays exactly; mended, it is said to be."""
    arguments = ["cluster", "explore", "renew_blips", "--from", "5", "--seeds", "1", "--bug", "DG-01", "--heal", "1m", "--workers", "1"]
    corpus = tmp_path / "corpus"
    first = CliRunner().invoke(app, [*arguments, "--corpus", str(corpus), "--json"])
    answer = json.loads(first.stdout)
    assert first.exit_code == 1
    failure = next(failure for failure in answer["failures"] if failure["detector"] == "election/lost_without_recontend")
    assert failure["again"].endswith("--strategy random --heal 1m --bug elector_runs_once")
    kept = Path(answer["stored"]["election/lost_without_recontend"])
    assert kept.stat().st_size <= BYTES_MAX
    seed = read_seed(kept)
    report = replay(seed)
    assert report.equal
    assert report.shows(seed.expected.findings)
    assert len(seed.tape.faults) == 1

    second = CliRunner().invoke(
        app, ["cluster", "explore", "renew_blips", "--seeds", "1", "--workers", "1", "--corpus", str(corpus), "--json"]
    )
    assert {(one["seed"], one["still_fails"]) for one in json.loads(second.stdout)["corpus"]} >= {(str(kept), True)}


# ---- what it is for

GENERAL = [name for name in names() if name.endswith("_general")]


@pytest.mark.parametrize("bug", ["DG-01", "DG-05", "OZ-02", "RP-01", "RP-02", "WR-02", "WR-16"])
def test_the_explorer_needs_no_scenario_that_is_about_the_bug(bug: str):
    """Within 2,000 seeds of the general scenario of its family; most are found within five."""
    planted = bug_named(bug)
    (scenario,) = (name for name in GENERAL if load(name).system == load(planted.scenario).system)
    quest = Quest(scenario, "random", (planted.name,), heal_us=4 * MINUTE_US)
    outcomes = (try_stretch(stretch) for stretch in stretches(quest, 1, 2_000, each=5))
    assert any(failure.detector in planted.detectors for outcome in outcomes for failure in outcome.failures)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("scenario", GENERAL)
def test_a_cluster_without_bugs_heals_from_whatever_the_explorer_does_to_it(scenario: str, strategy: str, seeds: range):
    """No program fails, no invariant breaks, and once the faults are over nothing is wrong for long."""
    quest = Quest(scenario, strategy, (), heal_us=4 * MINUTE_US)
    failures = [failure for stretch in stretches(quest, seeds.start, len(seeds)) for failure in try_stretch(stretch).failures]
    assert [f"{again(quest, failure)}: {failure.says}" for failure in failures] == []
