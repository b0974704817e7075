"""One event as one line that `timeline ingest` takes, or a complaint that says why it is none.

What is checked here is what the reader checks of every event (`ingest.strict`), and no more: a kind that nobody knows is
welcome, and so is whatever stands in its data, as long as it is JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

IDENTIFIER_CHARS_MAX = 200
LINE_BYTES_MAX = 1024 * 1024
HEAD_BYTES_MAX = 4096
"""Room for what the emitter puts before the body."""
DEPTH_MAX = 32
KEYS_MAX = 5000
SOURCES = ("cache", "store", "lease", "config", "peer", "clock", "rng")
"""Where an input may come from."""
_INTEGERS = ("revision", "generation", "epoch")
_TEXTS = ("outcome", "reason")

Refs = Mapping[str, str | Iterable[str]]
"""Role to `kind/id`, or to several."""


def body_of(
    run_id: str,
    actor: str,
    kind: str,
    subject: str,
    *,
    incarnation: str,
    refs: Refs | None = None,
    data: Mapping[str, Any] | None = None,
    caused_by: Iterable[str] = (),
    inputs: Iterable[Mapping[str, Any]] = (),
    commit_time: datetime | None = None,
    workload: str | None = None,
    **more: int | str | None,
) -> bytes:
    """An event as a JSON object, without what only its place in the stream says. Raises ValueError, TypeError."""
    event: dict[str, Any] = {
        "run_id": identifier("run_id", run_id),
        "actor": identifier("actor", actor),
        "incarnation": identifier("incarnation", incarnation),
        "kind": identifier("kind", kind),
        "subject": object_of("subject", subject),
    }
    if refs:
        event["refs"] = [{"role": identifier("role", role)} | object_of(f"refs.{role}", ref) for role, ref in _pairs(refs)]
    if causes := [identifier("caused_by", cause) for cause in _listed("caused_by", caused_by)]:
        event["caused_by"] = causes
    if read := [_input(one) for one in _listed("inputs", inputs)]:
        event["inputs"] = read
    if commit_time is not None:
        event["commit_time"] = moment(commit_time)
    if workload is not None:
        event["workload"] = identifier("workload", workload)
    event |= {name: _plain(name, value) for name, value in more.items() if value is not None}
    if data:
        _check_data(data)
        event["data"] = data
    body = encoded(event)
    if len(body) > LINE_BYTES_MAX - HEAD_BYTES_MAX:
        raise ValueError(f"the event has {len(body)} bytes; a line may have {LINE_BYTES_MAX - HEAD_BYTES_MAX}")
    return body


def encoded(value: Any) -> bytes:
    """A value as JSON in UTF-8, without spaces. Raises ValueError for half of a surrogate pair."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def identifier(name: str, text: object) -> str:
    """A text of 1 to 200 characters. Raises ValueError, TypeError."""
    _check_text(name, text)
    assert isinstance(text, str)
    if not 1 <= len(text) <= IDENTIFIER_CHARS_MAX:
        raise ValueError(f"{name}: {text[:40]!r} has {len(text)} characters; 1 to {IDENTIFIER_CHARS_MAX} are allowed")
    return text


def object_of(name: str, text: str) -> dict[str, str]:
    """`worker/w-1` as kind and id; the id may hold more slashes. Raises ValueError, TypeError."""
    _check_text(name, text)
    kind, slash, id_ = text.partition("/")
    if not slash:
        raise ValueError(f"{name}: {text[:40]!r} is no object; write kind/id, such as worker/w-1")
    return {"kind": identifier(f"{name}.kind", kind), "id": identifier(f"{name}.id", id_)}


def moment(at: datetime) -> str:
    """A moment as RFC 3339 in UTC. Raises ValueError for one without an offset."""
    if at.tzinfo is None:
        raise ValueError("commit_time: a time without its offset from UTC says no moment")
    try:
        return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        raise ValueError(f"commit_time: {at} is no moment in UTC") from None


def _pairs(refs: Refs) -> Iterable[tuple[str, str]]:
    for role, objects in refs.items():
        for ref in [objects] if isinstance(objects, str) else objects:
            yield role, ref


def _listed(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | Mapping):
        raise TypeError(f"{name}: give a list")
    return list(values)


def _input(one: Mapping[str, Any]) -> dict[str, Any]:
    if one.get("source") not in SOURCES:
        raise ValueError(f"inputs.source: {one.get('source')!r} is none of {', '.join(SOURCES)}")
    if unknown := set(one) - {"source", "kind", "id", "version", "age_ms", "digest"}:
        raise ValueError(f"inputs: {sorted(map(str, unknown))} are no fields of an input")
    read: dict[str, Any] = {"source": one["source"], **{name: identifier(f"inputs.{name}", one.get(name)) for name in ("kind", "id")}}
    for name, value in one.items():
        if name in {"version", "age_ms"} and value is not None:
            read[name] = _integer(f"inputs.{name}", value)
        elif name == "digest" and value is not None:
            _check_text("inputs.digest", value)
            read[name] = value
    return read


def _plain(name: str, value: object) -> object:
    if name in _INTEGERS:
        return _integer(name, value)
    if name not in _TEXTS:
        raise TypeError(f"{name}: an event has no such field; what is a kind's own goes into data")
    _check_text(name, value)
    return value


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: {value!r} is no integer")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name}: an integer has to fit into 64 bits")
    return int(value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: {value!r:.60} is no text")
    if "\0" in value:
        raise ValueError(f"{name}: a text may not hold the character NUL")


def _check_data(data: Mapping[str, Any]) -> None:
    """Whether this is JSON that the reader takes: finite numbers of 64 bits, keys that are texts, not too deep, not too many."""
    if not isinstance(data, dict):
        raise TypeError("data: give a dict")
    level: list[Any] = [data]
    keys = 0
    for _ in range(DEPTH_MAX):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                keys += len(value)
                for name in value:
                    _check_text("data: a key", name)
                inner += value.values()
            elif isinstance(value, list | tuple):
                inner += value
            else:
                _check_plain(value)
        if keys > KEYS_MAX:
            raise ValueError(f"data: more than {KEYS_MAX} keys")
        if not inner:
            return
        level = inner
    raise ValueError(f"data: nested more than {DEPTH_MAX} deep")


def _check_plain(value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"data: {value} is no number of JSON")
    elif isinstance(value, int):
        _integer("data", value)
    else:
        _check_text("data", value)
