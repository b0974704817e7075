"""A picture of the lanes: of a run, or of what has to do with one object."""

from __future__ import annotations

from pathlib import Path

from ingest.errors import UsageError
from timeline.drawn.happened import lanes_about
from timeline.exports import Chosen

HELP = "A picture of the lanes of a run, or of what has to do with an object: .svg or .png."
METAVAR = "FILE"


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Draw what was chosen. Raises UsageError where the extra `notebooks` is not installed, or nothing can be drawn."""
    try:
        from timeline.pages.charts import picture, swim_lanes
    except ImportError as error:
        raise UsageError(f"drawing {path}: {error.name} is missing; pip install 'decision-timeline[notebooks]'") from None
    picture(swim_lanes(lanes_about(chosen.connection, chosen.run_id, chosen.found, chosen.subject)), path)
    return [path]
