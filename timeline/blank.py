"""An empty database in memory, models and all, quickly: for replays, shrinking and tests, which judge one small log after another.

Nine hundred statements make an empty database, and they take longer than a small log does to load and judge. They are
run once in the life of a process, into a file; each database after that is a copy of it.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from pathlib import Path

import duckdb

from ingest.database import Database, Limits, new_file, prepare
from timeline.refresh import refresh


def blank() -> Database:
    """An empty database that lives in this process only."""
    connection = duckdb.connect(config=Limits(threads=1).config() | {"enable_external_access": "true"})
    connection.execute(f"ATTACH '{_template()}' AS blank (READ_ONLY)")
    connection.execute("COPY FROM DATABASE blank TO memory")
    connection.execute("DETACH blank")
    connection.execute("SET enable_external_access = false")
    prepare(connection)
    return Database(connection, None, None, is_writable=True)


@functools.cache
def _template() -> str:
    """Path of the file that is copied, as a text of SQL; it is gone when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="decision-timeline-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "blank.duckdb"
    with new_file(path) as connection:
        refresh(connection)
    return str(path).replace("'", "''")
