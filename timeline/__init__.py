"""Decision timelines: what a control plane decided, what it had seen, what leaked, and how to make it happen again.

    import timeline

    with timeline.open("timeline.duckdb") as log:
        print(log.detect().findings)

The command line and the notebooks use nothing else than the object that `open` gives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timeline.api import Timeline

__all__ = ["Timeline", "open"]


def open(path: str | Path = "timeline.duckdb", tell: Callable[[str], None] = lambda message: None) -> Timeline:
    """Open the database at `path` for analysis; `tell` hears how old what is read is, where it comes from a `timeline serve`.

    Raises DatabaseBusy, DatabaseUnusable, UsageError.
    """
    from timeline.api import Timeline

    return Timeline.open(Path(path), tell)


def __getattr__(name: str) -> Any:
    """`timeline.Timeline`, loaded when it is asked for, so that importing a part stays light."""
    if name == "Timeline":
        from timeline.api import Timeline

        return Timeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
