"""Keeps the model tables up to date: only the runs that new events touched are built again, in one transaction.

The text of a model is the same for one run and for all of them. To build a few runs again, temporary tables take the
names of the event tables and hold those runs only; DuckDB finds temporary names first, in views too. A rebuild of
everything gives the same rows as any series of refreshes, because a model never looks across runs.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from ingest import schema
from ingest.database import first_row
from timeline import catalog
from timeline.catalog import CatalogError, Query

VERSION_TABLE = "model_version"

EVENT_TABLES = ("event", "event_object", "event_cause", *map(schema.family_table, schema.typed_families()))
"""Everything that a model may read, beside other models and the views of kinds."""


def refresh(connection: duckdb.DuckDBPyConnection, asked: Iterable[str] | None = None) -> int:
    """Bring every model up to date with the events; the number of runs that were built again.

    All or nothing: readers see the models of before or of after. Needs a connection that may write. Raises CatalogError.
    With `asked` only those tables and what they are made from are made; the others are not there, so that nobody takes one for
    empty. That is for a database in memory, and each refresh of it has to be asked for the same.
    """
    if not is_stale(connection):
        return 0
    with refreshed(connection, asked) as runs:
        return runs


@contextmanager
def refreshed(connection: duckdb.DuckDBPyConnection, asked: Iterable[str] | None = None) -> Iterator[int]:
    """The same, with events and models that belong together for whoever reads inside the `with`, while others go on writing events.

    What they write meanwhile is touched anew: of `touched_run` only the rows go that were there when this began.
    """
    chosen = _chosen(asked)
    connection.begin()
    try:
        if not _same_version(connection):
            _create(connection, chosen)
        runs = _build(connection, chosen)
        connection.execute("DELETE FROM touched_run")
        yield runs
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a commit that could not write has rolled back already
            connection.rollback()
        raise


def is_stale(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether events came since the models were built, or the models are of another version of this program."""
    return not _same_version(connection) or bool(_answer(connection, "SELECT count(*) > 0 FROM touched_run"))


@functools.cache
def models() -> tuple[Query, ...]:
    """The models, each after those that it reads. Raises CatalogError."""
    return tuple(catalog.ordered(catalog.read(catalog.MODELS)))


@contextmanager
def as_of(
    connection: duckdb.DuckDBPyConnection, at_us: int, run_id: str | None = None, asked: Iterable[str] | None = None
) -> Iterator[None]:
    """The models as they were when the log had reached `at_us`, in temporary tables that take the names of the real ones.

    Only this connection sees them, only inside the `with`. Nothing is written, so a read-only connection will do. With `run_id`
    they hold that run only, with `asked` only those tables and what they are made from are there.
    """
    past = f'FROM {_database(connection)}."event_time" WHERE at_us <= $at_us AND run_id = coalesce($run, run_id)'
    # Offsets of clocks stay those of the whole log: what was learned later about a clock is true of earlier times too.
    there = catalog.present(connection)
    later = [model for model in _chosen(asked) if model.name not in {"actor_clock", "event_time"} and _applies(model, there)]
    try:
        _make_temporary(connection, "event_time", past, {"at_us": at_us, "run": run_id})
        for model in later:
            _make_temporary(connection, model.name, model.sql)
        yield
    finally:
        _drop_temporary(connection, ["event_time", *(model.name for model in later)])


def _chosen(asked: Iterable[str] | None) -> list[Query]:
    """The models of these tables and those that they are made from, or all where none are asked for, in the order of `models`."""
    if asked is None:
        return list(models())
    needed = set(asked)
    for model in reversed(models()):
        if model.name in needed:
            needed.update(model.inputs)
    return [model for model in models() if model.name in needed]


def model_tables() -> frozenset[str]:
    """Every table that a refresh makes."""
    return frozenset({VERSION_TABLE, *(path.stem for path in catalog.MODELS.glob("*.sql"))})


def create_statements(connection: duckdb.DuckDBPyConnection, model: Query) -> list[str]:
    """The statements that make the model's empty table, types as DuckDB finds them, comments from its header.

    What it reads must be there. Raises CatalogError where the statement fails or a column is not documented.
    """
    try:
        described = connection.execute(f"DESCRIBE\n{model.sql}").fetchall()
    except duckdb.Error as error:
        raise CatalogError(f"{model.path}: the statement cannot be used: {error}") from None
    names = [row[0] for row in described]
    if sorted(names) != sorted(model.columns):
        missing, extra = sorted(set(names) - set(model.columns)), sorted(set(model.columns) - set(names))
        raise CatalogError(
            f"{model.path}:1: the header must document each column once: write `-- column <name>: <sentence>` for {missing}, remove {extra}"
        )
    columns = ", ".join(f'"{name}" {type_}' for name, type_, *_ in described)
    comments = [f'COMMENT ON COLUMN "{model.name}"."{name}" IS {_literal(model.columns[name])}' for name in names]
    return [f'CREATE TABLE "{model.name}" ({columns})', f'COMMENT ON TABLE "{model.name}" IS {_literal(model.title)}', *comments]


