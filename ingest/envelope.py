"""What a clean line is, as one SQL query: the envelope written out in `envelope.sql`, own fields from the vocabulary.

A doubtful line costs a visit to `ingest.strict`; a wrong one that passes costs the truth. So every check here is
narrower than the strict reader, and a differential test holds the two against each other.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from pydantic.fields import FieldInfo

from ingest.events import FAMILIES, KINDS, Decision
from ingest.schema import own_columns

_JSON_TYPES = {"VARCHAR": "'VARCHAR'", "BIGINT": "'UBIGINT', 'BIGINT'", "BOOLEAN": "'BOOLEAN'", "DOUBLE": "'DOUBLE', 'UBIGINT', 'BIGINT'"}
_BOUND_BEYOND_18_DIGITS = 2**62


def text_of(file: str) -> str:
    """A file of this package as text."""
    return resources.files("ingest").joinpath(file).read_text(encoding="utf-8")


def parse_query(source_select: str) -> str:
    """The query that types and judges a chunk whose lines `source_select` maps to native text. Takes `$run`."""
    return text_of("envelope.sql").replace("{{source}}", source_select).replace("{{own_checks}}", own_checks())


def kinds_of(family: str) -> str:
    """The kinds of a family as an SQL list of literals."""
    return ", ".join(f"'{decision.kind}'" for decision in FAMILIES[family])


def own_checks() -> str:
    """`data` of a known kind is as its class declares; recordings are left to the strict reader; nothing has a key twice."""
    kinds = [f"WHEN '{kind}' THEN {_kind_check(decision)}" for kind, decision in KINDS.items() if decision.family != "recording"]
    recordings = [f"WHEN '{decision.kind}' THEN false" for decision in FAMILIES["recording"]]
    return "CASE e.kind\n            " + "\n            ".join([*kinds, *recordings, "ELSE data = '{}' OR has_unique_keys(data) END"])


def _kind_check(decision: type[Decision]) -> str:
    """Every key of `data` is an own field, once, with its type; a field that is due is there and not null."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for column in own_columns(decision):
        field = decision.model_fields[column.name]
        if not _is_judged_by_type(field):
            return "false"
        groups.setdefault((column.type, not _takes_null(field)), []).append(column.name)
    if not groups:
        return "data = '{}'"
    required = [name for name, field in decision.model_fields.items() if field.is_required()]
    everything = _types_of([name for names in groups.values() for name in names])
    checks = [f"len(json_keys(data)) = list_count({everything})"]
    for (duckdb_type, is_due), names in groups.items():
        allowed = _JSON_TYPES[duckdb_type] + ("" if is_due else ", 'NULL'")
        checks.append(f"list_has_all([{allowed}], {_types_of(names)})")
    if required:
        checks.append(f"list_count({_types_of(required)}) = {len(required)}")
    return " AND ".join(checks)


def _types_of(names: list[str]) -> str:
    paths = ", ".join(f"'$.{name}'" for name in names)
    return f"json_type(data, [{paths}])"


def _takes_null(field: FieldInfo) -> bool:
    return type(None) in getattr(field.annotation, "__args__", ())


def _is_judged_by_type(field: FieldInfo) -> bool:
    """Whether the type alone decides: a text, number or truth value, with no bound inside the 18 digits of a clean line."""
    annotation: Any = field.annotation
    rules = list(field.metadata)
    if _takes_null(field):
        annotation = next(arg for arg in annotation.__args__ if arg is not type(None))
        rules += getattr(annotation, "__metadata__", ())
        annotation = getattr(annotation, "__origin__", annotation)
    for rule in rules:
        nested = getattr(rule, "metadata", [rule])
        bounds = [getattr(part, name) for part in nested for name in ("ge", "le") if hasattr(part, name)]
        if len(bounds) != len(nested) or any(abs(bound) < _BOUND_BEYOND_18_DIGITS for bound in bounds):
            return False
    return annotation in (str, int, bool, float)
