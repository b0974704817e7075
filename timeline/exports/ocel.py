"""OCEL 2.0 in JSON: every event with all objects that it touches, for the tools of process mining.

An object's identity is unique in the log whatever its kind, so it is `kind/id`. The qualifier of a relation is the role of the
ref; what an event was about has the qualifier `subject`. How an object stood is its attribute `state`, which changes with time.
Two objects are related as the events about the first say. Times are those of the store's clock. Secrets are blacked out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from timeline.drawn.stretches import every_stretch
from timeline.exports import Chosen
from timeline.files import write_private
from timeline.log_table import shown_ids
from timeline.moment import shown
from timeline.redaction import blacked_out, plain_fields
from timeline.safe import printable

HELP = "An object-centric event log, OCEL 2.0 in JSON, of a run or of the events that touch an object."
METAVAR = "FILE"

FIRST = "1970-01-01T00:00:00.000000Z"
"""When a value was there from the first: OCEL has no other way to say so."""
BATCH_ROWS = 10_000

_SHOWN = """
SELECT event_no FROM event JOIN event_time USING (event_no)
WHERE event.run_id = $run AND ($kind IS NULL OR event_no IN (SELECT event_no FROM event_object WHERE kind = $kind AND id = $id))
"""
_EVENTS = f"""
WITH shown AS ({_SHOWN}), touched AS (
  SELECT event_no, list({{role: role, object: kind || '/' || id}} ORDER BY role <> 'subject', role, kind, id) AS objects
  FROM event_object JOIN shown USING (event_no) GROUP BY event_no
)
SELECT
  event_id, event.kind, time.at_us, touched.objects, event.data,
  actor, incarnation, seq, clock, revision, workload, generation, epoch, outcome, reason
FROM shown JOIN event USING (event_no) JOIN event_time AS time USING (event_no) JOIN touched USING (event_no)
ORDER BY time.position
"""
_OWN = ("actor", "incarnation", "seq", "clock", "revision", "workload", "generation", "epoch", "outcome", "reason")
_OBJECTS = f"SELECT DISTINCT kind, id FROM event_object WHERE event_no IN ({_SHOWN}) ORDER BY ALL"
_RELATED = f"""
SELECT DISTINCT about.kind || '/' || about.id, other.role, other.kind || '/' || other.id
FROM event_object AS about JOIN event_object AS other USING (event_no)
WHERE about.role = 'subject' AND other.role <> 'subject' AND (about.kind, about.id) <> (other.kind, other.id) AND event_no IN ({_SHOWN})
ORDER BY ALL
"""


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Write the log of what was chosen."""
    write_private(path, json.dumps(document(chosen), ensure_ascii=True, indent=1) + "\n")
    return [path]


def document(chosen: Chosen) -> dict[str, Any]:
    """The log as plain values: types, objects, events."""
    kind, id_ = chosen.subject or (None, None)
    bound = {"run": chosen.run_id, "kind": kind, "id": id_}
    ids = shown_ids(chosen.connection, chosen.run_id)
    objects: dict[str, dict[str, Any]] = {
        f"{kind}/{id_}": {"id": printable(f"{kind}/{ids.get(id_, id_)}"), "type": printable(kind), "attributes": [], "relationships": []}
        for kind, id_ in chosen.connection.execute(_OBJECTS, bound).fetchall()
    }
    for panel, lane, state, _, ts_us, *_ in every_stretch(chosen.connection, chosen.run_id, kind, id_).rows():
        if (one := objects.get(f"{panel}/{lane}")) is not None:
            one["attributes"].append({"name": "state", "time": shown(ts_us), "value": printable(blacked_out(state))})
    for about, role, other in chosen.connection.execute(_RELATED, bound).fetchall():
        objects[about]["relationships"].append({"objectId": objects[other]["id"], "qualifier": printable(role)})
    events = list(_events(chosen, bound, {name: one["id"] for name, one in objects.items()}, ids))
    return {
        "objectTypes": _types(list(objects.values())),
        "eventTypes": _types(events),
        "objects": list(objects.values()),
        "events": events,
    }


def _events(
    chosen: Chosen, bound: Mapping[str, str | None], objects: Mapping[str, str], ids: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The events in the order of the run. `objects` says how each object is called in the log, `ids` how an id without its secret is."""
    cursor = chosen.connection.cursor().execute(_EVENTS, dict(bound))
    while rows := cursor.fetchmany(BATCH_ROWS):
        for event_id, kind, at_us, touched, data, *own in rows:
            said = {**dict(zip(_OWN, own, strict=True)), **json.loads(data or "{}")}
            plain = plain_fields({name: value for name, value in said.items() if value is not None}, ids)
            yield {
                "id": printable(ids.get(event_id, event_id)),
                "type": printable(kind),
                "time": shown(at_us),
                "attributes": [{"name": name, "value": value} for name, value in plain.items()],
                "relationships": [{"objectId": objects[one["object"]], "qualifier": printable(one["role"])} for one in touched],
            }


_NAMES = {bool: "boolean", int: "integer", float: "float", str: "string"}


def _types(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every type that the items have, with the attributes that they have. What is mixed is made one: numbers float, else text."""
    found: dict[str, dict[str, set[str]]] = {}
    for item in items:
        attributes = found.setdefault(item["type"], {})
        for value in item["attributes"]:
            attributes.setdefault(value["name"], set()).add(_NAMES[type(value["value"])])
    types = {name: {attribute: _one_of(kinds) for attribute, kinds in sorted(has.items())} for name, has in sorted(found.items())}
    for item in items:
        for value in item["attributes"]:
            value["value"] = _as(types[item["type"]][value["name"]], value["value"])
    return [{"name": name, "attributes": [{"name": one, "type": kind} for one, kind in has.items()]} for name, has in types.items()]


def _one_of(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"integer", "float"} else "string"


def _as(kind: str, value: str | float | bool) -> str | float | bool:
    if kind == "float":
        return float(value)
    return json.dumps(value) if kind == "string" and not isinstance(value, str) else value
