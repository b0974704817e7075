"""An empty database in memory, quickly: for whoever has one small log after another.

Nearly a thousand statements make an empty database, and they take longer than a small log does to load. They are run once in the
life of a process, into a file; each database after that is a copy of it.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from pathlib import Path

import duckdb

from ingest.database import Database, Limits, new_file, prepare


def open_in_memory(limits: Limits | None = None) -> Database:
    """An empty database that lives in this process only, without models."""
    return copied(_empty(), limits or Limits())


def copied(path: Path, limits: Limits) -> Database:
    """A copy in memory of a database file that nobody writes."""
    place = str(path).replace("'", "''")
    connection = duckdb.connect(config=limits.config() | {"enable_external_access": "true"})
    connection.execute(f"ATTACH '{place}' AS original (READ_ONLY)")
    connection.execute("COPY FROM DATABASE original TO memory")
    connection.execute("DETACH original")
    connection.execute("SET enable_external_access = false")
    prepare(connection)
    return Database(connection, None, None, is_writable=True)


@functools.cache
def kept_until_exit() -> Path:
    """A folder that is gone when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="decision-timeline-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def _empty() -> Path:
    path = kept_until_exit() / "empty.duckdb"
    with new_file(path):
        return path
