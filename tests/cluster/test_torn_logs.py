"""What reaches us of a log must not change what is true: cut, shuffled, doubled, or stamped by a wrong clock."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta

import pytest

from reference_cluster.bugs import Bug
from tests.cluster.runs import BUGS, decisions, found, judged, renamed, run_of
from timeline.findings import Finding

CUTS = 24


def _what(finding: Finding) -> tuple[str, str, str]:
    return (finding.detector, finding.subject.kind, finding.subject.id)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_log_cut_at_any_line_accuses_nobody_whom_the_whole_log_does_not(bug: Bug) -> None:
    """Missing its end or its beginning, a log may say less, never more."""
    lines = decisions(run_of(bug.scenario, 1, bug))
    chance = random.Random(bug.name)
    cuts = sorted(chance.sample(range(1, len(lines)), CUTS))
    variants = [(f"head-{cut}", lines[:cut]) for cut in cuts] + [(f"tail-{cut}", lines[cut:]) for cut in cuts]
    whole = {_what(finding) for finding in found(lines)}
    torn = found(line for run_id, part in variants for line in renamed(part, run_id))
    assert [(finding.run_id, finding.says) for finding in torn if _what(finding) not in whole] == []


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_order_of_lines_changes_no_finding(bug: Bug) -> None:
    """Shuffled and partly delivered twice, the log gives the same findings, to the letter."""
    lines = decisions(run_of(bug.scenario, 2, bug))
    chance = random.Random(bug.name)
    shuffled = lines + chance.sample(lines, len(lines) // 10)
    chance.shuffle(shuffled)
    assert judged(shuffled) == judged(lines)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_clock_that_is_a_day_off_changes_no_finding(bug: Bug) -> None:
    """Each actor's clock in turn is a day ahead or behind: only the finding about that clock itself is new."""
    lines = decisions(run_of(bug.scenario, 3, bug))
    actors = sorted({json.loads(line)["actor"] for line in lines})
    skewed = judged(line for number, actor in enumerate(actors) for line in _shifted(lines, actor, 1 if number % 2 else -1))
    expected = _bare(judged(lines))
    for actor in actors:
        assert _bare([finding for finding in skewed if finding.run_id == actor]) == expected
        assert actor in {
            finding.subject.id for finding in skewed if finding.run_id == actor and finding.detector == "control_loop/clock_skew"
        }


def _shifted(lines: list[bytes], actor: str, days: int) -> list[bytes]:
    """The log with one actor's wall clock off by days, as a run named after the actor."""
    shifted = []
    for line in lines:
        event = json.loads(line)
        if event["actor"] == actor:
            moved = datetime.fromisoformat(event["time"]) + timedelta(days=days)
            event["time"] = moved.isoformat().replace("+00:00", "Z")
        shifted.append(json.dumps({**event, "run_id": actor}).encode() + b"\n")
    return shifted


def _bare(findings: list[Finding]) -> list[dict[str, object]]:
    """Findings without what names the run, and without those about clocks."""
    kept = [finding for finding in findings if finding.detector != "control_loop/clock_skew"]
    return [finding.model_dump(exclude={"run_id", "finding_id"}) for finding in kept]
