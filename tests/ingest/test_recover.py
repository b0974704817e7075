"""A database after a crash: opened as far as it can be, the old files kept byte for byte, and a second ingest restores the rest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ingest.database import DatabaseDamaged, open_for_read, open_for_write
from ingest.errors import DatabaseBusy, DatabaseUnusable, StorageFailed
from ingest.load import load
from ingest.recover import recover
from tests.ingest.lines import lines, rows

CRASH = """
import os, sys
from pathlib import Path
from ingest.database import open_for_write
from ingest.load import load
opened = open_for_write(Path(sys.argv[1]))
load(opened, sys.argv[2:])
os._exit(9)
"""


class Crashed(NamedTuple):
    """A database with 20 events in it and 40 more in the log of changes that a crash left behind."""

    database: Path
    wal: Path
    logs: list[Path]

    def aside(self, end: str) -> Path:
        return self.database.with_name(f"timeline.aside-1.duckdb{end}")

    def is_restored(self) -> bool:
        """Whether ingesting the same logs again gives every event once."""
        with open_for_write(self.database) as opened:
            load(opened, self.logs)
            return rows(opened.connection, "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM event") == [{"n": 60, "ids": 60}]


@pytest.fixture
def crashed(database: Path, tmp_path: Path, root: Path) -> Crashed:
    logs = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    logs[0].write_bytes(lines(20))
    logs[1].write_bytes(lines(60))
    with open_for_write(database) as opened:
        load(opened, logs[:1])
    crash = subprocess.run([sys.executable, "-c", CRASH, str(database), *map(str, logs)], cwd=root, check=False)
    assert crash.returncode == 9
    return Crashed(database, database.with_name(database.name + ".wal"), logs)


def flipped(content: bytes) -> bytes:
    """With one byte in the middle turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, which says who had it last."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def cut(content: bytes) -> bytes:
    """As if a page never came to disk."""
    return content[: len(content) // 2]


def test_a_log_of_changes_that_a_crash_left_is_merged(crashed: Crashed) -> None:
    """Everything that was committed is there, in one file again, and a copy of the log is kept."""
    content = crashed.wal.read_bytes()
    told = recover(crashed.database)
    assert (told.found, told.events, told.again, told.aside) == ("merged", 60, [], [str(crashed.aside(".wal"))])
    assert crashed.aside(".wal").read_bytes() == content
    assert not crashed.wal.exists()
    assert recover(crashed.database).found == "whole"
    assert crashed.is_restored()


@pytest.mark.parametrize(("harm", "found"), [(flipped, "log_unreadable"), (cut, "merged")])
def test_a_torn_log_of_changes_is_kept_and_the_database_opens(harm: Callable[[bytes], bytes], found: str, crashed: Crashed) -> None:
    """Its last checkpoint is there, and the torn log is kept as it was."""
    torn = harm(crashed.wal.read_bytes())
    crashed.wal.write_bytes(torn)
    told = recover(crashed.database)
    assert (told.found, told.events) == (found, 20)
    assert told.may_lack
    assert crashed.aside(".wal").read_bytes() == torn
    assert not crashed.wal.exists()
    assert crashed.is_restored()


def test_files_that_were_read_in_part_are_named(crashed: Crashed) -> None:
    """The ledger went back with the events, so it knows which file has more than what is here."""
    with crashed.logs[0].open("ab") as file:
        file.write(lines(60)[len(lines(20)) :])
    crashed.wal.write_bytes(flipped(crashed.wal.read_bytes()))
    (again,) = recover(crashed.database).again
    assert (again.path, again.read_bytes, again.size_bytes) == (str(crashed.logs[0]), len(lines(20)), len(lines(60)))
    crashed.logs[0].unlink()
    assert recover(crashed.database).again == []


@pytest.mark.parametrize("keep", [0, 4096, 0.5])
def test_a_damaged_database_is_kept_and_a_new_one_made(keep: float, crashed: Crashed) -> None:
    """Empty, or cut: the old pair is kept under a name of its own, and the logs fill the new one."""
    content, log = crashed.database.read_bytes(), crashed.wal.read_bytes()
    damaged = content[: int(keep if keep > 1 else keep * len(content))]
    crashed.database.write_bytes(damaged)
    told = recover(crashed.database)
    assert (told.found, told.events) == ("damaged", 0)
    assert told.aside == [str(crashed.aside("")), str(crashed.aside(".wal"))]
    assert (crashed.aside("").read_bytes(), crashed.aside(".wal").read_bytes()) == (damaged, log)
    assert crashed.is_restored()


def test_a_log_of_changes_without_its_database_is_never_taken_for_that_of_a_new_one(crashed: Crashed) -> None:
    """Opening refuses it; recovering moves it aside."""
    crashed.database.unlink()
    with pytest.raises(DatabaseDamaged, match="timeline db recover"):
        open_for_write(crashed.database)
    assert recover(crashed.database).found == "log_alone"
    assert crashed.aside(".wal").exists()
    assert crashed.is_restored()


def test_a_damaged_block_anywhere_is_found(crashed: Crashed) -> None:
    """Opening reads the beginning only; recovering reads all of it, and the ledger of what can still be read is told."""
    recover(crashed.database)
    content = bytearray(crashed.database.read_bytes())
    found = set()
    for place in range(0, len(content), len(content) // 8):
        harmed = bytes(content[: place + 13_000]) + b"\xaa" * 64 + bytes(content[place + 13_064 :])
        crashed.database.write_bytes(harmed)
        told = recover(crashed.database)
        found.add(told.found)
        if told.found == "whole":
            assert told.events == 60
        else:
            assert {again.path for again in told.again} <= {str(path) for path in crashed.logs}
            Path(told.aside[0]).unlink()
    assert "damaged" in found


@pytest.mark.parametrize("content", [b"these are notes\n" * 1000, None], ids=["text", "another version"])
def test_what_is_not_ours_is_refused_unchanged(content: bytes | None, crashed: Crashed) -> None:
    """Exit 5, and neither the file nor its log was touched, nor is a copy left behind."""
    if content is not None:
        crashed.wal.unlink()
        crashed.database.write_bytes(content)
    else:
        recover(crashed.database)
        crashed.aside(".wal").unlink()
        with open_for_write(crashed.database) as opened:
            opened.connection.execute("UPDATE made_by SET schema_fingerprint = 'older'")
    before = content_of(crashed.database.parent)
    with pytest.raises(DatabaseUnusable):
        recover(crashed.database)
    assert content_of(crashed.database.parent) == before


def test_no_database_is_an_error_and_one_in_use_is_left_alone(database: Path, tmp_path: Path) -> None:
    """Exit 5 where there is none; exit 4 while somebody has it."""
    with pytest.raises(DatabaseUnusable, match="no such database"):
        recover(database)
    with open_for_write(database), pytest.raises(DatabaseBusy):
        recover(database, lock_timeout_seconds=0.0)
    with open_for_read(database):
        pass
    assert recover(database).found == "whole"
    (tmp_path / "taken.duckdb").mkdir()
    with pytest.raises(StorageFailed):
        recover(tmp_path / "taken.duckdb")
