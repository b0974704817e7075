"""A judged chunk into the tables, exactly once, in one transaction with the place up to which its file was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from ingest.chunks import Chunk
from ingest.database import number_of
from ingest.events import FAMILIES, KINDS
from ingest.events.recording import RECORDING
from ingest.judging import Judged, Rejected, judge
from ingest.roles import KindRole, load_roles
from ingest.schema import ENVELOPE, family_table, own_types, typed_families
from ingest.sniff import Source

_ENVELOPE_NAMES = ", ".join(column.name for column in ENVELOPE).replace("event_no", "$first + idx AS event_no")
_INSERT_EVENT = f"""INSERT INTO event BY NAME SELECT
    {_ENVELOPE_NAMES}, inputs, data, extra, content_hash, is_conflict, $file AS file_id, byte_offset FROM parsed"""
_RECORDINGS = "kind IN (" + ", ".join(f"'{decision.kind}'" for decision in FAMILIES[RECORDING]) + ")"
_TWINS = "CREATE OR REPLACE TEMP TABLE twin AS SELECT run_id, event_id FROM parsed GROUP BY ALL HAVING count(*) > 1"
_KNOWN_TWINS = """
    UNION SELECT run_id, event_id FROM parsed SEMI JOIN (FROM event WHERE event_no >= $first) AS known USING (run_id, event_id)
    UNION SELECT run_id, event_id FROM parsed SEMI JOIN recording USING (run_id, event_id)"""
_FIRST_OF_RUN = """
    SELECT run_id, min(event_no) FROM (SELECT run_id, event_no FROM event UNION ALL SELECT run_id, $next FROM recording)
    SEMI JOIN parsed USING (run_id) GROUP BY run_id"""
RUNS_REMEMBERED = 100_000
"""A load that meets more of them forgets all, and looks at the tables again."""
_REF = '[{"role":"VARCHAR","kind":"VARCHAR","id":"VARCHAR"}]'


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


class Known:
    """What one load remembers of the tables, so that ids of runs that are new need no look at them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._remember()

    def _remember(self) -> None:
        self.next_no = number_of(self._connection, "SELECT coalesce(max(event_no), 0) + 1 FROM event")
        """Number of the next event."""
        self._is_empty = self.next_no == 1 and not number_of(self._connection, "SELECT count(*) FROM recording")
        self._first_no: dict[str, int] = {}

    def first_no(self) -> int | None:
        """No event of the runs in `parsed` is in a table under a smaller number; None where those runs are new."""
        runs = [run for (run,) in self._connection.execute("SELECT DISTINCT run_id FROM parsed").fetchall()]
        if len(self._first_no) > RUNS_REMEMBERED:
            self._remember()
        if not self._is_empty and any(run not in self._first_no for run in runs):
            self._first_no |= dict(self._connection.execute(_FIRST_OF_RUN, {"next": self.next_no}).fetchall())
        found = min((self._first_no[run] for run in runs if run in self._first_no), default=None)
        self._first_no = dict.fromkeys(runs, self.next_no) | self._first_no
        return found


def load_chunk(
    connection: duckdb.DuckDBPyConnection, known: Known, source: Source, chunk: Chunk, file_id: int, run: str | None
) -> tuple[Counts, list[Rejected]]:
    """Judge one chunk and put its events into the tables; its refused lines are the caller's. Runs inside the caller's transaction."""
    judged = judge(connection, source, chunk, run)
    return store(connection, known, judged, source.roles, file_id), list(judged.rejected)


def store(connection: duckdb.DuckDBPyConnection, known: Known, judged: Judged, roles: tuple[KindRole, ...], file_id: int) -> Counts:
    """Put the events of `parsed` into the tables. Runs inside the caller's transaction."""
    load_roles(connection, roles)
    duplicates, conflicts = _settle_twins(connection, known.first_no())
    events = number_of(connection, "SELECT count(*) FROM parsed") - conflicts
    _insert(connection, known, judged, file_id)
    counts = Counts(judged.lines, events, duplicates, conflicts, len(judged.rejected), judged.blank)
    counts.check()
    return counts


