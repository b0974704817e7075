"""A database of another version of this program becomes one of this version, with everything in it: events, refused lines, ledger.

A new one is made beside it, as `ingest.database.create` makes one, and filled column by column, by name. What the program derives
it derives again: the typed tables of the families from the events' data, and the models from the events. When the new one is whole
and on the disk it takes the name of the old one, in one rename; the old one has a second name by then, and stays under that. So a
kill at any moment leaves the old one or the new one, and the same command goes on from there.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import duckdb
from pydantic import BaseModel, Field

from ingest import schema
from ingest.batch import insert_typed
from ingest.database import (
    INGEST_LIMITS,
    LOCK_TIMEOUT_SECONDS,
    beside,
    connected,
    draft_of,
    duckdb_errors,
    first_row,
    locked,
    made_in,
    number_of,
    put_in_place,
    storage_errors,
    sync,
)
from ingest.errors import DatabaseUnusable
from ingest.judging import note_partial
from ingest.maker import Maker, maker_of, this_program
from ingest.recover import merge_log
from ingest.shapes import Shape, is_typed_shape, is_whole_shape

EVENTS_AT_ONCE = 50_000
"""So many numbers of events a transaction; it bounds what is in memory."""
_OLD = '"the old/one"'
"""The name of the old database in statements. DuckDB names others by their files, which have no such name."""
_MADE_ANEW = frozenset({"made_by", "touched_run", *map(schema.family_table, schema.typed_families())})
"""Tables of which nothing is copied."""
_PARSED = """
    CREATE OR REPLACE TEMP TABLE parsed AS
    SELECT {columns}, event_no - $first AS idx,
        coalesce(array_to_string(json_keys(data), chr(31)), '') AS own_names,
        coalesce(array_to_string(json_type(data, '$.*'), chr(31)), '') AS own_types
    FROM (SELECT event_no, {columns} FROM event WHERE event_no >= $first AND event_no < $first + $most)"""
"""What `ingest.judging` leaves of a chunk, as far as the typed tables need it."""


class Left(BaseModel):
    """What this version has no place for. It is in the old file, and there only."""

    what: str
    """A table, or a column as `table.column`."""
    rows: int
    """Rows that say something there."""


class Migration(BaseModel):
    """What became of a database."""

    database: str
    was: str
    """The version that made it."""
    now: str
    """The version that it is of now."""
    kept: str | None = None
    """Where the old one is; null where nothing was to be done."""
    events: int = 0
    """Events that are in it."""
    left: list[Left] = Field(default=[])
    """What the old one has more."""


class _Found(NamedTuple):
    """The old database."""

    made: Maker
    ours: Maker
    events: int


def migrate(
    path: Path,
    derived: Collection[str] = (),
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    on_wait: Callable[[str], None] = lambda message: None,
    on_progress: Callable[[int, int], None] = lambda events, of: None,
) -> Migration:
    """Make a database of another version one of this version. One of this version stays as it is.

    `derived` are tables that somebody makes again from the events. `on_progress` hears how many events of how many are there.
    Raises DatabaseBusy, StorageFailed, DatabaseUnusable (there is none, it is not ours, a newer version made it): unchanged.
    """
    if not path.exists():
        raise DatabaseUnusable(f"migrating {path}: there is no such database; `timeline ingest` makes one")
    with storage_errors("migrating", path):
        lock = locked(path, fcntl.LOCK_EX, lock_timeout_seconds, on_wait)
        try:
            found = _look(path)
            told = Migration(database=str(path), was=str(found.made), now=str(found.ours), events=found.events)
            if found.made.is_same_as(found.ours):
                return told
            if beside(path, ".wal").exists():
                merge_log(path)
            return _migrated(path, found, derived, told, on_progress)
        finally:
            os.close(lock)


def _look(path: Path) -> _Found:
    """Who made it and how much is in it, with its log of changes if it has one. Raises DatabaseUnusable."""
    connection = connected(path, INGEST_LIMITS, is_writable=False, may_be_older=True)
    try:
        made = maker_of(connection)
        assert made is not None, "opening it has said whose it is"
        return _Found(made, this_program(connection), number_of(connection, "SELECT count(*) FROM event"))
    finally:
        with suppress(duckdb.Error):
            connection.close()


def _migrated(path: Path, found: _Found, derived: Collection[str], told: Migration, on_progress: Callable[[int, int], None]) -> Migration:
    real = path.resolve()
    draft = draft_of(real)
    try:
        with duckdb_errors("migrating", path), made_in(_beside(draft, path)) as connection:
            told.left = _filled(connection, path, found, derived, on_progress)
        shutil.copymode(real, draft)
        kept = _keep(real, found)
        put_in_place(draft, real)
    except BaseException:
        with suppress(OSError):
            draft_of(real)  # takes away what there is of it
        raise
    told.kept = str(kept)
    return told


def _beside(draft: Path, old: Path) -> duckdb.DuckDBPyConnection:
    """A new file with the old database attached to be read, as `_OLD`; nothing else outside can be reached then."""
    connection = duckdb.connect(str(draft), config=INGEST_LIMITS.config() | {"enable_external_access": "true"})
    try:
        quoted = str(old).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS {_OLD} (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET preserve_insertion_order = false")
    except BaseException:
        connection.close()
        raise
    return connection


def _keep(path: Path, found: _Found) -> Path:
    """Give the old database a second name, on the disk too: one that nothing has, or that a killed migration gave it."""
    word = found.made.schema_fingerprint if found.made.schema_fingerprint != found.ours.schema_fingerprint else found.made.duckdb_version
    word = re.sub(r"[^0-9A-Za-z.]", "", word)[:32]
    for number in count(1):
        place = path.with_name(f"{path.stem}.before-{word}{f'-{number}' if number > 1 else ''}{path.suffix}")
        if not place.exists() and not beside(place, ".wal").exists():
            os.link(path, place)
        elif not (place.exists() and place.samefile(path)):
            continue
        sync(path.parent)
        return place
    raise AssertionError("numbers do not end")


def _filled(
    connection: duckdb.DuckDBPyConnection, path: Path, found: _Found, derived: Collection[str], on_progress: Callable[[int, int], None]
) -> list[Left]:
    """Copy what the old database holds into the new one, derive what is derived; gives what there is no place for."""
    there, here = _columns(connection, _OLD.strip('"')), _columns(connection, first_row(connection, "SELECT current_database()")[0])
    copies = [_Copy(table, _shared(there, here, table), found) for table in here if table in there and table not in _MADE_ANEW]
    connection.execute("BEGIN")
    try:
        for copy in copies:
            if copy.table == "event":
                _copy_events(connection, copy, on_progress)
            else:
                connection.execute(copy.statement)
    except duckdb.ConversionException as error:
        says = f"a column has become another ({str(error).splitlines()[0]})"
        raise DatabaseUnusable(f"migrating {path}: {says}; nothing was changed. Load its log into a new database.") from error
    connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM event")
    for copy in copies:
        lost = number_of(connection, f"SELECT (SELECT count(*) FROM {_OLD}.{copy.table}) - (SELECT count(*) FROM {copy.table})")
        assert not lost, f"{lost} rows of {copy.table} are missing"
    connection.execute("COMMIT")
    return _left(connection, there, here, {*derived, *_MADE_ANEW})


class _Copy(NamedTuple):
    """A table that is copied, and the columns that both versions have."""

    table: str
    columns: list[str]
    found: _Found

    @property
    def statement(self) -> str:
        """What copies it."""
        is_lost = not self.found.made.hashes_as(self.found.ours)
        values = (f"NULL AS {name}" if is_lost and name == "content_hash" else name for name in self.columns)
        return f"INSERT INTO {self.table} BY NAME SELECT {', '.join(values)} FROM {_OLD}.{self.table}"


def _copy_events(connection: duckdb.DuckDBPyConnection, copy: _Copy, on_progress: Callable[[int, int], None]) -> None:
    """Copy the events in the order of their numbers, some at a time, each time with what the typed tables say of them."""
    known: list[str] = [column.name for column in schema.ENVELOPE if column.name != "event_no"]
    parse = _PARSED.format(columns=", ".join([*known, "data"]))
    done, first = 0, 0
    while (first := first_row(connection, f"SELECT min(event_no) FROM {_OLD}.event WHERE event_no >= ?", [first])[0]) is not None:
        bound = {"first": first, "most": EVENTS_AT_ONCE}
        done += first_row(connection, f"{copy.statement} WHERE event_no >= $first AND event_no < $first + $most", bound)[0]
        connection.execute(parse, bound)
        shapes = connection.execute("SELECT DISTINCT kind, own_names, own_types FROM parsed").fetchall()
        kinds, partial = frozenset(kind for kind, *_ in shapes), {_shape(*shape) for shape in shapes}
        has_partial = note_partial(connection, {shape for shape in partial if not (is_whole_shape(shape) and is_typed_shape(shape))})
        insert_typed(connection, kinds, has_partial, first)
        on_progress(done, copy.found.events)
        first += EVENTS_AT_ONCE


def _shape(kind: str, own_names: str, own_types: str) -> Shape:
    """The shape of an event's data; its envelope was judged when it was loaded."""
    return Shape(kind, "", has_known_keys=True, integers=0, own_names=own_names, own_types=own_types)


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """The tables of a database and their columns, in order."""
    query = """SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
        SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
        WHERE database_name = ? AND schema_name = 'main' GROUP BY table_name ORDER BY table_name"""
    return dict(connection.execute(query, [database]).fetchall())


def _shared(there: dict[str, list[str]], here: dict[str, list[str]], table: str) -> list[str]:
    return [name for name in here[table] if name in there[table]]


def _left(connection: duckdb.DuckDBPyConnection, there: dict[str, list[str]], here: dict[str, list[str]], anew: set[str]) -> list[Left]:
    """Tables and columns of the old database that say something and are not in the new one."""
    gone = {
        (table if table not in here else f"{table}.{name}"): (table, name)
        for table, names in there.items()
        for name in names
        if table not in anew and name not in here.get(table, [])
    }
    return [Left(what=what, rows=rows) for what, (table, name) in gone.items() if (rows := _said(connection, table, what == table, name))]


def _said(connection: duckdb.DuckDBPyConnection, table: str, is_all: bool, name: str) -> int:
    """How many rows of an old table there are, or say something in a column. These names are somebody else's."""
    table, name = (text.replace('"', '""') for text in (table, name))
    counted = "*" if is_all else f'"{name}"'
    return number_of(connection, f'SELECT count({counted}) FROM {_OLD}."{table}"')
