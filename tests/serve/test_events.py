"""Events over HTTP: what is acknowledged is durable, and every line is accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import timeline
from ingest.database import open_for_read
from tests.serve.conftest import eventually, served


def event(n: int, run: str = "r", **fields: object) -> dict[str, object]:
    return {
        "event_id": f"e{n}", "run_id": run, "time": f"2026-01-01T00:00:{n:02d}Z", "actor": "cp-1/janitor", "kind": "thing.noted",
        "subject": {"kind": "thing", "id": "t1"}, **fields,
    }  # fmt: skip  # an event on a screen


def lines(*numbers: int, run: str = "r") -> bytes:
    return b"".join(json.dumps(event(n, run)).encode() + b"\n" for n in numbers)


def test_what_was_acknowledged_is_in_the_database_when_the_server_has_ended(database: Path):
    with served(database) as client:
        told = client.ask("/events", lines(1, 2) + b"nonsense\n\n" + lines(1))
    assert told.status == 200
    refused = [{"line": 3, "reason": "not_json", "detail": "Expecting value at character 0"}]
    counts = {"lines": 5, "events": 2, "duplicates": 1, "conflicts": 0, "quarantined": 1, "blank": 1}
    assert told.json == counts | {"refused": refused}
    with open_for_read(database) as read:
        assert read.connection.execute("SELECT event_id FROM event ORDER BY event_id").fetchall() == [("e1",), ("e2",)]
        assert read.connection.execute("SELECT path, events, quarantined FROM ingest_file").fetchall() == [("http", 2, 1)]


def test_an_alert_can_be_raised_from_what_was_just_received(database: Path, leak: list[bytes]):
    """Events in, a refresh behind them, and the leak is in the gauges and in what a notebook reads."""
    with served(database) as client:
        for part in range(0, len(leak), 1000):
            assert client.ask("/events", b"".join(leak[part : part + 1000])).status == 200
        eventually(lambda: b"timeline_findings{" in client.ask("/metrics").body)
        assert client.ask("/readyz").status == 200
        with timeline.open(database) as log:
            assert "found" in log.detect().verdicts.values()


def test_the_same_body_packed_is_read_too(database: Path):
    with served(database) as client:
        assert client.ask("/events", gzip.compress(lines(1, 2)), Content_Encoding="gzip").json["events"] == 2


def test_the_lock_file_says_where_the_database_can_be_read(database: Path):
    with served(database) as client:
        signed = database.with_name(f"{database.name}.lock").read_text(encoding="ascii")
    assert signed.split()[1:] == [f"http://127.0.0.1:{client.port}"]
