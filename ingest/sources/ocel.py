"""OCEL 2.0: the same records out of its three encodings, each record with the types of the objects that it touches."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from ingest.safe_xml import steps
from ingest.strict import LINE_BYTES_MAX

_INITIAL_DAY = "1970-01-01"
"""A value of this time was there from the first: OCEL has no other way to say so."""
_TABLES = ("object_object", "event_object", "object", "event", "object_map_type", "event_map_type")
"""What every SQLite file of OCEL has, beside a table for each type."""


def records(document: bytes) -> Iterator[tuple[int, bytes]]:
    """The objects, the changes of their values, and the events, as lines of JSON without places. Raises ValueError."""
    read = _of_sqlite if document.startswith(b"SQLite") else _of_json if document.lstrip().startswith(b"{") else _of_xml
    try:
        objects, events = read(document)
        for record in _records(objects, events):
            yield 0, json.dumps(record).encode()
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the document is no OCEL 2.0: {error!r}") from None


def _records(objects: list[dict[str, Any]], events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    types = {item["id"]: item["type"] for item in objects}

    def refs(item: dict[str, Any]) -> list[dict[str, str]]:
        return [{"role": link["qualifier"] or "object", "kind": types.get(link["objectId"], "object"), "id": link["objectId"]}
                for link in item.get("relationships", ())]  # fmt: skip

    first_times: dict[str, str] = {}
    for event in sorted(events, key=lambda event: str(event["time"])):
        for link in event.get("relationships", ()):
            first_times.setdefault(link["objectId"], event["time"])
    begin = min((str(event["time"]) for event in events), default=None)
    for item in objects:
        about = {"kind": item["type"], "id": item["id"]}
        values = item.get("attributes", ())
        initial = {value["name"]: value["value"] for value in values if value["time"].startswith(_INITIAL_DAY)}
        yield {"what": "object", "id": item["id"], "time": first_times.get(item["id"], begin), "object": about,
               "refs": refs(item), "attributes": initial}  # fmt: skip
        for value in values:
            if not value["time"].startswith(_INITIAL_DAY):
                yield {"what": "change", "id": f"{item['id']}/{value['name']}/{value['time']}", "time": value["time"], "object": about,
                       "refs": [], "attributes": {value["name"]: value["value"]}}  # fmt: skip
    for event in events:
        touched = refs(event)
        yield {"what": "event", "id": event["id"], "type": event["type"], "time": event["time"], "refs": touched,
               "object": {"kind": touched[0]["kind"], "id": touched[0]["id"]} if touched else None,
               "attributes": {value["name"]: value["value"] for value in event.get("attributes", ())}}  # fmt: skip


def _of_json(document: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = json.loads(document)
    return found["objects"], found["events"]


def _of_xml(document: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"object": [], "event": []}
    current: dict[str, Any] | None = None
    attribute: dict[str, str] = {}
    for step in steps(document):
        if not step.is_end and step.name in found and "id" in step.attributes:
            current = {**step.attributes, "attributes": [], "relationships": []}
            found[step.name].append(current)
        elif current is None:
            continue
        elif step.name == "attribute" and not step.is_end:
            attribute = step.attributes
        elif step.name == "attribute":
            current["attributes"].append({"time": "", **attribute, "value": step.text})
        elif step.name in {"relationship", "relobj"} and not step.is_end:
            current["relationships"].append({"objectId": step.attributes["object-id"], "qualifier": step.attributes.get("qualifier", "")})
        elif step.is_end and step.name in found:
            current = None
    return found["object"], found["event"]


def _of_sqlite(document: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The image is read in memory: nothing is written beside the file, no other file is opened, and no view or virtual table is asked."""
    image = document[:18] + b"\1\1" + document[20:]  # a write-ahead log is of no use to a finished file, and has no place in memory
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LINE_BYTES_MAX)  # a row of more could be no line
            database.deserialize(image)
            database.execute("PRAGMA trusted_schema = OFF")
            return _rows_of(database)
        except sqlite3.Error as error:
            raise ValueError(f"the SQLite file is damaged or no OCEL 2.0: {error}") from None


def _rows_of(database: sqlite3.Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    database.row_factory = sqlite3.Row
    tables = {row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")}
    if missing := next((name for name in _TABLES if name not in tables), None):
        raise ValueError(f"the SQLite file is no OCEL 2.0: it has no table {missing}")
    links: dict[tuple[str, str], list[dict[str, str]]] = {}
    queries = {"object": "SELECT ocel_source_id, ocel_target_id, ocel_qualifier FROM object_object",
               "event": "SELECT ocel_event_id, ocel_object_id, ocel_qualifier FROM event_object ORDER BY rowid"}  # fmt: skip
    for what, query in queries.items():
        for owner, target, qualifier in database.execute(query):
            links.setdefault((what, owner), []).append({"objectId": target, "qualifier": qualifier})
    found: dict[str, list[dict[str, Any]]] = {"object": [], "event": []}
    for what, items in found.items():
        by_id = {}
        for id_, type_ in database.execute("SELECT ocel_id, ocel_type FROM " + identifier(what)):
            by_id[id_] = {"id": id_, "type": type_, "time": None, "attributes": [], "relationships": links.get((what, id_), [])}
        items.extend(by_id.values())
        for (mapped,) in database.execute(
            "SELECT DISTINCT ocel_type_map FROM " + identifier(f"{what}_map_type") + " ORDER BY 1"
        ).fetchall():
            if (table := f"{what}_{mapped}") in tables:
                for row in database.execute("SELECT * FROM " + identifier(table)):
                    _add_values(by_id[row["ocel_id"]], dict(row))
    return found["object"], found["event"]


def _add_values(item: dict[str, Any], row: dict[str, Any]) -> None:
    changed = row.pop("ocel_changed_field", None)
    time = item["time"] = str(row.pop("ocel_time"))
    row.pop("ocel_id")
    names = [changed] if changed else [name for name, value in row.items() if value is not None]
    item["attributes"] += [{"name": name, "time": time, "value": row[name]} for name in names]


def identifier(name: str) -> str:
    """A name as SQLite quotes it."""
    return '"' + name.replace('"', '""') + '"'
