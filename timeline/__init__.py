"""Decision timelines: what a control plane decided, what it had seen, what leaked, and how to make it happen again.

    import timeline

    with timeline.open("timeline.duckdb") as log:
        print(log.detect().findings)

The command line and the notebooks use nothing else than the object that `open` gives.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timeline.api import Timeline

__all__ = ["Timeline", "open"]


def open(path: str | Path = "timeline.duckdb") -> Timeline:
    """Open the database at `path` for analysis. Raises DatabaseBusy, DatabaseUnusable, UsageError."""
    from timeline.api import Timeline

    return Timeline.open(Path(path))


def __getattr__(name: str) -> Any:
    """`timeline.Timeline`, loaded when it is asked for, so that importing a part stays light."""
    if name == "Timeline":
        from timeline.api import Timeline

        return Timeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
