"""From the event classes to tables, comments, views and JSON Schema: one source of truth.

`event` is the typed envelope of every event, known kind or not, with `data` as JSON. Each family has one typed table
(`warm_pool_event`) that holds the own fields of all its kinds, written in the same transaction as `event`; each kind
has a view over it (`worker_parked`). Typed tables and not views over JSON, because an aggregate over JSON was ten
times slower (docs/decisions).
"""

from __future__ import annotations

import functools
import hashlib
import types
import typing
from typing import Any, NamedTuple

from ingest.events import FAMILIES, KINDS, Decision, Event
from ingest.events.recording import RECORDING
from ingest.sentences import described_schema, sentences

NUMBER = 1
"""Counts the schemas. One more with every change of the fingerprint: by it an older program knows that a database is newer."""


class Column(NamedTuple):
    """A column of a table of ours: name, DuckDB type, and the sentence that becomes its comment."""

    name: str
    type: str
    doc: str


_TYPES: dict[object, str] = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE"}

EVENT_NO = Column("event_no", "BIGINT", "Number of the event in this database, in order of loading.")

ENVELOPE: tuple[Column, ...] = (
    EVENT_NO,
    Column("run_id", "VARCHAR", "One recording of one control plane."),
    Column("event_id", "VARCHAR", "Unique in its run; the same id again is the same event."),
    Column("ts_us", "BIGINT", "The producer's wall clock, microseconds UTC; shown, never trusted between actors."),
    Column("actor", "VARCHAR", "Who decided: instance/component."),
    Column("incarnation", "VARCHAR", "Minted at process start; a restarted actor is a new one."),
    Column("seq", "BIGINT", "Position in the stream of this actor incarnation."),
    Column("clock", "BIGINT", "Lamport clock."),
    Column("kind", "VARCHAR", "family.past_participle."),
    Column("revision", "BIGINT", "The store's revision, for what a store committed."),
    Column("commit_us", "BIGINT", "The store's own clock at that commit, microseconds UTC."),
    Column("subject_kind", "VARCHAR", "What sort of object was decided about."),
    Column("subject_id", "VARCHAR", "Which object was decided about."),
    Column("workload", "VARCHAR", "The workload that the decision serves."),
    Column("generation", "BIGINT", "The version of desired state that was acted upon."),
    Column("epoch", "BIGINT", "Fencing number."),
    Column("outcome", "VARCHAR", "What became of the decision."),
    Column("reason", "VARCHAR", "Machine reason."),
)

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "event": (
        "Every decision event: the typed envelope, and the kind's own fields as JSON.",
        (
            *ENVELOPE,
            Column("inputs", "JSON", "What the decision had read: a list of source, kind, id, version, age_ms, digest."),
            Column("data", "JSON", "The kind's own fields."),
            Column("extra", "JSON", "Fields at the top of the line that the envelope does not have; null where there are none."),
            Column(
                "content_hash",
                "UBIGINT",
                "Hash of the line, to tell a duplicate from a conflict; null where an engine that hashes otherwise made it.",
            ),
            Column("is_conflict", "BOOLEAN", "Another event with the same id and different content is here too."),
            Column("file_id", "BIGINT", "The file it came from, in ingest_file."),
            Column("byte_offset", "BIGINT", "Where its line begins in the unpacked file."),
        ),
    ),
    "event_object": (
        "Event to object, many to many: the subject (role `subject`) and every ref.",
        (
            EVENT_NO,
            Column("run_id", "VARCHAR", "One recording of one control plane."),
            Column("role", "VARCHAR", "The part that the object plays in the decision."),
            Column("kind", "VARCHAR", "What sort of object it is."),
            Column("id", "VARCHAR", "Its identity."),
        ),
    ),
    "event_cause": (
        "Event to the events that led to it.",
        (
            EVENT_NO,
            Column("run_id", "VARCHAR", "One recording of one control plane."),
            Column("cause_id", "VARCHAR", "event_id of a cause."),
        ),
    ),
    "rejected_line": (
        "Every line that could not be read as an event, kept with the reason.",
        (
            Column("file_id", "BIGINT", "The file it came from, in ingest_file."),
            Column("path", "VARCHAR", "That file's path."),
            Column("byte_offset", "BIGINT", "Where the line begins in the unpacked file."),
            Column("byte_length", "BIGINT", "Length of the line in bytes, without its end."),
            Column("line_no", "BIGINT", "Number of the line, from 1."),
            Column("reason", "VARCHAR", "Reason code, one of a closed list."),
            Column("detail", "VARCHAR", "What exactly was wrong, in words."),
            Column("raw", "BLOB", "The line itself, up to 64 KiB."),
            Column("sha256", "VARCHAR", "SHA-256 of the whole line."),
        ),
    ),
    "ingest_file": (
        "The ledger: what was read of each file, written in the transaction of its events.",
        (
            Column("file_id", "BIGINT", "Number of the file in this database."),
            Column("path", "VARCHAR", "Its path when it was read; `-` for standard input."),
            Column("device", "UBIGINT", "Number of the device that it lies on; null for standard input."),
            Column("inode", "UBIGINT", "Its number there, which a rename leaves as it is and a new file may get again."),
            Column("format", "VARCHAR", "What it was taken for."),
            Column(
                "fingerprint",
                "VARCHAR",
                "SHA-256 of its first bytes on disk: the largest power of two of them that was read, up to 64 KiB.",
            ),
            Column("offset_bytes", "BIGINT", "How far it was read, in unpacked bytes."),
            Column("disk_bytes", "BIGINT", "How far it was read, in bytes on disk; null while a packed file is not read to its end."),
            Column("tail_sha256", "VARCHAR", "SHA-256 of the bytes on disk before that place, up to 4 KiB."),
            Column("crc32", "BIGINT", "CRC-32 of all unpacked bytes up to there; null where not all of them went by."),
            Column("lines", "BIGINT", "Lines that were read."),
            Column("events", "BIGINT", "Lines that became events."),
            Column("duplicates", "BIGINT", "Lines whose event was here already."),
            Column("conflicts", "BIGINT", "Lines whose event is here with different content."),
            Column("quarantined", "BIGINT", "Lines in rejected_line."),
            Column("blank", "BIGINT", "Lines with nothing on them."),
        ),
    ),
    "follow_lag": (
        "How far follow mode is behind its files: a row a file, written in the transaction of what was read of it.",
        (
            Column("path", "VARCHAR", "The file's path."),
            Column("device", "UBIGINT", "Number of the device that it lies on."),
            Column("inode", "UBIGINT", "Its number there."),
            Column("lag_bytes", "BIGINT", "Bytes of it that were not read then; a last line that waits for its end is among them."),
            Column("lag_us", "BIGINT", "How long the first of what was read had waited, microseconds."),
            Column("committed_us", "BIGINT", "When that was committed: the last success, microseconds UTC of the machine that reads."),
        ),
    ),
    "touched_run": (
        "Runs whose models are older than their events: written in the transaction of the events, emptied by the refresh of the models.",
        (Column("run_id", "VARCHAR", "A run with new events; may be here more than once."),),
    ),
    "kind_role": (
        "What the kinds of a run mean to the generic detectors, as its source or its mapping file declares.",
        (
            Column("run_id", "VARCHAR", "The run."),
            Column("kind", "VARCHAR", "A kind of event."),
            Column("role", "VARCHAR", "The part that it plays: acquired, released, started, ended, placed and so on (ingest.roles)."),
            Column("activity", "VARCHAR", "What it is a part of; kinds of one activity are held against each other."),
            Column("thing_role", "VARCHAR", "Role of the object that it is about: `subject`, or the role of a ref."),
            Column("holder_role", "VARCHAR", "Role of the ref that says who holds or runs it; null where nobody is named."),
            Column("operation_role", "VARCHAR", "Role of the ref that an attempt and its answer share."),
            Column("scope_role", "VARCHAR", "Role of the ref that says what it is a part of."),
            Column("within_us", "BIGINT", "How soon what plays this role has to come; null where nothing says so."),
            Column("is_whole", "BOOLEAN", "Nothing was going on before the log's first event."),
        ),
    ),
    "made_by": (
        "What made this database: one row. One of another schema or engine is opened by `timeline db migrate` only.",
        (
            Column("program", "VARCHAR", "decision-timeline, always."),
            Column("schema_fingerprint", "VARCHAR", "ingest.schema.fingerprint() of the program that made it."),
            Column("duckdb_version", "VARCHAR", "The engine that made it."),
            Column("schema_number", "BIGINT", "ingest.schema.NUMBER of that program: a larger one than its own is newer than a program."),
            Column("hash_sample", "UBIGINT", "hash() of the program's name by that engine: others are the same where this one is."),
        ),
    ),
    "recording": (
        "What a replay needs, from the recording.* lines. No model or detector reads it.",
        (
            Column("run_id", "VARCHAR", "The run that was recorded."),
            Column("event_id", "VARCHAR", "Id of the line."),
            Column("kind", "VARCHAR", "recording.started, recording.effects, recording.ended."),
            Column("data", "JSON", "The line's own fields; null for recording.effects, whose rows are in `effect`."),
            Column("content_hash", "UBIGINT", "Hash of the line, to tell a duplicate from a conflict."),
        ),
    ),
    "effect": (
        "The effect journal, from recording.effects lines. No model or detector reads it.",
        (
            Column("run_id", "VARCHAR", "The run that was recorded."),
            Column("program", "VARCHAR", "The program that asked."),
            Column("n", "BIGINT", "Number of the effect in that program, from 0."),
            Column("effect", "VARCHAR", "What was asked."),
            Column("outcome", "VARCHAR", "What became of it."),
            Column("revision", "BIGINT", "The store's revision at which it took place."),
            Column("digest", "VARCHAR", "Digest of the answer."),
        ),
    ),
}


