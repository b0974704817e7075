"""Databases that this process itself holds for writing: who reads one here is given a view of it that is read-only.

`timeline.open` asks here first, so that a notebook is the same inside `timeline serve` and outside of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.database import Database

_views: dict[Path, Callable[[], Database]] = {}


def publish(path: Path, view: Callable[[], Database]) -> None:
    """From now on `view` gives the database at `path`, read-only, whenever it is asked."""
    _views[path.resolve()] = view


def withdraw(path: Path) -> None:
    """This process does not hold it any more."""
    del _views[path.resolve()]


def view_of(path: Path) -> Database | None:
    """The view of a database that this process holds; None where it holds none of that path."""
    view = _views.get(path.resolve())
    return view() if view else None
