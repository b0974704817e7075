"""An empty database in memory with its models, quickly: for replays, shrinking and tests, which judge one small log after another."""

from __future__ import annotations

import functools
from pathlib import Path

from ingest.database import Database, Limits, new_file
from ingest.in_memory import copied, kept_until_exit
from timeline.refresh import refresh


def blank(asked: frozenset[str] | None = None) -> Database:
    """An empty database that lives in this process only; with `asked` it has those models only, and what they are made from."""
    return copied(_template(asked), Limits(threads=1))


@functools.cache
def _template(asked: frozenset[str] | None) -> Path:
    path = kept_until_exit() / f"blank-{_template.cache_info().currsize}.duckdb"
    with new_file(path) as connection:
        refresh(connection, asked)
    return path