def own_types(decision: type[Decision]) -> dict[str, str]:
    """The kind's own fields, in the order of the class, and the DuckDB type of each."""
    return {name: _duckdb_type(field.annotation) for name, field in decision.model_fields.items()}


def own_columns(decision: type[Decision], *, is_told: bool = True) -> list[Column]:
    """The kind's own fields as columns, in the order of the class; where `is_told` is off, without their sentences."""
    told = sentences(decision) if is_told else {}
    return [Column(name, type_, told.get(name, "")) for name, type_ in own_types(decision).items()]


def _duckdb_type(annotation: Any) -> str:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(arg for arg in typing.get_args(annotation) if arg is not type(None))
    annotation = getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation
    return _TYPES.get(annotation, "JSON")


def family_columns(family: str, *, is_told: bool = True) -> list[Column]:
    """The own fields of all kinds of a family, each once; a name has one type in the whole family."""
    columns: dict[str, Column] = {}
    for decision in FAMILIES[family]:
        for column in own_columns(decision, is_told=is_told):
            known = columns.setdefault(column.name, column)
            if known.type != column.type:
                raise TypeError(f"{decision.__name__}.{column.name} is {column.type}, elsewhere in {family} it is {known.type}")
    return list(columns.values())


def typed_families() -> list[str]:
    """The families whose events are kept in a typed table; recordings are kept apart from decisions."""
    return [family for family in FAMILIES if family != RECORDING]


