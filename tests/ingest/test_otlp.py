"""OpenTelemetry logs: many records a line, in lines or as one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.database import Limits
from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import loaded, rows, write


def attributes(**values: Any) -> list[dict[str, Any]]:
    """Attributes of OTLP; two underscores stand for a dot."""
    forms = {str: "stringValue", int: "intValue", float: "doubleValue", list: "arrayValue"}
    return [{"key": key.replace("__", "."), "value": {forms[type(value)]: str(value) if type(value) is int else value}}
            for key, value in values.items()]  # fmt: skip


PLACED = {
    "timeUnixNano": "1767225600123456789", "eventName": "task.placed", "severityText": "INFO", "traceId": "ab", "spanId": "",
    "body": {"stringValue": "placed"}, "attributes": attributes(subject__kind="task", subject__id="t-1", seq=7, load=1.5),
}  # fmt: skip
SEEN = {"timeUnixNano": "0", "observedTimeUnixNano": 1767225601000000000, "body": {"stringValue": "hm"}}


def request(*records: dict[str, Any]) -> dict[str, Any]:
    """An export request of one service and one scope."""
    resource = {"attributes": attributes(service__name="sched", service__instance__id="i-1", run_id="run-7")}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "placer"}, "logRecords": records}]}]}


def test_each_record_is_an_event(tmp_path: Path):
    """Attributes by the names of the wire contract say what it is about; a time of 0 is no time; without a name it is a log record."""
    report, (placed, seen), _ = loaded(write(tmp_path / "logs.jsonl", json.dumps(request(PLACED, SEEN)).encode()))
    assert (report.lines, report.events) == (2, 2)
    assert (placed["run_id"], placed["actor"], placed["incarnation"], placed["seq"]) == ("run-7", "sched/placer", "i-1", 7)
    about = [tuple(event[name] for name in ("kind", "subject_kind", "subject_id", "ts_us")) for event in (placed, seen)]
    assert about == [("task.placed", "task", "t-1", 1767225600123456), ("log.recorded", "service", "sched", 1767225601000000)]
    assert json.loads(placed["data"])["load"] == 1.5


def test_a_document_and_lines_of_the_same_records_are_the_same_events(tmp_path: Path):
    """However it is laid out, and whatever other records came in the same request."""
    line = write(tmp_path / "logs.jsonl", json.dumps(request(PLACED)).encode(), json.dumps(request(SEEN)).encode())
    (tmp_path / "logs.json").write_text(json.dumps(request(PLACED, SEEN), indent=2))
    as_lines, as_document = loaded(line)[1], loaded(tmp_path / "logs.json")[1]
    names = ("event_id", "ts_us", "kind", "data", "content_hash")
    assert [[event[name] for name in names] for event in as_lines] == [[event[name] for name in names] for event in as_document]


def test_accounting_closes_over_requests_that_hold_nothing_or_no_event(tmp_path: Path):
    """An empty request is blank, a record without any time is refused, a line that is not JSON too; one key twice is read once."""
    twice = {**PLACED, "attributes": [*attributes(load=1.5), *attributes(load=2.5)]}
    lines = [json.dumps(request(*records)).encode() for records in ((), ({"body": {"stringValue": "when?"}}, twice))]
    report, events, rejected = loaded(write(tmp_path / "logs.jsonl", *lines, b'{"resourceLogs": ['))
    assert (report.lines, report.events, report.blank, report.quarantined) == (4, 1, 1, 2)
    assert [row["reason"] for row in rejected] == ["schema", "not_json"]
    assert json.loads(events[0]["data"])["load"] == 1.5


def test_requests_of_many_records_take_no_more_memory_than_they_are_long(tmp_path: Path):
    """As an exporter sends them: they were read again for each of their records, and 36 MB did not load."""
    records = [{**PLACED, "attributes": attributes(event_id=f"e-{number}")} for number in range(4000)]
    lines = [json.dumps(request(*records[at : at + 200])).encode() for at in range(0, 4000, 200)]
    with open_in_memory(Limits(memory_mib=64, threads=1)) as database:
        load(database, [str(write(tmp_path / "logs.jsonl", *lines))]).check()
        assert rows(database.connection, "SELECT count(DISTINCT event_id) AS n FROM event") == [{"n": 4000}]
