"""Everything that the models say about a log, to hold two of them against each other."""

from __future__ import annotations

from typing import Any

import duckdb

from tests.story import rows
from timeline.catalog import MODELS

MODEL_NAMES = sorted(path.stem for path in MODELS.glob("*.sql"))


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Every row of every model; events by their id, because numbers follow the order of loading."""
    found: dict[str, list[Any]] = {name: rows(connection, f'FROM "{name}" ORDER BY ALL') for name in MODEL_NAMES if name != "event_time"}
    timed = "SELECT t.run_id, event_id, at_us, position FROM event_time AS t JOIN event USING (event_no) ORDER BY ALL"
    return {**found, "event_time": rows(connection, timed)}