def family_table(family: str) -> str:
    """Name of a family's typed table."""
    return f"{family}_event"


def view_name(kind: str) -> str:
    """Name of a kind's view: `worker.parked` is `worker_parked`."""
    return kind.replace(".", "_")


def statements(*, is_told: bool = True) -> list[str]:
    """Every statement that makes an empty database: tables, comments, views. No index, no key (docs/decisions).

    Where `is_told` is off, the comments are empty: nobody has to read the source for them.
    """
    made: list[str] = []
    for table, (doc, columns) in TABLES.items():
        made += _create_table(table, doc, columns)
    for family in typed_families():
        doc = f"The own fields of every event of the family {family}, beside the envelope."
        made += _create_table(family_table(family), doc, (*ENVELOPE, *family_columns(family, is_told=is_told)))
    for kind, decision in KINDS.items():
        if decision.family != RECORDING:
            made += _create_view(kind, decision)
    return made


@functools.cache
def fingerprint() -> str:
    """Identifies this schema by the names, types and order of all columns; sentences that explain them make no difference."""
    made = [statement for statement in statements(is_told=False) if not statement.startswith("COMMENT ")]
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def _literal(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _create_table(table: str, doc: str, columns: typing.Sequence[Column]) -> list[str]:
    body = ", ".join(f'"{column.name}" {column.type}' for column in columns)
    comments = [f'COMMENT ON COLUMN "{table}"."{column.name}" IS {_literal(column.doc)}' for column in columns]
    return [f'CREATE TABLE "{table}" ({body})', f'COMMENT ON TABLE "{table}" IS {_literal(doc)}', *comments]


def _create_view(kind: str, decision: type[Decision]) -> list[str]:
    view = view_name(kind)
    names = ", ".join(f'"{column.name}"' for column in (*ENVELOPE, *own_columns(decision, is_told=False)))
    rows = f'"{family_table(decision.family)}" WHERE kind = {_literal(kind)}'
    return [
        f'CREATE VIEW "{view}" AS SELECT make_timestamp(coalesce(commit_us, ts_us)) AS "time", {names} FROM {rows}',
        f'COMMENT ON VIEW "{view}" IS {_literal(decision.__doc__ or "")}',
    ]


def json_schema() -> dict[str, Any]:
    """JSON Schema of one line: the envelope, and for a known kind the schema of its `data`. Other fields are allowed, and kept."""
    schema = described_schema(Event)
    del schema["additionalProperties"]
    definitions = schema.setdefault("$defs", {})
    rules = []
    for kind, decision in KINDS.items():
        own = described_schema(decision)
        del own["additionalProperties"]
        definitions.update(own.pop("$defs", {}))
        definitions[decision.__name__] = own
        rules.append(
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"properties": {"data": {"$ref": f"#/$defs/{decision.__name__}"}}},
            }
        )
    schema["allOf"] = rules
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
