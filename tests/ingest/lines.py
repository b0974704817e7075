"""Lines for the tests of ingest: a good one, and how to bend it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.in_memory import open_in_memory
from ingest.load import Report, load

PARKED = {"from_state": "hot", "to_state": "hot_idle", "owner": "cp-1-7f3a", "org": "org-a", "vcpu": 4, "ttl_us": 60_000_000}


def event(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A decision event; `changed` replaces fields of the envelope."""
    made: dict[str, Any] = {
        "event_id": f"cp-1-7f3a/pool:{number}",
        "run_id": "run-1",
        "time": f"2026-01-31T12:00:{number % 60:02d}.000001Z",
        "actor": "cp-1/pool",
        "incarnation": "cp-1-7f3a",
        "seq": number,
        "clock": number,
        "kind": "worker.parked",
        "revision": number,
        "commit_time": f"2026-01-31T12:00:{number % 60:02d}.000002Z",
        "subject": {"kind": "worker", "id": f"w-{number}"},
        "refs": [{"role": "owner", "kind": "control_plane", "id": "cp-1-7f3a"}],
        "caused_by": [f"cp-1-7f3a/pool:{number - 1}"],
        "inputs": [{"source": "store", "kind": "worker", "id": f"w-{number}", "version": 7, "age_ms": 3}],
        "outcome": "committed",
        "data": PARKED,
    }
    return made | changed


def line(number: int = 1, **changed: Any) -> bytes:
    """That event as a line without its end."""
    return json.dumps(event(number, **changed)).encode()


def lines(count: int) -> bytes:
    """A log of that many events."""
    return b"".join(line(number) + b"\n" for number in range(1, count + 1))


def write(path: Path, *contents: bytes) -> Path:
    """A file with those lines, each with its end."""
    path.write_bytes(b"".join(content + b"\n" for content in contents))
    return path


def loaded(path: Path, **options: Any) -> tuple[Report, list[dict[str, Any]], list[dict[str, Any]]]:
    """What a file becomes: the report, the rows of `event` in order, the rows of `rejected_line`."""
    with open_in_memory() as database:
        report = load(database, [path], **options)
        asked = database.connection
        return report, rows(asked, "FROM event ORDER BY event_no"), rows(asked, "FROM rejected_line ORDER BY byte_offset")


def rows(connection: Any, query: str) -> list[dict[str, Any]]:
    """The answer of a query, a row a dictionary."""
    found = connection.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
