"""The lines that were refused: a list of them, one of them whole, and another attempt at them.

An attempt reads the lines that are kept as if their file said them now: what becomes an event leaves rejected_line, and
what is refused stays, with the reason of this attempt. Events, rejected lines and ledger change in one transaction, and the
identity of events removes what is known, so that an attempt may be broken off and made again.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import duckdb
from pydantic import BaseModel

from ingest.batch import Counts, load_chunk
from ingest.chunks import CHUNK_BYTES, Chunk
from ingest.database import Database, duckdb_errors, first_row
from ingest.errors import UsageError
from ingest.judging import Rejected
from ingest.ledger import STDIN, Entry, entry_numbered
from ingest.load import forced_source
from ingest.reading import Transaction, insert_rejected
from ingest.sniff import Source, sources
from ingest.strict import REASONS

_WANTED = "($path IS NULL OR path = $path) AND ($reason IS NULL OR reason = $reason)"
_ORDER = "path, file_id, byte_offset, line_no, reason, sha256"
_NUMBERED = f"""SELECT row_number() OVER (ORDER BY {_ORDER}) AS number, path, line_no, byte_offset, byte_length, reason, detail,
    octet_length(raw) AS kept_bytes, raw FROM rejected_line"""
_IS_WHOLE = "byte_length > 0 AND octet_length(raw) = byte_length AND reason <> 'encoding'"
_LINE_COST_BYTES = 256
"""What a line takes in memory beside its text."""


class Line(NamedTuple):
    """A refused line, without its text."""

    number: int
    """Its place among all refused lines, from 1."""
    path: str
    line_no: int
    byte_offset: int
    byte_length: int
    reason: str
    """Code of `ingest.strict.REASONS`."""
    detail: str
    kept_bytes: int
    """How much of its text is kept."""


class Wanted(NamedTuple):
    """Which of the refused lines. None is any."""

    file: str | None = None
    reason: str | None = None

    def bound(self) -> dict[str, str | None]:
        """As parameters of a query. Raises UsageError."""
        if self.reason is not None and self.reason not in REASONS:
            raise UsageError(f"--reason {self.reason}: there is no such reason; there are {', '.join(REASONS)}")
        path = self.file if self.file in (None, STDIN) else os.path.abspath(self.file or "")
        return {"path": path, "reason": self.reason}


ANY = Wanted()
"""All of them."""


class Attempt(BaseModel):
    """What became of the refused lines that were tried again. `lines` is the sum of the counts after it."""

    lines: int
    """Lines that were tried again; a line that says many events counts as that many."""
    events: int
    """Lines that became events."""
    duplicates: int
    """Lines whose event was here already."""
    conflicts: int
    """Lines whose event id is here with other content."""
    quarantined: int
    """Lines that were refused again."""
    blank: int
    """Lines that a mapping passes over."""
    untried: int
    """Lines that could not be tried."""
    because: list[str]
    """Why they could not."""


def count_of(connection: duckdb.DuckDBPyConnection, wanted: Wanted = ANY) -> int:
    """How many refused lines there are."""
    return sum(_counts(connection, wanted))


def listed(connection: duckdb.DuckDBPyConnection, wanted: Wanted = ANY, most: int | None = None) -> list[Line]:
    """The refused lines in the order of their places, `most` of them at the most. Raises UsageError."""
    query = f"SELECT * EXCLUDE (raw) FROM ({_NUMBERED}) WHERE {_WANTED} ORDER BY number LIMIT $most"
    return [Line(*row) for row in connection.execute(query, wanted.bound() | {"most": most}).fetchall()]


def numbered(connection: duckdb.DuckDBPyConnection, number: int) -> tuple[Line, bytes]:
    """One refused line and what is kept of its text. Raises UsageError."""
    row = first_row(connection, f"FROM ({_NUMBERED}) WHERE number = ?", [number])
    if row is None:
        raise UsageError(f"--show {number}: no refused line has that number; there are {count_of(connection)} of them")
    *place, raw = row
    return Line(*place), raw


def retry(
    database: Database,
    wanted: Wanted = ANY,
    *,
    format: str | None = None,
    mapping: str | None = None,
    run: str | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Attempt:
    """Load the refused lines again, each as what its file was taken for, or as `format` or `mapping` say.

    `run` is the run_id of lines that have none. Raises UsageError, StorageFailed.
    """
    forced, connection, total = forced_source(format, mapping), database.connection, Counts()
    parts = _parts(connection, wanted, chunk_bytes)
    _, partly = _counts(connection, wanted)
    because = [f"{partly} are not kept whole: ingest their files again"] if partly else []
    untried = partly
    with Transaction(database) as transaction:
        for file_id, part, lines in parts:
            entry = entry_numbered(connection, file_id)
            source = forced or sources().get(entry.format)
            if source is None:
                untried += lines
                because.append(f"{lines} of {entry.path} were read with the {entry.format}: give it again with --mapping")
                continue
            with duckdb_errors("trying refused lines again in", database.path):
                total.add(_try_again(transaction, entry, part, source, run))
            transaction.end()
    total.check()
    return Attempt(**vars(total), untried=untried, because=because)


def _counts(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> tuple[int, int]:
    """How many refused lines are kept whole, and how many are not."""
    query = f"SELECT count(*) FILTER ({_IS_WHOLE}), count(*) FILTER (NOT ({_IS_WHOLE})) FROM rejected_line WHERE {_WANTED}"
    row = first_row(connection, query, wanted.bound())
    assert row is not None
    whole, partly = row
    return whole, partly


def _parts(connection: duckdb.DuckDBPyConnection, wanted: Wanted, chunk_bytes: int) -> list[tuple[int, int, int]]:
    """Note which lines are tried, a line once whatever its reasons, in parts of bounded size: file, part, number of lines."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE tried AS
        SELECT *, (sum(byte_length + {_LINE_COST_BYTES}) OVER (PARTITION BY file_id ORDER BY byte_offset, sha256) // $chunk)::BIGINT AS part
        FROM (
            SELECT DISTINCT ON (file_id, byte_offset, sha256) file_id, byte_offset, byte_length, line_no, raw, sha256
            FROM rejected_line WHERE {_IS_WHOLE} AND {_WANTED}
        )""",
        wanted.bound() | {"chunk": chunk_bytes},
    )
    return connection.execute("SELECT file_id, part, count(*) FROM tried GROUP BY ALL ORDER BY ALL").fetchall()


def _try_again(transaction: Transaction, entry: Entry, part: int, source: Source, run: str | None) -> Counts:
    """Load the lines of a part, inside the caller's transaction."""
    connection = transaction.begin()
    which: dict[str, Any] = {"file": entry.file_id, "part": part}
    query = """SELECT byte_offset, byte_length, line_no, raw, sha256 FROM tried
        WHERE file_id = $file AND part = $part ORDER BY byte_offset, sha256"""
    lines = connection.execute(query, which).fetchall()
    chunk = Chunk(0, 0, b"\n".join(raw for _, _, _, raw, _ in lines), tuple(offset for offset, *_ in lines))
    counts, refused = load_chunk(connection, transaction.known, source, chunk, entry.file_id, run)
    gone = first_row(
        connection,
        """DELETE FROM rejected_line WHERE EXISTS (FROM tried WHERE file_id = $file AND part = $part
            AND file_id = rejected_line.file_id AND byte_offset = rejected_line.byte_offset AND sha256 = rejected_line.sha256)""",
        which,
    )
    assert gone is not None
    insert_rejected(connection, entry, [_kept(lines[line.line_no], line) for line in refused])
    entry.settle(max(0, gone[0] - len({(line.line_no, line.reason) for line in refused})), counts)
    entry.save(connection)
    return counts


def _kept(line: tuple[int, int, int, bytes, str], refused: Rejected) -> Rejected:
    """A line that was refused again, at its place in its file."""
    byte_offset, byte_length, line_no, raw, sha256 = line
    return Rejected(byte_offset, byte_length, line_no, refused.reason, refused.detail, raw, sha256)
