"""CloudEvents 1.0, structured: alone in a line, or in a batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.ingest.lines import loaded, write


def cloud_event(number: int, **more: Any) -> dict[str, Any]:
    """A cloud event about a worker."""
    return {"specversion": "1.0", "id": str(number), "source": "/sched/a", "type": "worker.cordoned", "subject": "worker/w-1",
            "time": "2026-01-01T00:00:00Z", **more}  # fmt: skip


def test_a_cloud_event_says_what_a_decision_event_says(tmp_path: Path):
    """Source and id are the identity; data that is no object is kept as `value`, what extends the specification as `extensions`."""
    events = (cloud_event(1, data={"load": 3}, traceparent="00-ab"), cloud_event(2, data=[1], subject="w-2"), cloud_event(3, subject=None))
    report, (first, second, third), _ = loaded(write(tmp_path / "e.jsonl", *(json.dumps(event).encode() for event in events)))
    assert (report.lines, report.events) == (3, 3)
    assert (first["event_id"], first["actor"], first["kind"]) == ("/sched/a/1", "/sched/a", "worker.cordoned")
    assert [(event["subject_kind"], event["subject_id"]) for event in (first, second, third)] == [
        ("worker", "w-1"), ("subject", "w-2"), ("source", "/sched/a"),
    ]  # fmt: skip
    assert [event["data"] for event in (first, second)] == ['{"load":3,"extensions":{"traceparent":"00-ab"}}', '{"value":[1]}']


def test_a_batch_is_the_same_events_as_its_lines(tmp_path: Path):
    """However it is laid out; loaded after its lines it adds nothing."""
    events = [cloud_event(1, data={"load": 3}), cloud_event(2)]
    lines = write(tmp_path / "1.jsonl", *(json.dumps(event).encode() for event in events))
    (tmp_path / "2.json").write_text(json.dumps(events))
    (tmp_path / "3.json").write_text(json.dumps(events, indent=2))
    assert loaded(lines)[1] == [{**event, "byte_offset": place["byte_offset"]} for event, place in zip(
        loaded(tmp_path / "3.json")[1], loaded(lines)[1], strict=True)]  # fmt: skip
    report, _, _ = loaded(tmp_path)
    assert (report.lines, report.events, report.duplicates) == (6, 2, 4)


def test_another_version_and_a_missing_time_are_refused(tmp_path: Path):
    """Nothing is guessed: the line is kept with the reason."""
    old, timeless = cloud_event(1, specversion="0.3"), cloud_event(2, time=None)
    report, _, rejected = loaded(write(tmp_path / "e.jsonl", *(json.dumps(event).encode() for event in (cloud_event(3), old, timeless))))
    assert (report.events, report.quarantined, [row["reason"] for row in rejected]) == (1, 2, ["schema", "schema"])
