"""Databases that are served: who reads one that this process or another one writes is given a view of it that is read-only.

`timeline.open` asks here first, so that notebooks and commands are the same inside `timeline serve`, outside, and far from it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.database import Database
from timeline.remote import address_of, open_remote

_views: dict[Path, Callable[[], Database]] = {}


def publish(path: Path, view: Callable[[], Database]) -> None:
    """From now on `view` gives the database at `path`, read-only, whenever it is asked."""
    _views[path.resolve()] = view


def withdraw(path: Path) -> None:
    """This process does not hold it any more."""
    del _views[path.resolve()]


def is_there(path: Path) -> bool:
    """Whether there is a database to read, or somebody to be asked for one."""
    return address_of(path) is not None or path.exists()


def view_of(path: Path, tell: Callable[[str], None] = lambda message: None) -> Database | None:
    """The view of a database that is served, at an address or by this process; None where it is a file like any other.

    `tell` hears how old what comes from an address is. Raises UpstreamUnavailable, UsageError, StorageFailed, DatabaseUnusable.
    """
    if (address := address_of(path)) is not None:
        return open_remote(address, tell)
    view = _views.get(path.resolve())
    return view() if view else None
