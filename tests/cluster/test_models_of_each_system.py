"""The models of every family are a function of the log: not of the order of its lines, its batches, or anybody's wall clock."""

from __future__ import annotations

import random

import pytest

from ingest.events import Event
from reference_cluster import scenario
from tests.cluster.runs import decisions, run_of
from tests.model_rows import contents
from tests.story import database, load
from timeline.blank import blank
from timeline.refresh import refresh

SCENARIOS = {scenario.load(name).system: name for name in scenario.names() if name.endswith("_general") or name == "crash_and_pause"}


def events_of(name: str) -> list[Event]:
    return [Event.model_validate_json(line) for line in decisions(run_of(name, 2))]


@pytest.mark.parametrize("name", SCENARIOS.values(), ids=SCENARIOS)
def test_the_order_and_the_batches_of_the_lines_do_not_matter(name: str) -> None:
    """A shuffled log in three batches, refreshed after each, gives the models of the whole log loaded at once."""
    events = events_of(name)
    whole = contents(database(events))
    shuffled = random.Random(1).sample(events, len(events))
    with blank() as log:
        for batch in range(3):
            load(log, shuffled[batch::3])
            refresh(log.connection)
        assert contents(log.connection) == whole


def test_every_system_has_a_scenario_here() -> None:
    """A new family is held to the same."""
    assert set(SCENARIOS) == set(scenario.systems())
