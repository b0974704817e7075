"""A database of another version: everything in it is there afterwards as it was, or it is refused and not one byte is changed."""

from __future__ import annotations

import resource
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import timeline
from ingest import schema
from ingest.database import DatabaseDamaged, open_for_read, open_for_write
from ingest.errors import DatabaseUnusable
from ingest.load import load
from ingest.maker import Maker
from ingest.migrate import migrate
from ingest.recover import recover
from tests.ingest.lines import line, rows, write
from tests.ingest.older import kept_by_migration, make_older
from tests.timeline.conftest import LOSE, NOISE, RUN
from tests.timeline.tiny_replayer import record
from timeline.cli import app
from timeline.refresh import model_tables


@pytest.fixture
def older(template: Path, database: Path) -> Path:
    """A small database of an older version."""
    shutil.copy(template, database)
    return database


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for copying: four parked workers."""
    folder = tmp_path_factory.mktemp("older")
    database = folder / "timeline.duckdb"
    with open_for_write(database) as opened:
        load(opened, [write(folder / "log.jsonl", *(line(number) for number in range(1, 5)))])
    make_older(database)
    return database


def changed(database: Path, sql: str) -> None:
    """Change a closed database by hand."""
    with duckdb.connect(str(database), config={"threads": "1"}) as connection:
        connection.execute(sql)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A recorded run with a leak; beside it a conflict, an event that lacks a field, and two lines that are no events."""
    lacks = line(2, data={"from_state": "hot"})
    other = [line(1), line(1, outcome="rejected"), lacks, line(3, kind="thing.noted", zone="z-1"), b"not json", b"{}"]
    return write(tmp_path / "log.jsonl", *record(RUN, [*NOISE, LOSE], {"runs_once": True}).lines, *other)


@pytest.fixture
def full(database: Path, log: Path) -> Path:
    """A database of today with something in every table."""
    with open_for_write(database) as opened:
        load(opened, [log])
    changed(database, """
        INSERT INTO follow_lag VALUES ('a.jsonl', 1, 2, 3, 4, 5);
        INSERT INTO effect VALUES ('run-1', 'pool', 0, 'read', 'answered', 7, 'ab');
        INSERT INTO kind_role BY NAME SELECT 'run-1' AS run_id, 'thing.noted' AS kind, 'acquired' AS role""")  # fmt: skip
    return database


def held(database: Path) -> dict[str, Any]:
    """Every row of every table, models included, every finding, and the story of the object that leaked."""
    with timeline.open(database) as log:
        told = {"findings": log.detect().model_dump_json(), "story": log.show("lease/janitor", RUN).model_dump_json()}
    with open_for_read(database) as reader:
        tables = [name for (name,) in reader.connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()]
        return told | {name: rows(reader.connection, f'FROM "{name}" ORDER BY ALL') for name in tables if name != "made_by"}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


@pytest.mark.fault("C21", "E10")
def test_everything_in_an_older_database_is_there_afterwards_as_it_was(full: Path, log: Path) -> None:
    """Numbers, marks, refused lines and places in files stay; typed tables and models are derived again; findings are equal to the byte."""
    before = held(full)
    assert '"verdict":"found"' in before["findings"]
    assert [table for table in schema.TABLES if not before.get(table)] == ["touched_run", "made_by"]
    make_older(full)
    content = full.read_bytes()
    told = migrate(full, model_tables())
    after = held(full)
    assert after.pop("follow_lag") == [before.pop("follow_lag")[0] | {"lag_us": None}]
    assert after == before
    assert told.events == len(before["event"])
    assert [(left.what, left.rows) for left in told.left] == [("event.shard", 1), ("remark", 1)]
    assert told.kept == str(kept_by_migration(full))
    assert Path(told.kept).read_bytes() == content
    with open_for_write(full) as opened:
        assert load(opened, [log]).events == 0
        assert len(rows(opened.connection, "FROM event")) == told.events
    assert migrate(full).kept is None


def test_events_of_a_kind_that_is_known_only_now_are_typed_if_they_are_what_it_says(older: Path) -> None:
    """What the older program let pass, because it did not know better, stays in `event` alone. What is kept already is never replaced."""
    lacks, is_text = """UPDATE event SET data = '{"vcpu": 4}'""", """UPDATE event SET data = replace(data, '4', '"4"')"""
    changed(older, f"DELETE FROM warm_pool_event; {lacks} WHERE event_no = 1; {is_text} WHERE event_no = 2")
    kept_by_migration(older).write_bytes(b"kept before")
    told = migrate(older)
    assert (told.events, told.kept) == (4, str(older.with_name("timeline.before-0123456789abcdef-2.duckdb")))
    assert kept_by_migration(older).read_bytes() == b"kept before"
    with open_for_read(older) as reader:
        assert rows(reader.connection, "SELECT event_no FROM worker_parked ORDER BY ALL") == [{"event_no": 3}, {"event_no": 4}]


def test_an_event_whose_hash_another_engine_made_is_known_again_by_its_id(older: Path, tmp_path: Path) -> None:
    """Content cannot be compared any more, so it comes neither twice nor as a conflict; what is new is told apart as ever."""
    changed(older, "UPDATE made_by SET duckdb_version = '1.4.4'")
    migrate(older)
    again = write(tmp_path / "again.jsonl", line(1), line(2, outcome="rejected"), line(5), line(5, outcome="rejected"))
    with open_for_write(older) as opened:
        report = load(opened, [again])
        assert (report.duplicates, report.events, report.conflicts) == (2, 1, 1)
    sampled = Maker(duckdb_version="1.4.4", hash_sample=7)
    assert sampled.hashes_as(Maker(duckdb_version="2.0.0", hash_sample=7))
    assert not sampled.hashes_as(Maker(duckdb_version="1.4.4", hash_sample=8))


