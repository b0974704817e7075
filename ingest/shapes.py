"""Shapes: the JSON types of a line's fields. Millions of lines share a few shapes, so each shape is judged once, here.

A shape that is doubted costs its lines a visit to `ingest.strict`; one that passes wrongly costs the truth. So this is
narrower than the strict reader, and a differential test holds the two against each other.
"""

from __future__ import annotations

import types
import typing
from typing import Any, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from ingest.events import KINDS, Event, ObjectId
from ingest.events.recording import RECORDING

_TEXT = frozenset({"VARCHAR"})
_INTEGER = frozenset({"UBIGINT", "BIGINT"})
_JSON_TYPES: dict[object, frozenset[str]] = {str: _TEXT, int: _INTEGER, bool: frozenset({"BOOLEAN"}), float: _INTEGER | {"DOUBLE"}}
_ABSENT = frozenset({"NULL", "'NULL'"})
"""How DuckDB prints the type of a field that is not there, and of one that is null."""
_SEPARATOR = "\x1f"
_DIGITS_18 = 10**18
"""No number of a sound line has more digits, so a bound beyond them needs no look at the value."""


class Shape(NamedTuple):
    """What a group of lines shares; the columns of the same names in `envelope.sql`."""

    kind: str
    types: str
    """JSON type of each envelope field, as DuckDB prints a list; NULL where it is absent or null."""
    has_known_keys: bool
    """Every top-level key is an envelope field, and stands once."""
    integers: int
    """Integer fields of the envelope whose value fits into 64 bits."""
    own_names: str
    """Keys at the top of `data`, with a separator between two; one that stands twice is here twice."""
    own_types: str
    """JSON types of their values, in the same order."""


class Field(NamedTuple):
    """An envelope field as JSON."""

    name: str
    types: frozenset[str]
    is_required: bool

    @property
    def duckdb_type(self) -> str:
        """What it becomes in DuckDB; lists and objects stay JSON."""
        return "VARCHAR" if self.types == _TEXT else "BIGINT" if self.types == _INTEGER else "JSON"


def _plain(annotation: Any) -> Any:
    """An annotation without its None and without its constraints."""
    if get_origin(annotation) in (types.UnionType, typing.Union):
        annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _envelope_field(name: str, field: FieldInfo) -> Field:
    plain = _plain(field.annotation)
    if get_origin(plain) is tuple:
        return Field(name, frozenset({"ARRAY"}), field.is_required())
    objects = plain is ObjectId or get_origin(plain) is dict
    return Field(name, frozenset({"OBJECT"}) if objects else _JSON_TYPES[plain], field.is_required() and name != "run_id")


ENVELOPE_FIELDS = [_envelope_field(name, field) for name, field in Event.model_fields.items()]
"""The fields of the envelope, in the order of the list `types`."""


def is_event_shape(shape: Shape) -> bool:
    """Whether every line of this shape is an event, as far as names and types of fields go."""
    found = shape.types.strip("[]").split(", ")
    integers = 0
    for field, json_type in zip(ENVELOPE_FIELDS, found, strict=True):
        if json_type in _ABSENT:
            if field.is_required:
                return False
        elif json_type not in field.types:
            return False
        integers += json_type in _INTEGER
    return shape.has_known_keys and integers == shape.integers and _is_data_shape(shape)


def types_of(kind: str) -> dict[str, str]:
    """DuckDB's type of each own field of a known kind that is a number or a truth value; nothing for a kind that nobody knows."""
    if kind not in KINDS:
        return {}
    names = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
    plain = {name: _plain(field.annotation) for name, field in KINDS[kind].model_fields.items()}
    return {name: names[type_] for name, type_ in plain.items() if type_ in names}


def is_whole_shape(shape: Shape) -> bool:
    """Whether events of this shape say all that their kind requires; one of a kind that nobody knows does."""
    said = dict(zip(shape.own_names.split(_SEPARATOR), shape.own_types.split(_SEPARATOR), strict=False))
    decision = KINDS.get(shape.kind)
    return decision is None or all(said.get(name, "NULL") != "NULL" for name, field in decision.model_fields.items() if field.is_required())


def is_typed_shape(shape: Shape) -> bool:
    """Whether every own field that is a plain value has the type that its kind says. Only where the kind was known was that judged."""
    said = dict(zip(shape.own_names.split(_SEPARATOR), shape.own_types.split(_SEPARATOR), strict=False))
    fields = KINDS[shape.kind].model_fields if shape.kind in KINDS else {}
    plain = {name: _JSON_TYPES.get(_plain(field.annotation)) for name, field in fields.items()}
    return all(types is None or said.get(name, "NULL") in types | {"NULL"} for name, types in plain.items())


def _is_data_shape(shape: Shape) -> bool:
    names, json_types = shape.own_names.split(_SEPARATOR), shape.own_types.split(_SEPARATOR)
    if len(set(names)) < len(names) or len(names) != len(json_types):
        return False
    types_by_name = dict(zip(names, json_types, strict=True))
    decision = KINDS.get(shape.kind)
    if decision is None:
        return True
    may_lack = decision.family != RECORDING
    return all(_is_own_shape(field, types_by_name.get(name, "NULL"), may_lack) for name, field in decision.model_fields.items())


def _is_own_shape(field: FieldInfo, json_type: str, may_lack: bool) -> bool:
    if json_type == "NULL":
        return may_lack or not field.is_required()
    return _is_judged_by_type(field) and json_type in _JSON_TYPES[_plain(field.annotation)]


def _is_judged_by_type(field: FieldInfo) -> bool:
    """Whether the type alone decides: a text, number or truth value, without a bound that a sound line could break."""
    inner = next((arg for arg in get_args(field.annotation) if hasattr(arg, "__metadata__")), None)
    rules = [*field.metadata, *getattr(inner, "__metadata__", ())]
    parts = [part for rule in rules for part in getattr(rule, "metadata", [rule])]
    bounds = [abs(getattr(part, "ge", getattr(part, "le", 0))) for part in parts]
    return _plain(field.annotation) in _JSON_TYPES and all(bound >= _DIGITS_18 for bound in bounds)
