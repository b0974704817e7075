"""XES: each event of each trace as one line of JSON, with the attributes of its trace and its number there."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ingest.safe_xml import steps

_ATTRIBUTES = {"string", "date", "int", "float", "boolean", "id"}


def records(document: bytes) -> Iterator[tuple[int, bytes]]:
    """Place and record of each event. Attributes that have attributes keep only their own value. Raises ValueError."""
    path: list[str] = []
    trace: dict[str, str] = {}
    event: dict[str, str] = {}
    number, place = 0, 0
    for step in steps(document):
        if step.is_end:
            path.pop()
            if step.name == "event":
                number += 1
                yield place, json.dumps({"trace": trace, "event": event, "number": number}).encode()
            elif step.name == "trace":
                trace = {}
            continue
        if step.name == "trace":
            trace, number = {}, 0
        elif step.name == "event":
            event, place = {}, step.place
        elif step.name in _ATTRIBUTES and path:
            key, value = step.attributes.get("key", ""), step.attributes.get("value", "")
            if path[-1] == "event":
                event[key] = value
            elif path[-1] == "trace":
                trace[key if key == "concept:name" else f"case:{key}"] = value
        path.append(step.name)
