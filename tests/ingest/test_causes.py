"""Causes that make no sense: events are kept, and nothing runs in a circle."""

from __future__ import annotations

import pytest

from tests.ingest.lines import line
from timeline.api import Timeline

CAUSES = {
    "itself": lambda number: [f"cp-1-7f3a/pool:{number}"],
    "a circle": lambda number: [f"cp-1-7f3a/pool:{number % 50 + 1}"],
    "never seen": lambda number: [f"cp-9/pool:{number}"],
    "a long chain": lambda number: [f"cp-1-7f3a/pool:{number - 1}"],
}


@pytest.mark.fault("D6")
@pytest.mark.parametrize("kind", CAUSES)
def test_causes_that_lead_nowhere_or_back_stop_nothing(kind: str) -> None:
    """Every event has its place in the order, and the detectors come to an end."""
    count = 2000 if kind == "a long chain" else 50
    told = (line(number, caused_by=CAUSES[kind](number)) + b"\n" for number in range(1, count + 1))
    with Timeline.in_memory(told) as log:
        (placed,) = log.sql("SELECT count(DISTINCT position) AS n FROM event_time").rows()
        assert placed == (count,)
        log.detect()