def _create(connection: duckdb.DuckDBPyConnection, chosen: Iterable[Query]) -> None:
    """Make the model tables anew, empty, and mark every run as touched."""
    for model in models():
        connection.execute(f'DROP TABLE IF EXISTS "{model.name}"')
    for model in chosen:
        connection.execute(";\n".join(create_statements(connection, model)))
    connection.execute(f'CREATE OR REPLACE TABLE "{VERSION_TABLE}" AS SELECT $version AS version', {"version": _version()})
    connection.execute(f"COMMENT ON TABLE \"{VERSION_TABLE}\" IS 'Fingerprint of the model files that built the model tables.'")
    connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM event")


def _build(connection: duckdb.DuckDBPyConnection, chosen: Sequence[Query]) -> int:
    """Build the touched runs of the models again; how many runs. With every run touched nothing has to be told apart."""
    main = _database(connection)
    touched = f'run_id IN (SELECT run_id FROM {main}."touched_run")'
    if _answer(connection, f"SELECT count(*) = 0 FROM log_bounds WHERE NOT {touched}"):
        there = catalog.present(connection)
        for model in chosen:
            if _applies(model, there):
                connection.execute(f'DELETE FROM {main}."{model.name}"')
                connection.execute(f'INSERT INTO {main}."{model.name}"\n{model.sql}')
    else:
        for name in EVENT_TABLES:
            _make_temporary(connection, name, f'FROM {main}."{name}" WHERE {touched}')
        there = catalog.present(connection)
        for model in chosen:
            if not _applies(model, there):
                _make_temporary(connection, model.name, f'FROM {main}."{model.name}" LIMIT 0')
                continue
            _make_temporary(connection, model.name, model.sql)
            connection.execute(f'DELETE FROM {main}."{model.name}" WHERE {touched}')
            connection.execute(f'INSERT INTO {main}."{model.name}" FROM temp."{model.name}"')
        _drop_temporary(connection, [*EVENT_TABLES, *(model.name for model in chosen)])
    return int(_answer(connection, "SELECT count(DISTINCT run_id) FROM touched_run"))


def _applies(model: Query, there: frozenset[str]) -> bool:
    """Whether a model can have a row where these families have events. A log of one family costs nothing for the others."""
    families = _families()[model.name]
    return not families or not families.isdisjoint(there)


@functools.cache
def _families() -> dict[str, frozenset[str]]:
    return catalog.families({model.name: model for model in models()})


def _make_temporary(connection: duckdb.DuckDBPyConnection, name: str, query: str, bound: dict[str, Any] | None = None) -> None:
    """Put the rows of a query under a name that hides the real table from this connection."""
    connection.execute(f'CREATE TEMP TABLE "{name}" AS\n{query}', bound or {})


def _drop_temporary(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    for name in names:
        connection.execute(f'DROP TABLE IF EXISTS temp."{name}"')


def _same_version(connection: duckdb.DuckDBPyConnection) -> bool:
    there = _answer(connection, "SELECT count(*) > 0 FROM duckdb_tables() WHERE table_name = $name", {"name": VERSION_TABLE})
    return bool(there and _answer(connection, f"SELECT max(version) FROM {VERSION_TABLE}") == _version())


@functools.cache
def _version() -> str:
    """The fingerprint of the model files, from their text alone: who only reads does not wait for them to be parsed."""
    files = sorted(catalog.MODELS.glob("*.sql"))
    return hashlib.sha256("\0".join(f"{path.stem}\0{path.read_text(encoding='utf-8')}" for path in files).encode()).hexdigest()[:16]


def _database(connection: duckdb.DuckDBPyConnection) -> str:
    """`"database"."main"`: the full name of the schema that holds the real tables."""
    name: str = _answer(connection, "SELECT current_database()")
    return '"' + name.replace('"', '""') + '"."main"'


def _answer(connection: duckdb.DuckDBPyConnection, query: str, bound: dict[str, Any] | None = None) -> Any:
    row = first_row(connection, query, bound or {})
    assert row is not None
    return row[0]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
