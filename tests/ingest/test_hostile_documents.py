"""Documents made to break their reader: each is refused with a reason, and none keeps it busy or makes it fail."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.chunks import CompressedInputBroken
from ingest.parquet import BATCH_ROWS, rows_as_lines
from ingest.sniff import HEAD_BYTES, sources
from tests.ingest.lines import event, loaded

UNITS = [
    b" ", b"\t", b"\n", b"\r\n", b" \n", b"\n ", b"<!---->", b"<!-- a -->\n", b"<!--", b"-->", b"<?xml ?>", b"<?xml ", b"<log ", b"<log>",
    b";\n", b" ;\n", b"; a\n\n", b"; ", b"0", b"0 ", b"0 0\n", b"{", b'{"objectTypes" ', b'"objectTypes"', b"SQLite format 3",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", [name for name, source in sources().items() if source.begins])
def test_no_beginning_keeps_the_sniffing_busy(name: str, unit: bytes):
    """A pattern that tries every way to split what repeats would not end here."""
    begins = sources()[name].begins
    assert begins is not None
    assert begins.match(unit * (HEAD_BYTES // len(unit))) is None


@pytest.mark.parametrize(
    ("document", "reason", "why"),
    [
        (b'{"kind": "EventList", ["items"]: []}', "not_json", 'expected " at byte 22'),
        (b'<?xml version="1.0" encoding="nonsense"?><log xes.version="1.0"></log>', "document", "unknown encoding: nonsense"),
        (b'{"objectTypes": [], "objects": [], "events": [[]]}', "document", "no OCEL 2.0"),
        (b'{"objectTypes": [], "objects": ' + b"[" * 50_000, "document", "no OCEL 2.0"),
    ],
)
def test_a_document_that_is_not_what_it_seems_is_refused(tmp_path: Path, document: bytes, reason: str, why: str):
    (tmp_path / "log").write_bytes(document)
    report, _, (refused,) = loaded(tmp_path / "log")
    assert (report.events, report.quarantined, refused["reason"]) == (0, 1, reason)
    assert why in refused["detail"]


TABLES = [
    "CREATE TABLE object_object (ocel_source_id, ocel_target_id, ocel_qualifier)",
    "CREATE TABLE event_object (ocel_event_id, ocel_object_id, ocel_qualifier)",
    "CREATE TABLE object (ocel_id, ocel_type)",
    "CREATE TABLE event (ocel_id, ocel_type)",
    "CREATE TABLE object_map_type (ocel_type, ocel_type_map)",
    "CREATE TABLE event_map_type (ocel_type, ocel_type_map)",
    "CREATE TABLE event_go (ocel_id, ocel_time)",
    "INSERT INTO event VALUES ('e-1', 'go')",
    "INSERT INTO event_map_type VALUES ('go', 'go')",
    "INSERT INTO event_go VALUES ('e-1', '2026-01-01T00:00:00Z')",
]


def object_centric(folder: Path, statements: Sequence[str]) -> Path:
    """An SQLite file made by these statements."""
    with closing(sqlite3.connect(folder / "log.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return folder / "log.sqlite"


def test_the_tables_of_an_object_centric_log_are_read(tmp_path: Path):
    report, (found,), _ = loaded(object_centric(tmp_path, TABLES))
    assert (report.events, found["event_id"], found["kind"]) == (1, "event/e-1", "go")


@pytest.mark.parametrize("name", ["object_object", "event_object", "object", "event", "object_map_type", "event_map_type"])
def test_no_view_of_an_sqlite_file_is_asked(tmp_path: Path, name: str):
    """A view can be a query without end."""
    statements = [*TABLES, f"ALTER TABLE {name} RENAME TO hidden", f"CREATE VIEW {name} AS SELECT * FROM hidden"]
    report, _, (refused,) = loaded(object_centric(tmp_path, statements))
    assert (report.events, refused["reason"]) == (0, "document")
    assert f"it has no table {name}" in refused["detail"]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("CREATE TABLE event_go (ocel_time, other)", "no OCEL 2.0"),
        ("CREATE TABLE event_go (ocel_id, ocel_time, big AS (hex(zeroblob(5000000))))", "too big"),
    ],
)
def test_rows_of_an_sqlite_file_that_lack_their_name_or_grow_are_refused(tmp_path: Path, table: str, why: str):
    report, _, (refused,) = loaded(object_centric(tmp_path, [table if "event_go (" in one and "CREATE" in one else one for one in TABLES]))
    assert (report.events, refused["reason"]) == (0, "document")
    assert why in refused["detail"]


def test_a_column_of_parquet_may_have_any_name(tmp_path: Path):
    """Even one that a query of our own uses."""
    row = event(kind="x.y", data={"a": 1}) | dict.fromkeys(["batch", "rows", "line", "to_json"], "x")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "log.parquet")
    report, (found,), _ = loaded(tmp_path / "log.parquet")
    assert (report.events, found["kind"]) == (1, "x.y")


def test_a_small_file_of_parquet_does_not_unpack_to_everything():
    """A column of one value takes a few bytes, whatever it unpacks to: it is cut off as a packed file is, and given in small parts."""
    packed = io.BytesIO()
    pq.write_table(pa.table({"text": pa.repeat("x" * 1000, 40_000)}), packed)
    given: list[int] = []
    with pytest.raises(CompressedInputBroken, match="above the ratio of 200"):
        given.extend(block.count(b"\n") for block in rows_as_lines(packed))
    assert set(given) == {BATCH_ROWS}


def test_parquet_that_ends_at_once_is_refused(tmp_path: Path):
    (tmp_path / "log.parquet").write_bytes(b"PAR1")
    report, _, (refused,) = loaded(tmp_path / "log.parquet")
    assert (report.events, refused["reason"]) == (0, "compressed")