def _settle_twins(connection: duckdb.DuckDBPyConnection, first_no: int | None) -> tuple[int, int]:
    """Find ids that came twice, here or before. Equal content is forgotten; other content stays, and all of it is marked.

    Content whose hash is not known any more (`ingest.migrate`) counts as equal.
    Only events from `first_no` on can be of the same runs; None where no event of those runs is known.
    """
    known = {} if first_no is None else {"first": first_no}
    connection.execute(_TWINS + (_KNOWN_TWINS if known else ""), known)
    if not number_of(connection, "SELECT count(*) FROM twin"):
        return 0, 0
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE fate AS
        WITH rival AS (
            SELECT idx, run_id, event_id, content_hash FROM parsed
            UNION ALL SELECT -1, run_id, event_id, content_hash FROM event WHERE event_no >= $first
            UNION ALL SELECT -1, run_id, event_id, content_hash FROM recording
        )
        SELECT
            idx, run_id, event_id,
            row_number() OVER (PARTITION BY run_id, event_id, content_hash ORDER BY idx) > 1
                OR bool_or(content_hash IS NULL) OVER (PARTITION BY run_id, event_id) AS is_duplicate,
            first_value(content_hash) OVER (PARTITION BY run_id, event_id ORDER BY idx, content_hash) <> content_hash AS is_other,
            min(content_hash) OVER (PARTITION BY run_id, event_id) <> max(content_hash) OVER (PARTITION BY run_id, event_id) AS is_contested
        FROM rival SEMI JOIN twin USING (run_id, event_id)""",
        {"first": first_no},
    )
    duplicates = number_of(connection, "SELECT count(*) FROM fate WHERE idx >= 0 AND is_duplicate")
    conflicts = number_of(connection, "SELECT count(*) FROM fate WHERE idx >= 0 AND NOT is_duplicate AND is_other")
    connection.execute("DELETE FROM parsed WHERE idx IN (SELECT idx FROM fate WHERE is_duplicate)")
    if conflicts:
        contested = "EXISTS (FROM fate WHERE is_contested AND fate.run_id = known.run_id AND fate.event_id = known.event_id)"
        for table in ("parsed", "event"):
            connection.execute(f"UPDATE {table} AS known SET is_conflict = true WHERE {contested}")
    return duplicates, conflicts


def _insert(connection: duckdb.DuckDBPyConnection, known: Known, judged: Judged, file_id: int) -> None:
    if not judged.kinds.isdisjoint(decision.kind for decision in FAMILIES[RECORDING]):
        _insert_recordings(connection)
    numbered: dict[str, Any] = {"first": known.next_no}
    known.next_no += number_of(connection, "SELECT coalesce(max(idx) + 1, 0) FROM parsed")
    connection.execute(_INSERT_EVENT, numbered | {"file": file_id})
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
    insert_typed(connection, judged.kinds, judged.has_partial, numbered["first"])
    # A run that is there already too: a refresh that runs meanwhile takes away the row that it saw, and these events it did not see.
    connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM parsed")


def insert_typed(connection: duckdb.DuckDBPyConnection, kinds: frozenset[str], has_partial: bool, first_no: int) -> None:
    """Put the events of `parsed` that are of these kinds into the tables of their families; `first_no` is the number of idx 0."""
    whole = "idx NOT IN (SELECT idx FROM partial)" if has_partial else "true"
    for family in typed_families():
        if known := tuple(decision.kind for decision in FAMILIES[family] if decision.kind in kinds):
            connection.execute(f"{_insert_family(family, known)} AND {whole}", {"first": first_no})


@lru_cache(256)
def _insert_family(family: str, kinds: Sequence[str]) -> str:
    """Events of some kinds into their family's table. Those that do not say all that their kind requires are left out by the caller.

    One is in `event` all the same, and no model reads what it lacks. Told by the shape of the line and not by a condition on the
    typed fields: DuckDB reads the JSON again for each field that a condition names. Only the kinds that are there, because what
    the statement costs to plan grows with the fields of all of them.
    """
    own = {name: type_ for kind in kinds for name, type_ in own_types(KINDS[kind]).items()}
    fields = ", ".join(f'"{name}":"{type_}"' for name, type_ in own.items())
    parts = f", unnest(from_json(data, '{{{fields}}}'))" if own else ""
    named = ", ".join(f"'{kind}'" for kind in kinds)
    return f"INSERT INTO {family_table(family)} BY NAME SELECT {_ENVELOPE_NAMES}{parts} FROM parsed WHERE kind IN ({named})"


def _insert_recordings(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"""
        INSERT INTO recording BY NAME
        SELECT run_id, event_id, kind, CASE WHEN kind <> 'recording.effects' THEN data END AS data, content_hash
        FROM parsed WHERE {_RECORDINGS}""")
    connection.execute("""
        INSERT INTO effect
        SELECT run_id, did->>0, try_cast(did->>1 AS BIGINT), did->>2, did->>3, try_cast(did->>4 AS BIGINT), did->>5
        FROM (SELECT run_id, unnest(json_extract(data, '$.effects[*]')) AS did FROM parsed WHERE kind = 'recording.effects')""")
    connection.execute(f"DELETE FROM parsed WHERE {_RECORDINGS}")
