"""Databases to look at: the demonstration's leaking cluster, and the same cluster with hostile names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ingest.database import open_for_write
from ingest.load import load
from reference_cluster.demo import DEMO
from timeline.api import Timeline


def load_into(path: Path, lines: Iterable[bytes]) -> Path:
    """A database at `path` that holds these event lines, models fresh."""
    events = path.with_suffix(".jsonl")
    events.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
    database = open_for_write(path)
    try:
        load(database, [events]).check(is_strict=True)
    finally:
        database.close()
    Timeline.open(path).close()
    return path


@pytest.fixture(scope="session")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the demonstration's leaking cluster."""
    return load_into(tmp_path_factory.mktemp("leaking") / "leaking.duckdb", DEMO.record(is_fixed=False).lines)
