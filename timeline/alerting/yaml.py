"""YAML text from plain values: mappings in block form, and no text that could be read as anything but text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/.-]*|[0-9]+[smhd]")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def document(value: Value) -> str:
    """`value` as a YAML document."""
    return "\n".join([*_lines(value), ""])


def _lines(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            if isinstance(part, str | int) or not part:
                yield f"{_scalar(key)}: {_scalar(part)}"
            else:
                yield f"{_scalar(key)}:"
                yield from (f"  {line}" for line in _lines(part))
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for part in value:
            first, *rest = _lines(part)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _scalar(value: Value) -> str:
    """One line. Text is plain where nothing in it means anything, else in single quotes, else escaped as in JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value)
