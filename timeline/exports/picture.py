"""A picture of the lanes: of a run, or of what has to do with one object."""

from __future__ import annotations

from pathlib import Path

from ingest.errors import UsageError
from timeline.exports import Chosen
from timeline.happened import happened_to
from timeline.lanes import lanes_of

HELP = "A picture of the lanes of a run, or of what has to do with an object: .svg or .png."
METAVAR = "FILE"


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Draw what was chosen. Raises UsageError where the extra `notebooks` is not installed, or nothing can be drawn."""
    try:
        from timeline.charts import picture, swim_lanes
    except ImportError as error:
        raise UsageError(f"drawing {path}: {error.name} is missing; pip install 'decision-timeline[notebooks]'") from None
    if chosen.subject is None:
        lanes = lanes_of(chosen.connection, chosen.run_id, chosen.found)
    else:
        lanes = happened_to(chosen.connection, chosen.run_id, *chosen.subject, chosen.found).lanes
    picture(swim_lanes(lanes), path)
    return [path]
