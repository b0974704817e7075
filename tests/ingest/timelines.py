"""A log of another system as a timeline in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.load import Report, load
from timeline.api import Timeline
from timeline.blank import blank
from timeline.refresh import refresh


def timeline_of(*sources: Path, **options: Any) -> tuple[Report, Timeline]:
    """What was counted, and the timeline with its models. The timeline is to be closed."""
    database = blank()
    report = load(database, sources, **options)
    refresh(database.connection)
    return report, Timeline(database)


def told(timeline: Timeline, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Those columns of all events, in the order of the timeline."""
    return timeline.sql(f"SELECT {', '.join(columns)} FROM event JOIN event_time USING (event_no) ORDER BY event.run_id, position").rows()
