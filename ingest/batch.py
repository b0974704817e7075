"""One chunk into the tables, exactly once, in one transaction with the place up to which its file was read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from ingest.chunks import RAW_BYTES_MAX, Chunk
from ingest.database import first_row
from ingest.envelope import parse_query
from ingest.events import FAMILIES, KINDS
from ingest.roles import load_roles
from ingest.schema import ENVELOPE, family_table, own_columns
from ingest.shapes import Shape, is_event_shape
from ingest.sniff import NATIVE, Source
from ingest.strict import Refusal, parse_document, refusal_of_event, refusal_of_text

_ENVELOPE_NAMES = ", ".join(column.name for column in ENVELOPE)
_JUDGED = ", ".join(["is_sound", *(name for name in Shape._fields if name != "kind")])
_SHAPE_SCHEMA = pa.schema({
    "kind": pa.string(), "types": pa.string(), "has_known_keys": pa.bool_(),
    "integers": pa.int64(), "own_names": pa.string(), "own_types": pa.string(),
})  # fmt: skip
_REF = '[{"role":"VARCHAR","kind":"VARCHAR","id":"VARCHAR"}]'


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


@dataclass
class Counts:
    """What became of lines. Every line is counted once."""

    lines: int = 0
    events: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    blank: int = 0

    def add(self, other: Counts) -> None:
        """Count what another counted."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def check(self) -> None:
        """The accounting closes: every line became exactly one thing."""
        told = self.events + self.duplicates + self.conflicts + self.quarantined + self.blank
        assert self.lines == told, f"the accounting does not close: {self}"


def load_chunk(
    connection: duckdb.DuckDBPyConnection, source: Source, chunk: Chunk, file_id: int, run: str | None
) -> tuple[Counts, list[Rejected]]:
    """Put the events of a chunk into the tables. Runs inside the caller's transaction."""
    table, broken = chunk.table()
    connection.register("chunk", table)
    if source.says_many:
        _tell_apart(connection, source, run)
    connection.execute("CREATE OR REPLACE TEMP TABLE parsed AS " + _parse(source), {"run": run, **_bound(source)})
    rejected = [Rejected.of(chunk.line(index), *_place(chunk, index), Refusal("utf8", _utf8_detail(chunk.line(index)))) for index in broken]
    blank = len(chunk) - len(table) - len(broken)
    more = _one(connection, "SELECT count(*) - count(DISTINCT line) FROM said") if source.says_many else 0
    doubtful = _doubtful(connection, source, run)
    refused: list[int] = []
    for index, line_index, text in doubtful:
        line = chunk.line(line_index)
        refusal = _refusal(source, line, text, run)
        if not line.strip() or text == "":
            blank += 1
        elif refusal:
            rejected.append(Rejected.of(line, *_place(chunk, line_index), refusal))
        else:
            continue
        refused.append(index)
    _forget(connection, "refused", refused)
    load_roles(connection, source.roles)
    duplicates, conflicts = _settle_twins(connection)
    events = _one(connection, "SELECT count(*) FROM parsed") - conflicts
    _insert(connection, file_id)
    connection.unregister("chunk")
    counts = Counts(len(chunk) + more, events, duplicates, conflicts, len(rejected), blank)
    counts.check()
    return counts, rejected


def _tell_apart(connection: duckdb.DuckDBPyConnection, source: Source, run: str | None) -> None:
    """Give each event that a line says an index of its own; a line that says many counts as that many."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE said AS
        SELECT (row_number() OVER (ORDER BY idx, part) - 1)::INTEGER AS idx, idx AS line, byte_offset, raw, text
        FROM ({source.select})""",
        ({"run": run} if "$run" in source.select else {}) | dict(source.bound),
    )


