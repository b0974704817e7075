"""The strict reader of one line: the authority on what an event is, in plain Python.

`ingest.envelope` decides most lines in SQL, thousands at a time, and is allowed to doubt but never to err: a line
that it doubts comes here. Python's own JSON reader is too kind (it takes NaN, lone surrogates, and the last of two
equal keys), so its hooks refuse those; pydantic then checks the envelope and the kind's own fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from ingest.events import KINDS, Event
from ingest.events.recording import RECORDING

LINE_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 64
KEYS_MAX = 10_000
DIGITS_MAX = 100
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_STRING, _BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL), re.compile(r"[\[\]{}]")
OFFSET_HOURS = "(?:0[0-9]|1[0-4])"
RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-]" + OFFSET_HOURS + r":[0-5][0-9])"
)

REASONS: dict[str, str] = {
    "compressed": "the packed file is cut, damaged, or unpacks to far more than it should",
    "depth": f"objects and lists are nested more than {DEPTH_MAX} deep",
    "document": "the document is damaged, or not what its beginning says",
    "duplicate_key": "a key stands twice in one object",
    "encoding": "the file is in UTF-16 or UTF-32, not in UTF-8",
    "keys": f"the objects of the line have more than {KEYS_MAX} keys together",
    "line_too_long": f"the line has more than {LINE_BYTES_MAX} bytes",
    "not_json": "the line is not JSON",
    "not_object": "the line is JSON but not an object",
    "nul": "a text holds the character NUL",
    "number": f"a number is NaN, infinite, outside of 64 bits, or written with more than {DIGITS_MAX} characters",
    "schema": "a field is missing, unknown, or not as its kind declares it",
    "size": "a text is longer or shorter than its field allows",
    "surrogate": "a text holds half of a surrogate pair",
    "time": "a time is not RFC 3339 with an offset",
    "unmapped": "the mapping file, or the format, has no event for such a line",
    "type": "an envelope field has a value of another type",
    "utf8": "the line is not UTF-8",
}
"""Every reason for which a line is kept in rejected_line: a closed list."""

_BY_PYDANTIC_TYPE = {
    "missing": "schema",
    "extra_forbidden": "schema",
    "literal_error": "schema",
    "string_too_long": "size",
    "string_too_short": "size",
    "greater_than_equal": "number",
    "less_than_equal": "number",
}


class Refusal(NamedTuple):
    """Why a line is no event."""

    reason: str
    """Code of `REASONS`."""
    detail: str
    """What exactly is wrong, with the place inside the line."""


class _Refused(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail)


def parse_document(raw: bytes) -> dict[str, Any] | Refusal:
    """The object that a line holds, or why it holds none. Applies to lines of every format."""
    try:
        text = _shallow(_decoded(raw))
        found = json.loads(text, parse_constant=_constant, parse_int=_integer, parse_float=_float, object_pairs_hook=_pairs)
        if not isinstance(found, dict):
            raise _Refused("not_object", f"the line holds a {type(found).__name__}, not an object")
        _check_texts(found)
    except _Refused as refused:
        return refused.refusal
    except json.JSONDecodeError as error:
        return Refusal("not_json", f"{error.msg} at character {error.pos}")
    return found


def refusal_of_text(raw: bytes) -> Refusal | None:
    """Why a line cannot be read as text, of whatever format; None where it can."""
    try:
        _decoded(raw)
    except _Refused as refused:
        return refused.refusal
    return None


def refusal_of_event(document: dict[str, Any], run: str | None = None) -> Refusal | None:
    """Why an object is no event of the wire contract; None where it is one.

    A field that is null is absent. `run` stands in for a missing run_id. What the envelope does not have is kept as it is,
    unless it differs from a field of the envelope by case only: it is more likely meant to be that one.
    """
    for name in document:
        if name not in Event.model_fields and name.lower() in Event.model_fields:
            return Refusal("schema", f"{name[:60]}: write {name.lower()}")
    document = {name: value for name, value in document.items() if value is not None and name in Event.model_fields}
    if run is not None:
        document.setdefault("run_id", run)
    return _refusal_of(Event, document, "", _envelope_reason) or _refusal_of_times(document) or _refusal_of_own_fields(document)


def refusal_of_line(raw: bytes, run: str | None = None) -> Refusal | None:
    """Why a line of native JSONL is no event; None where it is one."""
    document = parse_document(raw)
    return document if isinstance(document, Refusal) else refusal_of_event(document, run)


def _refusal_of_own_fields(document: dict[str, Any]) -> Refusal | None:
    decision = KINDS.get(document["kind"])
    if decision is None:
        return None
    data = document.get("data", {})
    own = {name: data[name] for name in decision.model_fields if data.get(name) is not None}
    return _refusal_of(decision, own, "data.", lambda kind: "schema", may_lack=decision.family != RECORDING)


def _refusal_of(
    model: type[BaseModel], values: dict[str, Any], prefix: str, reason_of: Callable[[str], str], may_lack: bool = False
) -> Refusal | None:
    try:
        model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        first = next((fault for fault in faults if not (may_lack and fault["type"] == "missing")), None)
        if first is None:
            return None
        place = prefix + ".".join(str(part) for part in first["loc"])
        return Refusal(reason_of(first["type"]), f"{place}: {first['msg']}")
    return None


def _envelope_reason(kind: str) -> str:
    return _BY_PYDANTIC_TYPE.get(kind, "type")


def _refusal_of_times(document: dict[str, Any]) -> Refusal | None:
    for name in ("time", "commit_time"):
        text = document.get(name)
        if text is not None and not _is_time(text):
            return Refusal("time", f"{name}: {text[:60]!r} is not RFC 3339 with an offset, such as 2026-01-31T12:00:00.5Z")
    return None


def _is_time(text: str) -> bool:
    if not RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def _decoded(raw: bytes) -> str:
    if len(raw) > LINE_BYTES_MAX:
        raise _Refused("line_too_long", f"{len(raw)} bytes, the limit is {LINE_BYTES_MAX}")
    if b"\0" in raw:
        raise _Refused("nul", f"a byte 0 at byte {raw.index(0)} of the line")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Refused("utf8", f"{error.reason} at byte {error.start} of the line") from None


def _shallow(text: str) -> str:
    """The text, nested not too deep. Told before it is parsed: how deep Python gets depends on who calls, and on its version."""
    if text.count("[") + text.count("{") > DEPTH_MAX:
        steps = (1 if bracket in "[{" else -1 for bracket in _BRACKET.findall(_STRING.sub("", text)))
        if max(accumulate(steps), default=0) > DEPTH_MAX:
            raise _Refused("depth", f"nested more than {DEPTH_MAX} deep")
    return text


def _constant(token: str) -> Any:
    raise _Refused("number", f"{token} is not a number of JSON")


def _integer(token: str) -> int:
    if len(token) > 20 or not INTEGER_MIN <= int(token) <= INTEGER_MAX:
        raise _Refused("number", f"the integer {token[:40]} does not fit into 64 bits")
    return int(token)


def _float(token: str) -> float:
    if len(token) > DIGITS_MAX:
        raise _Refused("number", f"the number {token[:40]} is written with {len(token)} characters, the limit is {DIGITS_MAX}")
    value = float(token)
    if value in (float("inf"), float("-inf")):
        raise _Refused("number", f"the number {token[:40]} is too large")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None
        raise _Refused("duplicate_key", f"the key {twice[:60]!r} stands twice in one object")
    return found


def _check_texts(document: Any) -> None:
    level, keys = [document], 0
    while level:
        texts = [item for item in level if isinstance(item, str)]
        for text in texts:
            _check_text(text)
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                keys += len(item)
                inner += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                inner += item
        if keys > KEYS_MAX:
            raise _Refused("keys", f"more than {KEYS_MAX} keys")
        level = inner


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _Refused("nul", "a text holds the character NUL (\\u0000)")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _Refused("surrogate", "a text holds half of a surrogate pair (\\ud800 to \\udfff)")
