"""From a mapping file to the SELECT that turns a chunk of its lines to native text, thousands at a time.

Only names of our own (`f0`, `m3`) get into the text; every text of the mapping is bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import duckdb

from ingest.envelope import text_of
from ingest.mapping import PLACEHOLDER, Line, MappingFile, Reference, Rule, Time, merged
from ingest.shapes import types_of

_UNIT_US = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}
_NO_TEXT = "NULL::VARCHAR"
_NO_REFS = "[]::STRUCT(role VARCHAR, kind VARCHAR, id VARCHAR)[]"


def select_of(mapping: MappingFile) -> tuple[str, dict[str, str]]:
    """The SELECT from `chunk`, with `$run` and the parameters that are given beside it.

    Raises ValueError for a field that is not there, and for what DuckDB cannot use: a regular expression or a format of time.
    """
    writer = _Writer(mapping)
    parts = writer.parts()  # names the fields that are used, so it goes first
    parts["fields"] = writer.fields()
    text = text_of("mapping.sql")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    _try(text, writer.bound)
    return text, writer.bound


def _try(select: str, bound: dict[str, str]) -> None:
    """Read one empty line, so that what cannot be used is told before a log is."""
    with duckdb.connect() as database:
        database.execute(text_of("macros.sql"))
        database.execute("CREATE TEMP TABLE chunk AS SELECT 0 AS idx, 0::BIGINT AS byte_offset, '' AS raw")
        try:
            database.execute(select, {"run": "run", **bound})
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0]) from None


class _Writer:
    """Writes the parts of the SELECT, and notes which fields they use and what is to be bound."""

    def __init__(self, mapping: MappingFile) -> None:
        self.mapping = mapping
        self.says = [merged(rule, mapping.every) for rule in mapping.event]
        self.bound: dict[str, str] = {}
        self.columns: dict[str, str] = {}

    def parts(self) -> dict[str, str]:
        line = self.mapping.line
        parts = {
            "is_skipped": f"regexp_matches(raw, {self.bind(line.skip)})" if line.skip else "false",
            "is_fit": f"regexp_matches(raw, {self.bind(line.regex)})" if line.regex else "true",
            "run": self.bind(self.mapping.run),
            "rule": self.rule(),
            "at_us": self.by_rule(lambda said: self.at_us(self.mapping.time, said["at"])),
            "clock": "byte_offset" if self.mapping.order == "file" else "NULL::BIGINT",
            "kind": self.by_rule(lambda said: self.template(said["kind"])),
            "event_id": self.by_rule(lambda said: self.template(said["event_id"]) if said["event_id"] else self.digest()),
            "seq": self.by_rule(lambda said: self.integer(said["seq"])),
            "subject_kind": self.by_rule(lambda said: self.template(said["subject"].kind)),
            "subject_id": self.by_rule(lambda said: self.template(said["subject"].id)),
            "refs": self.by_rule(lambda said: self.refs(said["refs"])),
            "caused_by": self.by_rule(lambda said: self.texts(said["caused_by"])),
            "data": self.by_rule(lambda said: self.object(said["data"], said["kind"])),
        }
        return parts | {name: self.by_rule(self.envelope(name)) for name in ("actor", "incarnation", "workload", "outcome", "reason")}

    def envelope(self, name: str) -> Callable[[dict[str, Any]], str]:
        """Writes a field of the envelope that may be left out."""
        return lambda said: self.template(said[name]) if said[name] else _NO_TEXT

    def bind(self, text: str) -> str:
        """A parameter that stands for this text; the same text has one parameter."""
        known = next((name for name, bound in self.bound.items() if bound == text), None)
        name = known or f"m{len(self.bound)}"
        self.bound[name] = text
        return f"${name}"

    def column(self, field: str) -> str:
        """The column of a field of the line."""
        return self.columns.setdefault(field, f"f{len(self.columns)}")

    def by_rule(self, write: Callable[[dict[str, Any]], str]) -> str:
        """What each rule says, or simply what all of them say."""
        written = [write(said) for said in self.says]
        if len(set(written)) == 1:
            return written[0]
        return "CASE rule " + " ".join(f"WHEN {number} THEN {text}" for number, text in enumerate(written)) + " END"

    def rule(self) -> str:
        """The number of the first rule that fits, or of each in a row of its own; NULL where none does."""
        is_told = "is_fit AND NOT is_skipped"
        fitting = [f"CASE WHEN {self.condition(rule)} THEN {number} END" for number, rule in enumerate(self.mapping.event)]
        if self.mapping.says == "first":
            return f"CASE WHEN {is_told} THEN coalesce({', '.join(fitting)}) END"
        found = f"CASE WHEN {is_told} THEN list_filter([{', '.join(fitting)}], lambda number: number IS NOT NULL) END"
        return f"unnest(coalesce(nullif({found}, []), [NULL]))"

    def condition(self, rule: Rule) -> str:
        """Whether a rule fits."""
        wanted = ((self.column(field), (values,) if isinstance(values, str) else values) for field, values in rule.when.items())
        parts = [f"coalesce({column}, '') IN ({', '.join(map(self.bind, values))})" for column, values in wanted]
        return " AND ".join([*parts, *([f"{self.column(rule.at)} IS NOT NULL"] if rule.at else [])]) or "true"

    def digest(self) -> str:
        """The identity of an event by the text of its line, and by which of the line's events it is."""
        return "left(sha256(raw), 20)" + (" || '-' || rule" if self.mapping.says == "all" else "")

    def template(self, text: str) -> str:
        """A text with its placeholders filled in; NULL where a field is absent."""
        pieces = PLACEHOLDER.split(text)
        parts = (self.first_of(piece) if number % 2 else self.bind(piece) for number, piece in enumerate(pieces) if number % 2 or piece)
        return "(" + " || ".join(parts) + ")"

    def first_of(self, names: str) -> str:
        """The first of the fields `a|b` that is there; `=text` at the end stands for itself."""
        return (
            f"coalesce({', '.join(self.bind(name[1:]) if name.startswith('=') else self.column(name) for name in names.split('|'))}, NULL)"
        )

    def integer(self, text: str | None) -> str:
        """A text as a number of JSON."""
        return self.typed(self.template(text) if text else _NO_TEXT, "BIGINT")

    def typed(self, text: str, duckdb_type: str) -> str:
        """A text as JSON of a type; one that is none stays text, and its line is refused."""
        return f"coalesce(to_json(try_cast({text} AS {duckdb_type})), to_json({text}))"

    def refs(self, refs: tuple[Reference, ...]) -> str:
        if not refs:
            return _NO_REFS
        items = (f"{{role: {self.template(ref.role)}, kind: {self.template(ref.kind)}, id: {self.template(ref.id)}}}" for ref in refs)
        return f"list_filter([{', '.join(items)}], lambda ref: ref.id <> '')"

    def texts(self, templates: tuple[str, ...]) -> str:
        return f"list_filter([{', '.join(map(self.template, templates))}]::VARCHAR[], lambda text: text <> '')"

    def object(self, data: dict[str, str], kind: str) -> str:
        """A JSON object without the names whose value is absent. Fields of a known kind have the type that it declares."""
        types = types_of(kind)
        values = ((name, self.template(text)) for name, text in data.items())
        pairs = ", ".join(f"{self.bind(name)}, {self.typed(text, types[name]) if name in types else text}" for name, text in values)
        whole = "CASE WHEN json_valid(raw) THEN raw END" if self.mapping.line.keeps_all else "'{}'"
        return f"json_merge_patch({whole}, json_object({pairs}))" if data or self.mapping.line.keeps_all else "'{}'::JSON"

    def at_us(self, time: Time, field: str | None) -> str:
        """Microseconds since 1970 UTC, as a number too large to overflow. `field` says it in place of the time's own."""
        name = field or time.field
        if name is None:
            return f"epoch_us({self.bind(time.origin)}::TIMESTAMPTZ)::HUGEINT"
        column = self.column(name)
        if time.format is None:
            return f"epoch_us({self.bind(time.origin)}::TIMESTAMPTZ) + {_number_us(column, time.unit)}"
        formatted = f"utc_us({column})" if time.format == "iso" else f"epoch_us(try_strptime({column}, {self.bind(time.format)}))"
        return f"{formatted}::HUGEINT" + (f" + {_number_us(self.column(time.plus), time.unit)}" if time.plus else "")

    def fields(self) -> str:
        """Each field that is used, as a column; NULL where the line lacks it, or says a text that stands for nothing."""
        line, absent = self.mapping.line, [self.bind(text) for text in ("", *self.mapping.line.absent)]
        return ", ".join(
            f"CASE WHEN {text} NOT IN ({', '.join(absent)}) THEN {text} END AS {column}"
            for column, text in ((column, self.field(line, field)) for field, column in self.columns.items())
        )

    def field(self, line: Line, field: str) -> str:
        groups = re.compile(line.regex).groupindex if line.regex else {}
        if field in groups:
            assert line.regex is not None
            return f"regexp_extract(raw, {self.bind(line.regex)}, {groups[field]})"
        if line.form == "json":
            path = "$" + "".join(f'."{name}"' for name in field.split("."))
            return f"json_extract_string(CASE WHEN json_valid(raw) THEN raw END, {self.bind(path)})"
        if line.form == "csv" and field in line.columns:
            return _column_of_csv(self.bind(line.separator), line.columns.index(field) + 1)
        if line.form == "pairs":
            rest = f"regexp_extract(raw, {self.bind(line.regex)}, {groups['rest']})" if "rest" in groups and line.regex else "raw"
            between = re.escape(line.separator.strip()) + r"\s*" if line.separator.strip() else r"\s+"
            pattern = rf"(?:^|{between}){re.escape(field)}=(\"[^\"]*\"|.*?)\s*(?:{between}|$)"
            return f"trim(regexp_extract({rest}, {self.bind(pattern)}, 1), '\"')"
        raise ValueError(f"the field {field!r} is no column of [line], and no named group of its regex")


def _column_of_csv(separator: str, number: int) -> str:
    """A column, without spaces around it and without quotes; in quotes it may hold separators, and a quote as two."""
    plain = f"trim(list_extract(string_split(raw, {separator}), {number}))"
    one = f'regexp_escape({separator}) || \'\\s*("(?:[^"]|"")*"|[^\' || regexp_escape({separator}) || \']*)\''
    quoted = f"trim(list_extract(regexp_extract_all({separator} || raw, {one}, 1), {number}))"
    bare = f"CASE WHEN starts_with({quoted}, '\"') THEN replace({quoted}[2:-2], '\"\"', '\"') ELSE {quoted} END"
    return f"CASE WHEN contains(raw, '\"') THEN {bare} ELSE {plain} END"


def _number_us(column: str, unit: str) -> str:
    many, parts = _UNIT_US[unit]
    whole = f"try_cast({column} AS BIGINT)::HUGEINT * {many} // {parts}"
    return f"CASE WHEN contains({column}, '.') THEN (try_cast({column} AS DECIMAL(28, 6)) * {many} / {parts})::HUGEINT ELSE {whole} END"
