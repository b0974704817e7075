"""What may be sent: the formats that `timeline ingest` knows by their content, as far as they are JSON."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.database import open_for_read
from tests.serve.conftest import Client, served
from tests.serve.test_events import event, lines


def kinds_in(database: Path) -> list[tuple[str, str]]:
    with open_for_read(database) as read:
        return read.connection.execute("SELECT kind, subject_id FROM event ORDER BY event_no").fetchall()


def cloud_event(n: int) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"c{n}",
        "source": "/ci",
        "type": "job.noted",
        "subject": f"job/j{n}",
        "time": "2026-01-01T00:00:00Z",
    }


def otlp(*ids: str) -> bytes:
    records = [
        {
            "timeUnixNano": "1767225600000000000",
            "eventName": "pod.bound",
            "attributes": [{"key": "subject.id", "value": {"stringValue": id_}}],
        }
        for id_ in ids
    ]
    return json.dumps({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": records}]}]}).encode()


def test_cloud_events_come_one_by_one_in_batches_and_in_headers(database: Path):
    """Structured, batched and binary mode of CloudEvents over HTTP."""
    in_headers = {f"ce-{name}": str(value) for name, value in cloud_event(4).items()}
    with served(database) as client:
        for body, headers in (
            (json.dumps(cloud_event(1)).encode(), {"Content-Type": "application/cloudevents+json"}),
            (json.dumps([cloud_event(2), cloud_event(3)], indent=1).encode(), {"Content-Type": "application/cloudevents-batch+json"}),
            (b'{"seconds": 3}', {"Content-Type": "application/json", **in_headers}),
        ):
            assert client.ask_with(headers, "/events", body).json["quarantined"] == 0
    assert kinds_in(database) == [("job.noted", f"j{n}") for n in (1, 2, 3, 4)]


def test_otlp_logs_are_answered_as_otlp_asks(database: Path):
    with served(database) as client:
        whole = client.ask("/v1/logs", otlp("p1", "p2"), Content_Type="application/json")
        torn = client.ask("/v1/logs", otlp("p3")[:-3], Content_Type="application/json")
        binary = client.ask("/v1/logs", b"\x0a\x00", Content_Type="application/x-protobuf")
    assert (whole.status, whole.json) == (200, {})
    assert (torn.status, torn.json["partialSuccess"]["rejectedLogRecords"]) == (200, "1")
    assert (binary.status, "http/json" in binary.json["error"]) == (415, True)
    assert kinds_in(database) == [("pod.bound", "p1"), ("pod.bound", "p2")]


def test_the_run_of_lines_that_name_none_is_a_parameter(database: Path):
    nameless = json.dumps({name: value for name, value in event(1).items() if name != "run_id"}).encode()
    with served(database) as client:
        assert client.ask("/events", nameless).json["quarantined"] == 1
        assert client.ask("/events?run=night", nameless).json["events"] == 1


def test_what_is_no_json_is_kept_as_refused_and_hurts_nobody(database: Path):
    """A document of XML would be read by a parser of its own: not where events are written."""
    with served(database) as client:
        xml = client.ask("/events", b'<?xml version="1.0"?><log xes.version="1.0"><trace/></log>')
        wide = client.ask("/events", "{}".encode("utf-16"))
        assert [one.json["refused"][0]["reason"] for one in (xml, wide)] == ["document", "encoding"]
        assert client.ask("/events", b"").status == 400
        assert client.ask("/events", b"\x1f\x8bnonsense").status == 400
        assert client.ask("/events", lines(1)).json["events"] == 1


def test_bodies_that_are_committed_together_are_accounted_for_one_by_one(database: Path):
    """Many senders at once, some of them with the same events and with lines that are none: every sum closes."""
    from concurrent.futures import ThreadPoolExecutor

    def send(client: Client, n: int) -> dict[str, int]:
        counts: dict[str, int] = client.ask("/events", lines(n, n + 1) + b"bad\n").json
        return counts

    with served(database) as client, ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: send(client, n), range(20)))
    assert all((one["lines"], one["quarantined"], one["events"] + one["duplicates"]) == (3, 1, 2) for one in told)
    assert sum(one["events"] for one in told) == len(kinds_in(database)) == 21
