"""The database file: one writer, made whole or not at all, closed with everything in it, and never taken for ours when it is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from ingest.database import Database, open_for_read, open_for_write
from ingest.errors import DatabaseBusy, DatabaseUnusable, StorageFailed
from ingest.load import load
from ingest.reading import CHUNKS_COMMITTED
from tests.ingest.lines import line, rows, write

HOLD = """
import sys
from pathlib import Path
from ingest.database import open_for_read, open_for_write
with {opened}(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(database: Path, opened: str, root: Path) -> Iterator[int]:
    """Another process has the database open; gives its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(opened=opened), str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.stdin.close()


def test_a_second_writer_waits_says_so_and_then_names_the_holder(database: Path, root: Path) -> None:
    """Two writers never share a database; who has it is named, and when it is given back the next one has it."""
    told: list[str] = []
    with held_by_another(database, "open_for_write", root) as pid:
        with pytest.raises(DatabaseBusy, match=f"process {pid} holds it"):
            open_for_write(database, lock_timeout_seconds=0.1, on_wait=told.append)
        with pytest.raises(DatabaseBusy, match=f"process {pid} holds it"):
            open_for_read(database)
    assert told == [f"waiting for process {pid}, which holds {database}"]
    open_for_write(database).close()


def test_readers_share_and_keep_a_writer_out(database: Path, root: Path) -> None:
    """Any number of readers at once; a writer waits for them."""
    open_for_write(database).close()
    with held_by_another(database, "open_for_read", root), open_for_read(database) as reader:
        assert rows(reader.connection, "SELECT count(*) AS n FROM event") == [{"n": 0}]
        with pytest.raises(DatabaseBusy):
            open_for_write(database, lock_timeout_seconds=0.0)


def test_an_analysis_cannot_reach_outside_or_unlock_itself(database: Path, tmp_path: Path) -> None:
    """SQL of a user is read-only, sees no file, loads no extension, and cannot change that."""
    open_for_write(database).close()
    with open_for_read(database) as reader:
        for attempt in (
            "SELECT * FROM read_csv('/etc/hostname')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.db'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "DELETE FROM event",
        ):
            with pytest.raises(duckdb.Error):
                reader.connection.execute(attempt)
        reader.connection.execute("CREATE TEMP TABLE scratch AS SELECT 1 AS x")


def test_nothing_is_left_beside_a_closed_database(database: Path, tmp_path: Path) -> None:
    """Closed means: all of it in one file, with only the lock beside it."""
    with open_for_write(database) as opened:
        load(opened, [write(tmp_path / "log.jsonl", line(1))])
    assert {path.name for path in tmp_path.iterdir()} == {"log.jsonl", database.name, f"{database.name}.lock"}


def test_what_a_killed_creation_left_behind_is_cleared_away(database: Path) -> None:
    """A half-made draft is never taken for a database and never in the way."""
    database.with_name(database.name + ".new").write_bytes(b"half")
    database.with_name(database.name + ".new.wal").write_bytes(b"half")
    open_for_write(database).close()
    assert not database.with_name(database.name + ".new").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all, " * 1000], ids=["empty", "text"])
def test_a_file_that_is_no_database_is_refused_unchanged(content: bytes, database: Path) -> None:
    """Exit 5, and not one byte of it was touched."""
    database.write_bytes(content)
    for opened in (open_for_write, open_for_read):
        with pytest.raises(DatabaseUnusable):
            opened(database)
    assert database.read_bytes() == content


def test_a_database_of_somebody_else_or_of_another_version_is_refused_unchanged(database: Path) -> None:
    """What we did not make we do not write into; another schema means loading the log again."""
    connection = duckdb.connect(str(database))
    connection.execute("CREATE TABLE theirs (x INTEGER)")
    connection.close()
    content = database.read_bytes()
    with pytest.raises(DatabaseUnusable, match="not one of ours"):
        open_for_write(database)
    assert database.read_bytes() == content
    database.unlink()
    with open_for_write(database) as opened:
        opened.connection.execute("UPDATE made_by SET schema_fingerprint = 'older'")
    content = database.read_bytes()
    with pytest.raises(DatabaseUnusable, match="timeline db migrate"):
        open_for_write(database)
    assert database.read_bytes() == content


def test_a_reader_of_a_missing_database_is_told_how_to_make_one(database: Path) -> None:
    """Reading makes no database."""
    with pytest.raises(DatabaseUnusable, match="timeline ingest"):
        open_for_read(database)
    assert not database.exists()


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    """Exit 6 names the path."""
    with pytest.raises(StorageFailed, match="nowhere"):
        open_for_write(tmp_path / "nowhere" / "timeline.duckdb")


def test_no_code_of_ours_opens_the_database_path_itself(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening and closing the path by any other means drops DuckDB's own lock, and a second writer gets in unseen."""
    watched: list[object] = []

    def watch(name: str, arguments: tuple[object, ...]) -> None:
        if name == "open" and WATCHED and str(arguments[0]) == str(database):
            watched.append(arguments)

    WATCHED.append(database)
    sys.addaudithook(watch)
    try:
        with open_for_write(database) as opened:
            load(opened, [write(tmp_path / "log.jsonl", line(1)), tmp_path])
        with open_for_read(database):
            pass
    finally:
        WATCHED.clear()
    assert not watched


WATCHED: list[Path] = []
"""An audit hook cannot be taken off again; an empty list makes it deaf."""


def test_an_interrupted_batch_leaves_nothing_of_itself(tmp_path: Path) -> None:
    """Events, rejected lines and offset are one transaction: an error in the middle takes back all of it."""
    path = write(tmp_path / "log.jsonl", *(line(number) for number in range(1, 100)), b"bad")

    class Stop(Exception):
        """Raised in the second transaction."""

    def stop_in_second(progress: object) -> None:
        seen.append(progress)
        if len(seen) == CHUNKS_COMMITTED + 3:
            raise Stop

    seen: list[object] = []
    with open_for_write(tmp_path / "db.duckdb") as opened:
        with pytest.raises(Stop):
            load(opened, [path], chunk_bytes=1000, on_progress=stop_in_second)
        assert_ledger_agrees(opened, path)
        report = load(opened, [path])
        assert (report.events + report.duplicates, report.quarantined) == (99, 1)
        assert 0 < report.duplicates < 99
        assert_ledger_agrees(opened, path)


def assert_ledger_agrees(opened: Database, path: Path) -> None:
    """The offset in the ledger is where the last loaded line ends."""
    (entry,) = rows(opened.connection, "FROM ingest_file")
    assert path.read_bytes()[: entry["offset_bytes"]].count(b"\n") == entry["lines"]
    assert rows(opened.connection, "SELECT count(*) AS n FROM event") == [{"n": entry["events"]}]


def test_engine_draws_no_bar_into_what_a_worker_process_prints(root: Path) -> None:
    """DuckDB takes a process whose main program has no file for a prompt, and draws one at the third second of a query."""
    asked = "from timeline.blank import blank\nwith blank() as log: print(log.connection.execute({!r}).fetchall())"
    command = [sys.executable, "-c", asked.format("SELECT current_setting('enable_progress_bar')")]
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout == "[(False,)]\n"
