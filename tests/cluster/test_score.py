"""Scores say of each detector what the truth files say of each run, and nothing more."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from reference_cluster.bugs import bug_named
from reference_cluster.sweeps.judging import Batch, Judged, Judgement, batches, chosen, judge
from reference_cluster.sweeps.score import score
from reference_cluster.sweeps.score_page import document, headline, page
from tests.cluster.runs import BUGS
from timeline.cli import app

BUG = bug_named("cap_counted_without_lock")
(DETECTOR,) = BUG.detectors
OTHER = "warm_pool/orphan_owner"


def judgement(bug: str | None, *runs: tuple[str, bool, set[str]], scenario: str = BUG.scenario, delay_us: int | None = None) -> Judgement:
    """A batch of runs, each with its name, whether the bug did harm, and who found something; both detectors judged for a second."""
    batch = Batch(scenario, bug, range(1, len(runs) + 1))
    judged = [Judged(batch, run_id, harmed, frozenset(found)) for run_id, harmed, found in runs]
    return Judgement(judged, 1_000, dict.fromkeys((DETECTOR, OTHER), 1.0), {} if delay_us is None else {DETECTOR: delay_us})


def test_harm_that_is_found_harm_that_is_not_and_a_false_alarm_are_told_apart():
    """Two of three runs with harm found is a recall of 2/3; one silent twin accused makes the precision 2/3."""
    planted = judgement(BUG.name, ("a", True, {DETECTOR}), ("b", True, {DETECTOR, OTHER}), ("c", True, set()), ("d", False, set()))
    scores = score([BUG], [planted, judgement(None, ("twin", False, {DETECTOR}), ("calm", False, set()))])
    own = scores.detectors[DETECTOR]
    assert (own.true_positives, own.misses, own.false_alarms) == (2, ["c"], ["twin"])
    assert (own.precision, own.recall) == (2 / 3, 2 / 3)
    assert (scores.bugs[BUG.name].harmed, scores.bugs[BUG.name].caught, scores.survivors) == (3, 2, [BUG.name])
    assert not scores.is_perfect


def test_what_another_detector_finds_beside_real_harm_counts_neither_way():
    """It is listed with the bug, and its own precision is not touched."""
    scores = score([BUG], [judgement(BUG.name, ("a", True, {DETECTOR, OTHER}))])
    assert scores.bugs[BUG.name].also == {OTHER}
    assert (scores.detectors[OTHER].precision, scores.detectors[OTHER].recall) == (None, None)
    assert scores.is_perfect


def test_a_bug_that_never_does_harm_survives():
    """Nothing is proven of it, so the mutation score does not count it as caught."""
    assert score([BUG], [judgement(BUG.name, ("a", False, set()))]).survivors == [BUG.name]


def test_healthy_runs_and_clean_twins_are_counted_apart():
    """A healthy scenario has `healthy` in its name."""
    scores = score([], [judgement(None, ("a", False, set())), judgement(None, ("b", False, set()), scenario="gang_healthy")])
    assert (scores.twins, scores.healthy, scores.events) == (1, 1, 2_000)


def test_every_bug_and_every_scenario_of_every_system_is_run():
    """Bugs and twins with the seeds asked for, healthy scenarios with as many as were asked for them."""
    bugs, scenarios = chosen(None, [])
    work = batches(bugs, scenarios, seeds=2, healthy=60)
    assert {batch.bug for batch in work} == {None, *(bug.name for bug in BUGS)}
    assert [len(batch.seeds) for batch in work if batch.scenario == "healthy"] == [25, 25, 10]
    assert {len(batch.seeds) for batch in work if batch.bug} == {2}


def test_a_planted_bug_is_judged_against_its_own_truth():
    """The bug does harm on both seeds, its detector finds it, and can prove it seconds later."""
    planted = judge(Batch(BUG.scenario, BUG.name, range(1, 3), is_timed=True))
    assert [(run.harmed, DETECTOR in run.found) for run in planted.runs] == [(True, True)] * 2
    assert 0 <= planted.delays_us[DETECTOR] <= 5_000_000
    assert DETECTOR in planted.seconds


def test_the_page_and_the_document_say_the_same():
    """Figures, the sentence on top, and every run that speaks against a detector."""
    scores = score([BUG], [judgement(BUG.name, ("a", True, {DETECTOR}), ("b", True, set()), delay_us=1_240_000)])
    written = page(scores)
    assert headline(scores) in written
    assert f"| `{DETECTOR}` | 1 | 1 | 0 | 1.000 | 0.500 | 1.2s |" in written
    assert f"- `{DETECTOR}` missed: b" in written
    assert document(scores)["detectors"][DETECTOR]["recall"] == 0.5


def test_score_runs_from_the_command_line():
    """One JSON document about the bug that was asked for and its clean twin; a perfect score ends with 0."""
    result = CliRunner().invoke(app, ["cluster", "score", "--bug", "DG-23", "--seeds", "1", "--workers", "1", "--json"])
    answer = json.loads(result.stdout)
    assert (list(answer["bugs"]), answer["runs"]) == ([BUG.name], {"planted": 1, "twins": 1, "healthy": 0})
    assert (answer["mutation"]["survivors"], result.exit_code) == ([], 0)
