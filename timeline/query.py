"""A query that somebody wrote: one SELECT over the tables, for a bounded time."""

from __future__ import annotations

import re
from threading import Timer

import duckdb
import polars as pl

from ingest.errors import UsageError

SECONDS = 30.0
"""How long it may take."""

_NOT_IN_POLARS = re.compile(r"\b(INTERVAL|UNION|BIT|BIGNUM)\b")


def answer(connection: duckdb.DuckDBPyConnection, query: str, seconds: float = SECONDS) -> pl.DataFrame:
    """The answer to a query that may read the tables and nothing else, for at most so many seconds. Raises UsageError.

    That it reads nothing else is the doing of the connection, which is shut off from everything outside its database.
    """
    relation = _relation(connection, query)
    for name, type_ in zip(relation.columns, relation.types, strict=True):
        if _NOT_IN_POLARS.search(str(type_)):
            raise UsageError(f"answering {query!r}: the column {name} is {type_}, which polars has not; cast it to VARCHAR")
    if len(set(relation.columns)) < len(relation.columns):
        raise UsageError(f"answering {query!r}: two columns have the same name; rename one with AS")
    alarm = Timer(seconds, connection.interrupt)
    alarm.start()
    try:
        return pl.DataFrame(relation)
    except duckdb.InterruptException:
        raise UsageError(f"answering {query!r}: it took longer than {seconds:g} s; ask about one run, or less of it") from None
    except duckdb.Error as error:
        raise UsageError(f"answering {query!r}: {_one_line(error)}") from None
    finally:
        alarm.cancel()


def _relation(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    try:
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError(f"answering {query!r}: write one SELECT; nothing here can be changed")
        return connection.sql(statements[0].query)
    except duckdb.Error as error:
        raise UsageError(f"answering {query!r}: {_one_line(error)}") from None


def _one_line(error: duckdb.Error) -> str:
    """What the engine says, without its drawing of the query."""
    return " ".join(str(error).partition("\n\n")[0].split())
