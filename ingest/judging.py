"""What each line of a chunk is: an event, nothing, or refused. No table of the database is read or written: chunks can be judged ahead."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from ingest.chunks import RAW_BYTES_MAX, Chunk
from ingest.database import number_of, readable_once
from ingest.envelope import parse_query
from ingest.shapes import Shape, is_event_shape, is_whole_shape
from ingest.sniff import NATIVE, Source
from ingest.strict import Refusal, parse_document, refusal_of_event, refusal_of_text

_SHAPE = ", ".join(Shape._fields)
_OF_DATA = ("kind", "own_names", "own_types")
_SHAPE_SCHEMA = pa.schema({
    "kind": pa.string(), "types": pa.string(), "has_known_keys": pa.bool_(),
    "integers": pa.int64(), "own_names": pa.string(), "own_types": pa.string(),
})  # fmt: skip


class Rejected(NamedTuple):
    """A line for the table rejected_line."""

    byte_offset: int
    byte_length: int
    line_no: int
    reason: str
    detail: str
    raw: bytes
    sha256: str

    @classmethod
    def of(cls, line: bytes, offset: int, number: int, refusal: Refusal) -> Rejected:
        """A line that was refused."""
        return cls(offset, len(line), number, refusal.reason, refusal.detail, line[:RAW_BYTES_MAX], hashlib.sha256(line).hexdigest())


class Judged(NamedTuple):
    """What is known of a chunk beside its events, which are in the temporary table `parsed`."""

    kinds: frozenset[str]
    """Every kind that may be among the events."""
    has_partial: bool
    """Events of a known kind that do not say all that the kind requires may be there; then `partial` has the idx of each."""
    rejected: tuple[Rejected, ...]
    lines: int
    blank: int


def judge(connection: duckdb.DuckDBPyConnection, source: Source, chunk: Chunk, run: str | None) -> Judged:
    """Judge every line of a chunk, and leave those that are events, or recordings, in `parsed`.

    It has the columns of `event`, idx, refs, caused_by, and those by which the lines were judged.
    """
    table, broken = chunk.table()
    if source.says_many:
        _tell_apart(connection, source, table, run)
    with readable_once(connection, "chunk", table):
        connection.execute("CREATE OR REPLACE TEMP TABLE parsed AS " + _parse(source), {"run": run, **_bound(source)})
    shapes = connection.execute(f"SELECT DISTINCT is_sound, {_SHAPE} FROM parsed").fetchall()
    rejected = [Rejected.of(chunk.line(index), *_place(chunk, index), _refusal_of_bytes(chunk.line(index))) for index in broken]
    blank = len(chunk) - len(table) - len(broken)
    more = number_of(connection, "SELECT count(*) - count(DISTINCT line) FROM said") if source.says_many else 0
    refused: list[int] = []
    for index, line_index, text in _doubtful(connection, source, table, run, shapes):
        line = chunk.line(line_index)
        refusal = _refusal(source, line, text, run)
        if not line.strip() or text == "":
            blank += 1
        elif refusal:
            rejected.append(Rejected.of(line, *_place(chunk, line_index), refusal))
        else:
            continue
        refused.append(index)
    _forget(connection, refused)
    has_partial = note_partial(connection, {shape for _, *found in shapes if not is_whole_shape(shape := Shape(*found))})
    return Judged(frozenset(kind for _, kind, *_ in shapes), has_partial, tuple(rejected), len(chunk) + more, blank)


def _forget(connection: duckdb.DuckDBPyConnection, refused: Sequence[int]) -> None:
    if refused:
        with readable_once(connection, "refused", pa.table({"idx": pa.array(refused, pa.int32())})):
            connection.execute("DELETE FROM parsed WHERE idx IN (SELECT idx FROM refused)")


def _tell_apart(connection: duckdb.DuckDBPyConnection, source: Source, chunk: pa.Table, run: str | None) -> None:
    """Give each event that a line says an index of its own; a line that says many counts as that many.

    The line is judged once, and kept with none of its events: with a hundred each it would be there a hundred times.
    """
    with readable_once(connection, "chunk", chunk):
        connection.execute("CREATE OR REPLACE TEMP TABLE judged_line AS SELECT idx AS line, is_plain_line(raw) AS is_plain_line FROM chunk")
    with readable_once(connection, "chunk", chunk):
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE said AS
            SELECT (row_number() OVER (ORDER BY line, part) - 1)::INTEGER AS idx, line, byte_offset, text, is_plain_line
            FROM (SELECT idx AS line, part, byte_offset, text FROM ({source.select})) JOIN judged_line USING (line)""",
            ({"run": run} if "$run" in source.select else {}) | dict(source.bound),
        )