def storage_version(content: bytes, number: int) -> bytes:
    """A database file that says another version of the storage, with the checksum that belongs to it."""
    header = content[8:12] + struct.pack("<Q", number) + content[20:4096]
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", header):
        checksum ^= word * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    return struct.pack("<Q", checksum) + header + content[4096:]


@pytest.mark.fault("C21", "E10")
def test_a_database_of_a_newer_version_or_of_none_is_refused_unchanged(template: Path, database: Path, tmp_path: Path) -> None:
    """By every command, by the migration too, and the message says why; not one byte is changed, nothing is left beside it."""
    whole = template.read_bytes()
    for sql, says in {
        "ALTER TABLE made_by ADD COLUMN schema_number BIGINT DEFAULT 1000": "a newer version made it",
        "UPDATE made_by SET duckdb_version = '99.0.0'": "a newer version made it .* DuckDB 99.0.0",
        "ALTER TABLE made_by ADD COLUMN schema_number VARCHAR DEFAULT '1'": "not one of ours",
        "DELETE FROM made_by": "not one of ours",
        "": "cannot read it .*version number 999",
    }.items():
        database.write_bytes(whole if sql else storage_version(whole, 999))
        if sql:
            changed(database, sql)
        before = contents(tmp_path)
        for opened in (open_for_write, open_for_read, migrate, recover):
            with pytest.raises(DatabaseUnusable, match=f"(?s){says}.*nothing was changed"):
                opened(database)
        assert contents(tmp_path) == before, sql


def test_whoever_meets_an_older_database_is_told_of_the_way_out_in_one_line(older: Path, tmp_path: Path) -> None:
    """Exit 5 and no silent migration; then the command that was named. Broken off it leaves the old database and nothing else."""
    log = str(write(tmp_path / "log.jsonl", line(1)))
    before = contents(tmp_path)
    place = ["--db", str(older)]
    for words in (["ingest", log], ["serve", "--listen", "127.0.0.1:0"]):
        ended = CliRunner().invoke(app, [*words, *place])
        assert (ended.exit_code, ended.stderr.count("\n"), "`timeline db migrate`" in ended.stderr) == (5, 1, True), ended.output
    with disk_full_at(1024 * 1024):
        ended = CliRunner().invoke(app, ["db", "migrate", *place])
    assert (ended.exit_code, ended.stderr.count("\n"), "what was committed is safe" in ended.stderr) == (6, 1, True), ended.output
    with pytest.raises(KeyboardInterrupt):
        migrate(older, on_progress=interrupt)
    assert contents(tmp_path) == before
    ended = CliRunner().invoke(app, ["db", "migrate", *place])
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "event.shard, rows: 1" in ended.stdout
    assert "nothing was to be done" in CliRunner().invoke(app, ["db", "migrate", *place]).stdout


@contextmanager
def disk_full_at(size_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond that size."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def interrupt(*_: int) -> None:
    """What Ctrl-C does in the middle of the events."""
    raise KeyboardInterrupt


def test_a_log_of_changes_that_a_crash_of_the_older_program_left_is_part_of_it(older: Path, tmp_path: Path) -> None:
    """What was committed is migrated; a log that cannot be read is moved aside by `db recover`, and then the rest is."""
    with duckdb.connect(str(older), config={"threads": "1"}) as running:
        running.execute("INSERT INTO event (event_no, data) VALUES (77, '{}')")
        for harm, events in ((b"", 5), (b"\xff" * 64, 4)):
            crashed = tmp_path / str(events) / older.name
            crashed.parent.mkdir()
            shutil.copy(older, crashed)
            log = older.with_name(f"{older.name}.wal").read_bytes()
            wal = crashed.with_name(f"{crashed.name}.wal")
            wal.write_bytes(log[: -len(harm) or None] + harm)
            if harm:
                with pytest.raises(DatabaseDamaged, match="timeline db recover"):
                    migrate(crashed)
                assert recover(crashed).found == "log_unreadable"
            assert migrate(crashed).events == events
            assert not wal.exists()


def test_the_fingerprint_counts_names_types_and_order_and_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """To explain a column better makes no database older."""
    now = schema.fingerprint()
    told, columns = schema.TABLES["follow_lag"]
    for table, is_same in {
        ("Other words.", tuple(column._replace(doc="Other words.") for column in columns)): True,
        (told, columns[::-1]): False,
        (told, (columns[0]._replace(type="BLOB"), *columns[1:])): False,
        (told, (columns[0]._replace(name="file"), *columns[1:])): False,
    }.items():
        monkeypatch.setitem(schema.TABLES, "follow_lag", table)
        assert (schema.fingerprint.__wrapped__() == now) is is_same


def test_a_change_of_the_schema_has_a_number_of_its_own() -> None:
    """Failed? Then tables or columns changed: raise `schema.NUMBER` by one, and write the new pair here."""
    assert (schema.NUMBER, schema.fingerprint()) == (1, "5b2c6801a9f95f7b")
