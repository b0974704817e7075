"""An empty database in memory with its models, quickly: for replays, shrinking and tests, which judge one small log after another."""

from __future__ import annotations

import functools
from pathlib import Path

from ingest.database import Database, Limits, new_file
from ingest.in_memory import copied, kept_until_exit
from timeline.refresh import refresh


def blank() -> Database:
    """An empty database that lives in this process only."""
    return copied(_template(), Limits(threads=1))


@functools.cache
def _template() -> Path:
    path = kept_until_exit() / "blank.duckdb"
    with new_file(path) as connection:
        refresh(connection)
    return path