def _doubtful(connection: duckdb.DuckDBPyConnection, source: Source, run: str | None) -> list[tuple[int, int, str | None]]:
    """Index, index of its line, and mapped text of each event that its values or its shape leave in doubt.

    Native text is the line itself.
    """
    columns = ", ".join(Shape._fields)
    shapes = connection.execute(f"SELECT DISTINCT {columns} FROM parsed WHERE is_sound ORDER BY ALL").fetchall()
    odd = [shape for shape in map(Shape._make, shapes) if not is_event_shape(shape)]
    if not odd and _one(connection, "SELECT count(*) FROM parsed WHERE is_sound") == _one(connection, "SELECT count(*) FROM parsed"):
        return []
    connection.register("odd_shape", pa.Table.from_pylist([shape._asdict() for shape in odd], _SHAPE_SCHEMA))
    text = "NULL" if source.name == NATIVE else "text"
    line = "line" if source.says_many else "idx"
    select = "FROM said" if source.says_many else source.select
    lines = connection.execute(
        f"""
        SELECT idx, {line}, {text} FROM ({select}) SEMI JOIN (
            SELECT idx FROM parsed WHERE NOT is_sound
            UNION ALL SELECT idx FROM parsed SEMI JOIN odd_shape USING ({columns}) WHERE is_sound
        ) USING (idx) ORDER BY idx""",
        ({"run": run} if "$run" in select else {}) | _bound(source),
    ).fetchall()
    connection.unregister("odd_shape")
    return lines


def _place(chunk: Chunk, index: int) -> tuple[int, int]:
    return chunk.line_offset(index), chunk.first_number + index


@cache
def _parse(source: Source) -> str:
    select = "SELECT idx, byte_offset, raw, text FROM said" if source.says_many else source.select
    return parse_query(select, source.clock_is_place)


def _bound(source: Source) -> dict[str, str]:
    """What is bound beside `$run` where lines are typed; lines that say many were mapped before."""
    return {} if source.says_many else dict(source.bound)


def _utf8_detail(line: bytes) -> str:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"{error.reason} at byte {error.start} of the line"
    raise AssertionError("a line that Arrow refuses as UTF-8 and Python takes")


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


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = first_row(connection, query)
    assert row is not None
    count: int = row[0]
    return count


def _forget(connection: duckdb.DuckDBPyConnection, name: str, indexes: Sequence[int]) -> None:
    if indexes:
        connection.register(name, pa.table({"idx": pa.array(indexes, pa.int32())}))
        connection.execute(f"DELETE FROM parsed WHERE idx IN (SELECT idx FROM {name})")
        connection.unregister(name)