def _doubtful(
    connection: duckdb.DuckDBPyConnection, source: Source, chunk: pa.Table, run: str | None, shapes: Sequence[tuple[Any, ...]]
) -> list[tuple[int, int, str | None]]:
    """Index, index of its line, and mapped text of each event that its values or its shape leave in doubt.

    Native text is the line itself.
    """
    odd = [shape for is_sound, *found in shapes if is_sound and not is_event_shape(shape := Shape(*found))]
    if not odd and all(is_sound for is_sound, *_ in shapes):
        return []
    odd_shape = pa.Table.from_pylist([shape._asdict() for shape in odd], _SHAPE_SCHEMA)
    text = "NULL" if source.name == NATIVE else "text"
    line = "line" if source.says_many else "idx"
    select = "FROM said" if source.says_many else source.select
    with readable_once(connection, "chunk", chunk), readable_once(connection, "odd_shape", odd_shape):
        return connection.execute(
            f"""
            SELECT idx, {line}, {text} FROM ({select}) SEMI JOIN (
                SELECT idx FROM parsed WHERE NOT is_sound
                UNION ALL SELECT idx FROM parsed SEMI JOIN odd_shape USING ({_SHAPE}) WHERE is_sound
            ) USING (idx) ORDER BY idx""",
            ({"run": run} if "$run" in select else {}) | _bound(source),
        ).fetchall()


def note_partial(connection: duckdb.DuckDBPyConnection, shapes: set[Shape]) -> bool:
    """Note each event of `parsed` that has one of these shapes, which lack what their kind requires; whether there may be any."""
    lacking = {tuple(getattr(shape, name) for name in _OF_DATA) for shape in shapes}
    if lacking:
        table = pa.Table.from_pylist([dict(zip(_OF_DATA, each, strict=True)) for each in sorted(lacking)])
        with readable_once(connection, "lacking", table):
            query = f"SELECT idx FROM parsed SEMI JOIN lacking USING ({', '.join(_OF_DATA)})"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE partial AS {query}")
    return bool(lacking)


def _place(chunk: Chunk, index: int) -> tuple[int, int]:
    return chunk.line_offset(index), chunk.first_number + index


@cache
def _parse(source: Source) -> str:
    plain = f"SELECT idx, byte_offset, text, is_plain_line(raw) AS is_plain_line FROM ({source.select})"
    return parse_query("SELECT idx, byte_offset, text, is_plain_line FROM said" if source.says_many else plain, source.clock_is_place)


def _bound(source: Source) -> dict[str, str]:
    """What is bound beside `$run` where lines are typed; lines that say many were mapped before."""
    return {} if source.says_many else dict(source.bound)


def _refusal_of_bytes(line: bytes) -> Refusal:
    refusal = refusal_of_text(line)
    assert refusal is not None, "a line that Arrow refuses as UTF-8 and Python takes"
    return refusal


def _refusal(source: Source, line: bytes, text: str | None, run: str | None) -> Refusal | None:
    document = parse_document(line) if source.is_json else refusal_of_text(line) or {}
    if isinstance(document, Refusal):
        return document
    if text is None and (source.bound or not source.is_json):
        return Refusal("unmapped", f"the {source.name.rpartition(' ')[0] or 'format ' + source.name} says nothing of such a line")
    if source.name != NATIVE:
        mapped = parse_document((text or "{}").encode())
        if isinstance(mapped, Refusal):
            return mapped
        document = mapped
    return refusal_of_event(document, run)
