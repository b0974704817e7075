"""kill -9 at any system call that writes, of an ingest or of mending or migrating a database; then the same command: every event once."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.database import open_for_read
from ingest.errors import DatabaseUnusable
from ingest.migrate import migrate
from ingest.recover import recover
from tests.ingest.harm import Point, crashed, harmed, holds_everything_once, ingested, need, points, run, small_log, start
from tests.ingest.lines import lines
from tests.ingest.older import kept_by_migration, make_older

pytestmark = pytest.mark.tools
BEFORE = {"new": 0.4, "existing": 0.2, "crashed": 0.15, "torn": 0.15, "older": 0.1}
"""What is there when the program begins, and its share of the kills: it makes a database, fills one, mends one, or migrates one."""
VERBS = {"crashed": "recover", "torn": "recover", "older": "migrate"}
"""What is done to it, if not an ingest."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return small_log(tmp_path)


def prepared(folder: Path, before: str, log: Path) -> Path:
    """A database in that state, for copying."""
    database = folder / f"{before}.duckdb"
    if before == "existing":
        half = folder / "half.jsonl"
        half.write_bytes(lines(30))
        ingested(database, half)
    elif before == "older":
        ingested(database, log)
        make_older(database)
    elif before in ("crashed", "torn"):
        wal = crashed(database, log)
        content = wal.read_bytes()
        middle = len(content) // 2
        wal.write_bytes(content if before == "crashed" else content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    return database


def copies(original: Path) -> Iterator[Path]:
    """Copies of a database, without end, each gone when the next is asked for."""
    number = 0
    while True:
        number += 1
        folder = original.parent / str(number)
        folder.mkdir()
        for path in original.parent.glob(f"{original.name}*"):
            if path.suffix in (".duckdb", ".wal"):
                shutil.copy(path, folder)
        yield folder / original.name
        shutil.rmtree(folder)


def chosen(every: list[Point], kills: int | None, share: float) -> list[Point]:
    """A share of so many points, evenly spread from the first to the last; every one where there is no limit."""
    wanted = len(every) if kills is None else min(len(every), round(kills * share))
    return [every[place * (len(every) - 1) // (wanted - 1)] for place in range(wanted)]


@pytest.mark.fault("A1", "A2")
@pytest.mark.parametrize("before", BEFORE)
def test_every_event_is_there_once_after_a_kill_at_any_call_that_writes(before: str, tmp_path: Path, log: Path, kills: int | None) -> None:
    """Each kill leaves nothing that the same command does not heal; after mending, an ingest of the log restores the rest."""
    need("strace")
    verb = VERBS.get(before, "ingest")
    places = copies(prepared(tmp_path, before, log))
    every = points(verb, next(places), log)
    swept = chosen(every, kills, BEFORE[before])
    spare = [point for point in every if point not in swept]
    killed = 0
    for wanted in (swept, spare):  # a helper thread may take over a call, so that a point is not reached: take another
        for point in wanted[: len(swept) - killed]:
            database = next(places)
            killed += harmed(verb, database, log, point=point, harm="signal=SIGKILL").returncode != 0
            if verb == "recover":
                recover(database)
            if verb == "migrate":
                assert is_old_or_new(database), f"after a kill at {point.call} number {point.nth}"
                migrate(database)
            ingested(database, log)
            assert holds_everything_once(database), f"{before}: after a kill at {point.call} number {point.nth}"
    print(f"{before}: killed at {killed} of {len(every)} points")
    assert killed >= len(swept) * 9 // 10, f"only {killed} of {len(swept)} runs were killed"


def is_old_or_new(database: Path) -> bool:
    """Whether it is the old database, byte for byte, or one of this version with the old one beside it."""
    try:
        open_for_read(database).close()
        old = kept_by_migration(database)
    except DatabaseUnusable:
        old = database
    return old.read_bytes() == (database.parents[1] / database.name).read_bytes()


@pytest.mark.fault("A4")
def test_every_event_is_there_once_after_kills_at_any_time(tmp_path: Path, log: Path, kills: int | None) -> None:
    """One database, killed again and again at seeded moments of its making and filling."""
    chance, database = random.Random(4), tmp_path / "timeline.duckdb"
    for _ in range(200 if kills is None else 3):
        with start("ingest", database, log) as process:
            try:
                process.wait(timeout=chance.uniform(0.0, 1.0))
            except subprocess.TimeoutExpired:
                process.kill()
        if chance.random() < 0.2:
            assert run("ingest", database, log).returncode == 0
            assert holds_everything_once(database)
            database.unlink()
    ingested(database, log)
    assert holds_everything_once(database)
