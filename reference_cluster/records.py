"""Durable rows, and what a write to them expects.

A row that was read is something seen, not something owned: every write says what it expects the row to be, and the
store refuses it where the row has moved on (compare and set). `version` counts the writes to a row; `updated_us` is
the store's own clock at the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.events.base import Input


@dataclass(frozen=True, slots=True)
class Row:
    """A durable row as it was read at `revision`."""

    table: str
    key: str
    version: int
    updated_us: int
    revision: int
    fields: Mapping[str, object]
    read_us: int = 0
    """The store's own clock when the row was read: ages of stored times are judged by it, never by a reader's clock."""

    def __getitem__(self, name: str) -> object:
        return self.fields[name]

    def text(self, name: str) -> str:
        """A field that is text."""
        value = self.fields[name]
        assert isinstance(value, str), (self.table, self.key, name, value)
        return value

    def number(self, name: str) -> int:
        """A field that is a whole number."""
        value = self.fields[name]
        assert isinstance(value, int), (self.table, self.key, name, value)
        return value

    def seen(self) -> Input:
        """This reading as an input of a decision: which version, and how long before the reading it was written."""
        return Input(source="store", kind=self.table, id=self.key, version=self.version, age_ms=(self.read_us - self.updated_us) // 1000)

    def age_us(self, column: str) -> int:
        """Age of a stored time, by the store's own clock. `updated_us` is the time of the last write to the row."""
        stored = self.updated_us if column == "updated_us" else self.number(column)
        return self.read_us - stored


class StoreClock:
    """A value that the store fills in with its own clock when it commits."""

    def __repr__(self) -> str:
        return "STORE_NOW"


STORE_NOW = StoreClock()


@dataclass(frozen=True, slots=True)
class Put:
    """Write fields of a row. `expect` holds fields (and `version`, `updated_us`) that must be as given; None: the row must be new."""

    table: str
    key: str
    changes: Mapping[str, object]
    expect: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a row that is as expected."""

    table: str
    key: str
    expect: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, but refuse the whole commit unless this row is as expected."""

    table: str
    key: str
    expect: Mapping[str, object]


Write = Put | Delete | Check


@dataclass(frozen=True, slots=True)
class Change:
    """A committed change as a watch delivers it; `row` is None where the row was deleted."""

    revision: int
    table: str
    key: str
    row: Row | None
