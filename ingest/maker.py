"""Who made a database, in its one row of `made_by`, and whether this program may use it, migrate it, or has to leave it alone."""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from ingest import schema

PROGRAM = "decision-timeline"
_SAMPLE = f"SELECT hash('{PROGRAM}')"
"""A hash that tells whether two engines hash alike."""


class Maker(NamedTuple):
    """A program that made a database. The names are columns of `made_by`; one that a database does not have is as below."""

    program: str = ""
    schema_fingerprint: str = ""
    duckdb_version: str = ""
    schema_number: int = 0
    """Every database without a number is older than the first that has one."""
    hash_sample: int | None = None

    def __str__(self) -> str:
        return f"schema {self.schema_number} ({self.schema_fingerprint}), DuckDB {self.duckdb_version}"

    def is_newer_than(self, other: Maker) -> bool:
        """Whether it may know what the other does not: its schema or its engine came later."""
        numbers = [tuple(map(int, re.findall(r"\d+", maker.duckdb_version)[:3])) for maker in (self, other)]
        return self.schema_number > other.schema_number or numbers[0] > numbers[1]

    def is_same_as(self, other: Maker) -> bool:
        """Whether the other made it as this one would: neither tables nor engine differ."""
        return (self.schema_fingerprint, self.duckdb_version) == (other.schema_fingerprint, other.duckdb_version)

    def hashes_as(self, other: Maker) -> bool:
        """Whether content hashes of the two may be held against each other."""
        if self.hash_sample is None:
            return self.duckdb_version == other.duckdb_version
        return self.hash_sample == other.hash_sample


def this_program(connection: duckdb.DuckDBPyConnection) -> Maker:
    """What this program writes into a database that it makes."""
    ((sample,),) = connection.execute(_SAMPLE).fetchall()
    return Maker(PROGRAM, schema.fingerprint(), duckdb.__version__, schema.NUMBER, sample)


def sign(connection: duckdb.DuckDBPyConnection) -> None:
    """Say in a database that this program made it: the last thing that is written into a new one."""
    connection.execute("INSERT INTO made_by BY NAME SELECT $1 AS program, $2 AS schema_fingerprint, $3 AS duckdb_version, "
                       "$4 AS schema_number, $5 AS hash_sample", list(this_program(connection)))  # fmt: skip


def maker_of(connection: duckdb.DuckDBPyConnection) -> Maker | None:
    """Who made a database; None where it was not this program in any version. A column that is not known here is passed over."""
    try:
        found = connection.execute("FROM made_by LIMIT 1")
    except duckdb.CatalogException:
        return None
    names = [column[0] for column in found.description or []]
    said = dict(zip(names, next(iter(found.fetchall()), ()), strict=False))
    maker = Maker(**{name: value for name, value in said.items() if name in Maker._fields and value is not None})
    fits = all(isinstance(value, type(kept)) for value, kept in zip(maker[:4], Maker()[:4], strict=True))
    return maker if fits and maker.program == PROGRAM else None
