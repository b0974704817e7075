r"""Mapping files: how lines that somebody else's program wrote become decision events, said in TOML and not in code.

    title = "Lock log of …"
    run = "lock_log"                        # run_id where none is given
    is_whole = true                         # nothing was going on before the first line

    [line]                                  # how a line is taken apart into fields
    form = "pairs"                          # json, pairs (key=value), csv or text
    regex = '^(?P<when>\S+) (?P<rest>.*)$'   # named groups are fields; for pairs, the group `rest` holds them
    skip = '^#'                             # lines that hold no event on purpose; they count as blank

    [time]                                  # a format of strptime, or a number of units since `origin` or 1970
    field = "when"
    format = "%Y-%m-%d %H:%M:%S"

    [every]                                 # what holds for every event; "{field}" stands for a field's text
    actor = "server/main"
    subject = { kind = "lock", id = "{LockID}" }
    refs = [{ role = "client", kind = "client", id = "{ClientID}" }]

    [[event]]                               # the first whose `when` fits says what the line is; with `says = "all"`, each that fits
    when = { Type = "LOCK", Result = ["OK", "DONE"] }
    kind = "lock.granted"

    [activity.lock]                         # what the kinds mean to the generic detectors: ingest/roles.py

A line that no `[[event]]` fits is refused as `unmapped`, and so is kept in rejected_line.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingest.errors import UsageError
from ingest.roles import Activity, rows_of
from ingest.sniff import Source

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


Template = Annotated[str, Field(min_length=1)]
"""Text in which `{name}` stands for a field of the line; without that field there is no text. `{a|b|=text}` stands for the
first of several fields that is there, and for `text` where none is."""
Regex = Annotated[str, AfterValidator(_compiles)]


class Part(BaseModel):
    """Base of the parts of a mapping: closed, so that a misspelt key is told and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(Part):
    """How a line is taken apart into fields."""

    form: Literal["json", "pairs", "csv", "text"]
    regex: Regex | None = None
    """Its named groups are fields. Lines that it does not fit are refused."""
    skip: Regex | None = None
    """Lines that hold no event on purpose; they count as blank."""
    separator: str = ","
    """What stands between two columns, or two pairs; spaces around it do not matter."""
    columns: tuple[str, ...] = ()
    """Names of the columns of csv, in order. A shorter row lacks the last."""
    absent: tuple[str, ...] = ()
    """Texts that stand for no value, such as `null`."""
    keeps_all: bool = False
    """All fields of a line of JSON are kept in `data`."""

    @model_validator(mode="after")
    def _is_enough(self) -> Self:
        if self.form == "text" and not self.regex:
            raise ValueError("lines of form text need a regex with named groups")
        if self.form == "csv" and not self.columns:
            raise ValueError("lines of form csv need columns")
        if self.columns and self.form != "csv":
            raise ValueError("columns are for lines of form csv")
        if self.keeps_all and self.form != "json":
            raise ValueError("keeps_all is for lines of form json")
        return self


class Time(Part):
    """When it happened."""

    field: str | None = None
    """The field that says it; without one everything happened at `origin`."""
    format: str | None = None
    """Its format for strptime, `iso` for ISO 8601; without one it is a number of units."""
    unit: Literal["s", "ms", "us", "ns"] = "s"
    """What the number counts, of `field` or of `plus`."""
    origin: str = "1970-01-01T00:00:00Z"
    """Where the number counts from."""
    plus: str | None = None
    """A field with a number of units to add to the formatted time."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        if self.plus and not self.format:
            raise ValueError("plus is added to a formatted time, so it needs format")
        return self


class Object(Part):
    """An object that an event touches."""

    kind: Template
    id: Template


class Reference(Object):
    """Another object, with the part that it plays."""

    role: Template


class Saying(Part):
    """What an event says; `[[event]]` goes before `[every]`."""

    event_id: Template | None = None
    """Without one, the line's own text is its identity: the same line again is the same event."""
    actor: Template | None = None
    incarnation: Template | None = None
    seq: Template | None = None
    """Number of the event in its actor's own stream: a hole is a lost event."""
    subject: Object | None = None
    refs: tuple[Reference, ...] = ()
    caused_by: tuple[Template, ...] = ()
    workload: Template | None = None
    outcome: Template | None = None
    reason: Template | None = None
    data: dict[str, Template] = {}


class Rule(Saying):
    """One sort of event."""

    kind: Template
    when: dict[str, str | tuple[str, ...]] = {}
    """Field to the value, or values, that it must have; "" for a field that is absent. All must fit."""
    at: str | None = None
    """The field that says when, in the form of `[time]`, where it is another. A line without it does not say this event."""


class MappingFile(Part):
    """A whole mapping file."""

    title: str
    run: str
    is_whole: bool = False
    """Nothing was going on before the log's first line. Never say so of a log whose beginning may be missing."""
    order: Literal["time", "file"] = "time"
    """`file`: one program wrote the file in the order of its decisions, so lines of one moment follow each other as they stand."""
    says: Literal["first", "all"] = "first"
    """`all`: a line says every event that fits it, as a row of a job does that has a column for each of its moments."""
    line: Line
    time: Time
    every: Saying = Saying()
    event: tuple[Rule, ...] = Field(min_length=1)
    activity: dict[str, Activity] = {}

    @model_validator(mode="after")
    def _says_who_and_what(self) -> Self:
        for rule in self.event:
            for name in ("actor", "subject"):
                if getattr(rule, name) is None and getattr(self.every, name) is None:
                    raise ValueError(f"the event {rule.kind} has no {name}; say it there or in [every]")
        return self


def mapping_source(name: str) -> Source:
    """The source that a mapping file describes: a path, or the name of a shipped one. Raises UsageError."""
    from ingest.mapping_sql import select_of

    text = _text(name)
    try:
        mapping = MappingFile.model_validate(tomllib.loads(text), strict=False)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"reading the mapping {name}: it is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"reading the mapping {name}: {place}: {first['msg']}; see ingest/mapping.py for the form") from None
    try:
        select, bound = select_of(mapping)
    except ValueError as error:
        raise UsageError(f"reading the mapping {name}: {error}") from None
    version = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Source(
        name=f"mapping {Path(name).stem} {version}",
        title=mapping.title,
        select=select,
        bound=tuple(bound.items()),
        is_json=mapping.line.form == "json",
        says_many=mapping.says == "all",
        clock_is_place=mapping.order == "file",
        roles=rows_of(mapping.activity, mapping.is_whole),
    )


def shipped() -> list[str]:
    """Names of the mappings that come with the program."""
    files = resources.files("ingest").joinpath("mappings").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def _text(name: str) -> str:
    if name in shipped():
        return resources.files("ingest").joinpath("mappings", f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"reading the mapping {name}: {why}; the shipped ones are {', '.join(shipped())}") from None


def merged(rule: Rule, every: Saying) -> dict[str, Any]:
    """What an event of this rule says; what the rule leaves out is as in `[every]`, and data and refs of both count."""
    own = {name: getattr(rule, name) or getattr(every, name) for name in Saying.model_fields}
    return own | {"refs": (*every.refs, *rule.refs), "data": every.data | rule.data, "kind": rule.kind, "at": rule.at}
