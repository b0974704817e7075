"""What is told of a log of any family follows from the log: not from the order of its lines, its batches, threads, or a wall clock."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from ingest.events import Event
from reference_cluster import scenario
from reference_cluster.bugs import Bug
from tests.cluster.runs import BUGS, decisions, run_of
from tests.model_rows import contents
from tests.story import database, load
from timeline.blank import blank
from timeline.findings import Finding, detect
from timeline.refresh import refresh

SCENARIOS = {scenario.load(name).system: name for name in scenario.names() if name.endswith("_general") or name == "crash_and_pause"}
ONE_BUG_OF_EACH = {bug.subsystem: bug for bug in reversed(BUGS)}


def typed(name: str, bug: Bug | None = None) -> list[Event]:
    return [Event.model_validate_json(line) for line in decisions(run_of(name, 2, bug))]


def told(events: Iterable[Event], threads: int) -> tuple[dict[str, list[Any]], list[Finding]]:
    """Every row of the models, and every finding, to the letter."""
    with blank() as log:
        log.connection.execute("SET threads = $threads", {"threads": threads})
        load(log, events)
        refresh(log.connection)
        return contents(log.connection), detect(log.connection).findings


@pytest.mark.parametrize("name", SCENARIOS.values(), ids=SCENARIOS)
def test_the_order_and_the_batches_of_the_lines_do_not_matter(name: str) -> None:
    """A shuffled log in three batches, refreshed after each, gives the models of the whole log loaded at once."""
    events = typed(name)
    whole = contents(database(events))
    shuffled = random.Random(1).sample(events, len(events))
    with blank() as log:
        for batch in range(3):
            load(log, shuffled[batch::3])
            refresh(log.connection)
        assert contents(log.connection) == whole


@pytest.mark.parametrize("name", SCENARIOS.values(), ids=SCENARIOS)
def test_no_model_depends_on_the_order_of_lines_or_on_threads(name: str) -> None:
    """Events of one commit have one time: which of them a model names is settled by the run, not by who came first."""
    events = typed(name)
    as_written = told(events, threads=2)
    assert told(random.Random(1).sample(events, len(events)), threads=1) == as_written
    assert told(random.Random(2).sample(events, len(events)), threads=2) == as_written


@pytest.mark.parametrize("bug", ONE_BUG_OF_EACH.values(), ids=ONE_BUG_OF_EACH)
def test_no_finding_depends_on_the_order_of_lines_or_on_threads(bug: Bug) -> None:
    """Ids, evidence and sentences of the findings stay the same, and so do the models that they rest on."""
    events = typed(bug.scenario, bug)
    as_written = told(events, threads=2)
    assert as_written[1]
    assert told(random.Random(3).sample(events, len(events)), threads=1) == as_written
    assert told(random.Random(4).sample(events, len(events)), threads=2) == as_written


def test_every_system_has_a_scenario_here() -> None:
    """A new family is held to the same."""
    assert set(SCENARIOS) == set(scenario.systems())
    assert set(SCENARIOS) <= set(ONE_BUG_OF_EACH)