def _settle_twins(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Find ids that came twice, here or before. Equal content is forgotten; other content stays, and all of it is marked."""
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE twin AS
        SELECT run_id, event_id FROM parsed GROUP BY ALL HAVING count(*) > 1
        UNION SELECT run_id, event_id FROM parsed SEMI JOIN event USING (run_id, event_id)
        UNION SELECT run_id, event_id FROM parsed SEMI JOIN recording USING (run_id, event_id)""")
    if not _one(connection, "SELECT count(*) FROM twin"):
        return 0, 0
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE fate AS
        WITH rival AS (
            SELECT idx, run_id, event_id, content_hash FROM parsed
            UNION ALL SELECT -1, run_id, event_id, content_hash FROM event
            UNION ALL SELECT -1, run_id, event_id, content_hash FROM recording
        )
        SELECT
            idx, run_id, event_id,
            row_number() OVER (PARTITION BY run_id, event_id, content_hash ORDER BY idx) > 1 AS is_duplicate,
            first_value(content_hash) OVER (PARTITION BY run_id, event_id ORDER BY idx, content_hash) <> content_hash AS is_other,
            min(content_hash) OVER (PARTITION BY run_id, event_id) <> max(content_hash) OVER (PARTITION BY run_id, event_id) AS is_contested
        FROM rival SEMI JOIN twin USING (run_id, event_id)""")
    duplicates = _one(connection, "SELECT count(*) FROM fate WHERE idx >= 0 AND is_duplicate")
    conflicts = _one(connection, "SELECT count(*) FROM fate WHERE idx >= 0 AND NOT is_duplicate AND is_other")
    connection.execute("DELETE FROM parsed WHERE idx IN (SELECT idx FROM fate WHERE is_duplicate)")
    if conflicts:
        contested = "EXISTS (FROM fate WHERE is_contested AND fate.run_id = known.run_id AND fate.event_id = known.event_id)"
        for table in ("parsed", "event"):
            connection.execute(f"UPDATE {table} AS known SET is_conflict = true WHERE {contested}")
    return duplicates, conflicts


def _insert(connection: duckdb.DuckDBPyConnection, file_id: int) -> None:
    recordings = f"kind IN ({_kinds_of('recording')})"
    if _one(connection, f"SELECT count(*) FROM parsed WHERE {recordings}"):
        _insert_recordings(connection, recordings)
    first = _one(connection, "SELECT coalesce(max(event_no), 0) + 1 FROM event")
    numbered: dict[str, Any] = {"first": first}
    connection.execute(
        f"""INSERT INTO event BY NAME
        SELECT $first + idx AS event_no, * EXCLUDE (idx, refs, caused_by, {_JUDGED}), $file AS file_id FROM parsed""",
        numbered | {"file": file_id},
    )
    connection.execute(
        f"""
        INSERT INTO event_object SELECT $first + idx, run_id, 'subject', subject_kind, subject_id FROM parsed
        UNION ALL SELECT event_no, run_id, ref.role, ref.kind, ref.id
        FROM (SELECT $first + idx AS event_no, run_id, unnest(from_json(refs, '{_REF}')) AS ref FROM parsed WHERE refs IS NOT NULL)""",
        numbered,
    )
    connection.execute(
        """INSERT INTO event_cause
        SELECT $first + idx, run_id, unnest(from_json(caused_by, '["VARCHAR"]')) FROM parsed WHERE caused_by IS NOT NULL""",
        numbered,
    )
    for (kind,) in connection.execute("SELECT DISTINCT kind FROM parsed ORDER BY kind").fetchall():
        if kind in KINDS:
            connection.execute(_insert_kind(kind), numbered)
    # A run that is there already too: a refresh that runs meanwhile takes away the row that it saw, and these events it did not see.
    connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM parsed")


@cache
def _insert_kind(kind: str) -> str:
    """Events of a kind into their family's table, those that say all that the kind requires.

    One that does not is in `event`, and no model reads what it lacks. A statement for each kind that is there: one for the whole
    family spreads every event over a hundred columns, and takes longer to plan than a small chunk to load.
    """
    decision = KINDS[kind]
    own = ", ".join(f'"{column.name}":"{column.type}"' for column in own_columns(decision))
    names = _ENVELOPE_NAMES.replace("event_no", "$first + idx AS event_no")
    parts = f", unnest(from_json(data, '{{{own}}}'))" if own else ""
    required = [f'"{name}" IS NOT NULL' for name, field in decision.model_fields.items() if field.is_required()]
    return f"""INSERT INTO {family_table(decision.family)} BY NAME
        FROM (SELECT {names}{parts} FROM parsed WHERE kind = '{kind}') WHERE {" AND ".join(required) or "true"}"""


def _kinds_of(family: str) -> str:
    return ", ".join(f"'{decision.kind}'" for decision in FAMILIES[family])


def _insert_recordings(connection: duckdb.DuckDBPyConnection, recordings: str) -> None:
    connection.execute(f"""
        INSERT INTO recording BY NAME
        SELECT run_id, event_id, kind, CASE WHEN kind <> 'recording.effects' THEN data END AS data, content_hash
        FROM parsed WHERE {recordings}""")
    connection.execute("""
        INSERT INTO effect
        SELECT run_id, did->>0, try_cast(did->>1 AS BIGINT), did->>2, did->>3, try_cast(did->>4 AS BIGINT), did->>5
        FROM (SELECT run_id, unnest(json_extract(data, '$.effects[*]')) AS did FROM parsed WHERE kind = 'recording.effects')""")
    connection.execute(f"DELETE FROM parsed WHERE {recordings}")
