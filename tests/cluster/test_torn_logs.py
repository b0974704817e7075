"""What reaches us of a log must not change what is true: cut, shuffled, doubled, or stamped by a wrong clock."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from reference_cluster.bugs import Bug
from tests.cluster.runs import BUGS, decisions, judged, renamed, run_of
from timeline.findings import Finding

CUTS = 24
Judgements = dict[str, list[Finding]]
"""What is found in each variant of a bug's logs. One database judges them all, which costs a tenth of one for each."""


@pytest.fixture(scope="module", params=BUGS, ids=lambda bug: bug.name)
def judgements(request: pytest.FixtureRequest) -> Judgements:
    """The log of the first seed whole and cut, of the second in order and shuffled, of the third with each clock right and wrong."""
    bug: Bug = request.param
    told: Judgements = defaultdict(list)
    for finding in judged(line for run_id, lines in _variants(bug) for line in renamed(lines, run_id)):
        told[finding.run_id].append(finding)
    return told


def _variants(bug: Bug) -> Iterator[tuple[str, list[bytes]]]:
    """Name and lines of each variant."""
    whole, ordered, timely = (decisions(run_of(bug.scenario, seed, bug)) for seed in (1, 2, 3))
    chance = random.Random(bug.name)
    yield "whole", whole
    for cut in sorted(chance.sample(range(1, len(whole)), CUTS)):
        yield f"head-{cut}", whole[:cut]
        yield f"tail-{cut}", whole[cut:]
    shuffled = ordered + chance.sample(ordered, len(ordered) // 10)
    chance.shuffle(shuffled)
    yield "ordered", ordered
    yield "shuffled", shuffled
    yield "timely", timely
    actors = sorted({json.loads(line)["actor"] for line in timely})
    for number, actor in enumerate(actors):
        yield f"skewed {actor}", _shifted(timely, actor, 1 if number % 2 else -1)


def test_a_log_cut_at_any_line_accuses_nobody_whom_the_whole_log_does_not(judgements: Judgements) -> None:
    """Missing its end or its beginning, a log may say less, never more."""
    whole = {_what(finding) for finding in judgements["whole"] if finding.verdict == "found"}
    torn = [finding for run_id, told in judgements.items() if run_id.startswith(("head-", "tail-")) for finding in told]
    assert torn
    assert [(one.run_id, one.says) for one in torn if one.verdict == "found" and _what(one) not in whole] == []


def test_the_order_of_lines_changes_no_finding(judgements: Judgements) -> None:
    """Shuffled and partly delivered twice, the log gives the same findings, to the letter."""
    assert _bare(judgements["shuffled"]) == _bare(judgements["ordered"])


def test_a_clock_that_is_a_day_off_changes_no_finding(judgements: Judgements) -> None:
    """Each actor's clock in turn is a day ahead or behind: only the finding about that clock itself is new."""
    skewed = {run_id.removeprefix("skewed "): told for run_id, told in judgements.items() if run_id.startswith("skewed ")}
    assert skewed
    for actor, told in skewed.items():
        assert _bare(told, "control_loop/clock_skew") == _bare(judgements["timely"], "control_loop/clock_skew")
        assert actor in {finding.subject.id for finding in told if finding.detector == "control_loop/clock_skew"}


def _shifted(lines: list[bytes], actor: str, days: int) -> list[bytes]:
    """The log with one actor's wall clock off by days."""
    shifted = []
    for line in lines:
        event = json.loads(line)
        if event["actor"] == actor:
            moved = datetime.fromisoformat(event["time"]) + timedelta(days=days)
            event["time"] = moved.isoformat().replace("+00:00", "Z")
            shifted.append(json.dumps(event).encode())
        else:
            shifted.append(line)
    return shifted


def _what(finding: Finding) -> tuple[str, str, str]:
    return (finding.detector, finding.subject.kind, finding.subject.id)


def _bare(findings: list[Finding], but: str = "") -> list[dict[str, object]]:
    """Findings without what names the run, and without those of one detector."""
    return [finding.model_dump(exclude={"run_id", "finding_id"}) for finding in findings if finding.detector != but]
