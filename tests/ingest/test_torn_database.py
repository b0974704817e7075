"""A database or its log of changes that a crash or a disk has damaged: refused unchanged or opened shorter, and restored by an ingest."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ingest.database import DatabaseDamaged, Limits, open_for_write
from ingest.errors import DatabaseBusy, DatabaseUnusable, StorageFailed
from ingest.recover import recover
from tests.ingest.harm import crashed, holds_everything_once, ingested, small_log
from tests.ingest.lines import rows, write

ONE = Limits(threads=1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return small_log(tmp_path)


@pytest.fixture
def wal(database: Path, log: Path) -> Path:
    """The log of changes that a crash left beside an empty database."""
    return crashed(database, log)


def wal_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a database, but for the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".duckdb", ".wal")}


def tries(kills: int | None) -> int:
    """How many places are harmed: two hundred in the long target, as the matrix says."""
    return 200 if kills is None else 5


@pytest.mark.fault("E6")
def test_a_log_of_changes_cut_anywhere_opens_shorter_and_agrees_with_the_ledger(
    wal: Path, database: Path, log: Path, tmp_path: Path, kills: int | None
) -> None:
    """What is lost of it is lost with its place in the ledger, so that the next ingest restores it."""
    chance, whole, empty = random.Random(6), wal.read_bytes(), database.read_bytes()
    for _ in range(tries(kills)):
        place = chance.randrange(len(whole))
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        (tmp_path / "cut").mkdir()
        torn = tmp_path / "cut" / database.name
        torn.write_bytes(empty)
        wal_of(torn).write_bytes(whole[:place])
        with open_for_write(torn, ONE) as opened:
            (ledger,) = rows(
                opened.connection,
                "SELECT coalesce(sum(events), 0) AS said, (SELECT count(*) FROM event) AS n FROM ingest_file",
            )
            assert ledger["said"] == ledger["n"], f"cut at {place}"
        ingested(torn, log)
        assert holds_everything_once(torn), f"cut at {place}"


@pytest.mark.fault("E7")
def test_a_log_of_changes_damaged_anywhere_is_refused_unchanged_or_of_no_effect(
    wal: Path, database: Path, log: Path, tmp_path: Path, kills: int | None
) -> None:
    """A byte turned over, the end zeroed; after `db recover` the next ingest restores all of it."""
    chance, whole, empty = random.Random(7), wal.read_bytes(), database.read_bytes()
    refused = 0
    for number in range(tries(kills)):
        place = chance.randrange(len(whole))
        end = bytes([whole[place] ^ 0xFF]) + whole[place + 1 :] if number % 2 else bytes(len(whole) - place)
        shutil.rmtree(tmp_path / "torn", ignore_errors=True)
        (tmp_path / "torn").mkdir()
        torn = tmp_path / "torn" / database.name
        torn.write_bytes(empty)
        wal_of(torn).write_bytes(whole[:place] + end)
        before = contents(torn.parent)
        try:
            open_for_write(torn, ONE).close()
        except DatabaseDamaged:
            refused += 1
            assert contents(torn.parent) == before, f"damaged at {place}"
            recover(torn)
        ingested(torn, log)
        assert holds_everything_once(torn), f"damaged at {place}"
    assert refused >= tries(kills) // 2


@pytest.mark.fault("E8")
def test_a_database_damaged_anywhere_is_refused_or_gives_the_right_answer(
    database: Path, log: Path, tmp_path: Path, kills: int | None
) -> None:
    """Bytes turned over, cut short: exit 5 and not one byte is changed, or the harm is where nothing is; never a wrong answer."""
    ingested(database, log)
    whole, chance, harmed = database.read_bytes(), random.Random(8), tmp_path / "harmed" / "timeline.duckdb"
    harmed.parent.mkdir()
    for number in range(tries(kills)):
        place = chance.randrange(len(whole))
        cut = whole[: (0, 4096, len(whole) // 2)[number // 5 % 3]]
        content = cut if number % 5 == 0 else whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        harmed.write_bytes(content)
        try:
            told = recover(harmed)
        except DatabaseUnusable:
            assert harmed.read_bytes() == content
            continue
        if told.found == "whole":
            assert holds_everything_once(harmed), f"damaged at {place}"
        else:
            assert Path(told.aside[0]).read_bytes() == content
            ingested(harmed, log)
            assert holds_everything_once(harmed), f"damaged at {place}"
            Path(told.aside[0]).unlink()


@pytest.mark.fault("E8", "E10")
def test_a_file_of_another_program_is_refused_unchanged(database: Path, tmp_path: Path) -> None:
    """An SQLite file, for which DuckDB would like to load an extension; a folder; Parquet; an archive."""
    with closing(sqlite3.connect(tmp_path / "sqlite")) as other:
        other.execute("CREATE TABLE event (event_id TEXT)")
        other.commit()
    duckdb.execute(f"COPY (SELECT 1 AS event_id) TO '{tmp_path}/parquet' (FORMAT parquet)")
    for name in ("sqlite", "parquet"):
        content = (tmp_path / name).read_bytes()
        database.write_bytes(content)
        with pytest.raises(DatabaseUnusable, match="nothing was changed"):
            open_for_write(database)
        assert database.read_bytes() == content
        database.unlink()
    database.mkdir()
    with pytest.raises((DatabaseUnusable, StorageFailed)):
        open_for_write(database)


@pytest.mark.fault("E9")
def test_garbage_in_place_of_a_log_of_changes_never_gets_into_the_database(database: Path, log: Path) -> None:
    """Garbage is passed over. (One of another database of ours, put there by hand under this name, DuckDB takes for this one's.)"""
    ingested(database, log)
    for content in (b"garbage" * 1000, b"\0" * 5000, b"not much", b""):
        wal_of(database).write_bytes(content)
        try:
            open_for_write(database, ONE).close()
        except DatabaseUnusable:
            assert wal_of(database).read_bytes() == content
            recover(database)
        assert holds_everything_once(database)


@pytest.mark.fault("E3")
def test_whoever_holds_the_lock_counts_and_not_the_file(database: Path, log: Path, tmp_path: Path) -> None:
    """A lock file that is left over is no obstacle, whatever is in it; one that leads elsewhere is refused."""
    lock = database.with_name(f"{database.name}.lock")
    lock.write_text("4194304")
    ingested(database, log)
    lock.chmod(0o444)
    ingested(database, log)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    lock.unlink()
    lock.symlink_to(elsewhere)
    with pytest.raises(StorageFailed):
        open_for_write(database)
    assert elsewhere.read_text() == "precious"
    lock.unlink()
    with open_for_write(database), pytest.raises(DatabaseBusy):
        open_for_write(database, lock_timeout_seconds=0.0)
    assert holds_everything_once(database)


@pytest.mark.fault("E11")
def test_opening_and_closing_again_and_again_does_not_make_a_database_grow(database: Path, tmp_path: Path, kills: int | None) -> None:
    """With an event each time: it reaches its size at once and keeps it. Three hundred times in the long target."""
    line, sizes = small_log(tmp_path).read_bytes().split(b"\n")[0], []
    for number in range(300 if kills is None else 10):
        ingested(database, write(tmp_path / f"{number}.jsonl", line.replace(b'"run-1"', b'"run-%d"' % number)))
        sizes.append(database.stat().st_size)
    assert sizes[-1] <= 1.2 * sizes[4]
