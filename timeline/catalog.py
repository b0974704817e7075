"""The .sql files of the analysis: found by listing a folder, documented by their own header, ordered by what they read.

A query is one file. Its path below the folder is its name (`warm_pool/stale_hot_idle`). Its header is the comment
that it begins with, and holds only what a machine cannot know:

    -- Hot-idle worker kept past its TTL.              the title, one line
    --
    -- A parked worker must be reused or retired …     what it means, one paragraph or more
    --
    -- severity: warning                               `key: value`; a line indented by two or more goes on with the value
    -- param grace_us: 30000000  how long past …       a parameter `$grace_us`, its default and a sentence
    -- column ttl_us: the TTL in force                 a sentence for a column

What a machine can know is read from the statement as DuckDB parses it: the tables that it reads, its parameters, its
columns. Nothing is registered anywhere.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ingest import schema
from ingest.database import first_row
from ingest.errors import TimelineError
from ingest.events import KINDS

_EVERY_EVENT = frozenset({"event", "event_object"})

MODELS = Path(__file__).parent / "models"
DETECTORS = Path(__file__).parent / "detectors"


class CatalogError(TimelineError):
    """A .sql file of ours that cannot be used; the message names file and line, and what to write."""


@dataclass(frozen=True)
class Param:
    """A parameter `$name` of a query. Values are integers; those that end in `_us` are microseconds."""

    name: str
    default: int
    doc: str


@dataclass(frozen=True)
class Query:
    """One .sql file."""

    name: str
    """Its path below the folder, without the suffix."""
    path: Path
    sql: str
    """The whole text, header included: it can be executed as it is, with `defaults` bound."""
    title: str
    meaning: str
    fields: Mapping[str, str]
    """The header's other keys: severity, source, says, alert_for, impact, diagnosis, mitigation; of a gauge otherwise."""
    params: tuple[Param, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    """Documented columns: name to sentence."""
    inputs: tuple[str, ...] = ()
    """Tables and views that the statement reads, in order of name."""

    @property
    def defaults(self) -> dict[str, int]:
        """The parameters and their defaults, as DuckDB binds them."""
        return {param.name: param.default for param in self.params}


def read(folder: Path) -> dict[str, Query]:
    """Every query below `folder`, by name, in order of name. Raises CatalogError."""
    queries: dict[str, Query] = {}
    for path in sorted(folder.rglob("*.sql")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        queries[name] = _parse(name, path, path.read_text(encoding="utf-8"))
    return queries


@functools.cache
def _parse(name: str, path: Path, sql: str) -> Query:
    """The query that a file of that text holds; a process parses a text once."""
    header = _header(path, sql.splitlines())
    inputs, used = _read_and_bound(path, sql)
    declared = sorted(param.name for param in header["params"])
    if declared != used:
        raise CatalogError(
            f"{path}:1: the header declares the parameters {declared} and the statement uses {used}; "
            "write one line `-- param <name>: <default> <sentence>` for each that is used"
        )
    return Query(name=name, path=path, sql=sql, inputs=inputs, **header)


def ordered(queries: Mapping[str, Query]) -> list[Query]:
    """The queries so that each comes after those that it reads; else in order of name. Raises CatalogError on a circle."""
    done: dict[str, Query] = {}
    open_path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in open_path:
            circle = " → ".join([*open_path[open_path.index(name) :], name])
            raise CatalogError(
                f"{queries[name].path}:1: these models read each other in a circle: {circle}; let one of them read event_time instead"
            )
        open_path.append(name)
        for needed in queries[name].inputs:
            if needed in queries:
                visit(needed)
        open_path.pop()
        done[name] = queries[name]

    for name in sorted(queries):
        visit(name)
    return list(done.values())


def families(queries: Mapping[str, Query]) -> dict[str, frozenset[str]]:
    """For each query the families of events without which it is sure to be empty; none where it reads every event.

    What it reads counts through the other queries too.
    """
    of_table = {schema.family_table(family): family for family in schema.typed_families()}
    of_table |= {schema.view_name(kind): decision.family for kind, decision in KINDS.items()}
    needed: dict[str, frozenset[str]] = {}
    reads_all: dict[str, bool] = {}
    for query in ordered(queries):
        read = frozenset(of_table[name] for name in query.inputs if name in of_table)
        needed[query.name] = read.union(*(needed[name] for name in query.inputs if name in needed))
        reads_all[query.name] = bool(needed[query.name]) and any(name in _EVERY_EVENT or reads_all.get(name) for name in query.inputs)
    return {name: frozenset() if reads_all[name] else found for name, found in needed.items()}


def present(connection: duckdb.DuckDBPyConnection, run_id: str | None = None) -> frozenset[str]:
    """The families that have an event, in one run or in any that this connection sees."""
    has = (
        f"SELECT {index} WHERE EXISTS (FROM {schema.family_table(family)} WHERE run_id = coalesce($run, run_id))"
        for index, family in enumerate(schema.typed_families())
    )
    rows = connection.execute(" UNION ALL ".join(has), {"run": run_id}).fetchall()
    return frozenset(schema.typed_families()[index] for (index,) in rows)


# ---- the header

KEYS = ("severity", "catalogue", "source", "needs", "says", "alert_for", "impact", "diagnosis", "mitigation")
"""What the header of a detector says."""
OF_GAUGES = ("otherwise",)
"""What the header of a gauge may say."""
_KEY = re.compile(r"(param |column )?([a-z][a-z0-9_]*): *(.*)")


def _header(path: Path, lines: list[str]) -> dict[str, Any]:
    paragraphs: list[str] = [""]
    entries: list[tuple[int, str, str, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.startswith("--"):
            break
        text = line[2:].removeprefix(" ").rstrip()
        match = _KEY.fullmatch(text)
        if match and number > 2:
            entries.append((number, (match[1] or "").strip(), match[2], match[3].strip()))
        elif entries and text.startswith("  "):
            entries[-1] = (*entries[-1][:3], f"{entries[-1][3]} {text.strip()}".strip())
        elif entries and text:
            raise CatalogError(f"{path}:{number}: {text!r} is neither `key: value` nor, indented by two, the rest of the value above")
        elif text:
            paragraphs[-1] = f"{paragraphs[-1]} {text}".strip()
        elif paragraphs[-1]:
            paragraphs.append("")
    title, *meaning = [paragraph for paragraph in paragraphs if paragraph] or [""]
    if not title or not meaning:
        raise CatalogError(f"{path}:1: begin with `-- <title, one line>`, `--`, `-- <what it means, in a paragraph>`, `--`")
    return {"title": title, "meaning": "\n\n".join(meaning), **_entries(path, entries)}


def _entries(path: Path, entries: list[tuple[int, str, str, str]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"": {}, "param": {}, "column": {}}
    for number, sort, key, value in entries:
        if key in found[sort]:
            raise CatalogError(f"{path}:{number}: {sort or 'key'} {key} is here twice; keep one")
        if not sort and key not in (*KEYS, *OF_GAUGES):
            keys = ", ".join((*KEYS, *OF_GAUGES))
            raise CatalogError(f"{path}:{number}: no key {key!r}; the keys are {keys}, `param <name>` and `column <name>`")
        found[sort][key] = _param(path, number, key, value) if sort == "param" else value
    return {"fields": found[""], "params": tuple(found["param"].values()), "columns": found["column"]}


def _param(path: Path, number: int, name: str, value: str) -> Param:
    default, _, doc = value.partition(" ")
    if not re.fullmatch(r"-?[0-9]+", default) or not doc.strip():
        raise CatalogError(f"{path}:{number}: param {name} is {value!r}; write `-- param {name}: <whole number> <sentence>`")
    return Param(name, int(default), doc.strip())


# ---- the statement


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _read_and_bound(path: Path, sql: str) -> tuple[tuple[str, ...], list[str]]:
    """Tables that the statement reads and parameters that it uses, from DuckDB's own tree."""
    with _parser().cursor() as parser:
        row = first_row(parser, "SELECT json_serialize_sql(?)", [sql])
    tree = json.loads(row[0] if row else "{}")
    if tree.get("error") or len(tree.get("statements", [])) != 1:
        line = sql.encode()[: int(tree.get("position") or 0)].count(b"\n") + 1
        raise CatalogError(f"{path}:{line}: {tree.get('error_message', 'not one statement')}; write one SELECT that DuckDB can parse")
    statement = tree["statements"][0]
    used = sorted(entry["key"] for entry in statement.get("named_param_map", []))
    return tuple(sorted(set(_tables(statement["node"], frozenset())))), used


def _tables(node: Any, hidden: frozenset[str]) -> Iterator[str]:
    """Names of tables below `node`. A common table expression hides a table of its name from what comes after it."""
    if isinstance(node, list):
        for child in node:
            yield from _tables(child, hidden)
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE" and node["table_name"] not in hidden:
        yield node["table_name"]
    for entry in (node.get("cte_map") or {}).get("map", []):
        yield from _tables(entry["value"], hidden)
        hidden |= {entry["key"]}
    for key, child in node.items():
        if key != "cte_map":
            yield from _tables(child, hidden)
