"""Chrome traces: slices are matched as a stack on each thread, and names of threads are no events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.ingest.lines import loaded
from tests.ingest.timelines import timeline_of, told

TRACE = "span-trace/chrome-unclosed-slices.trace.json"


def test_the_trace_loads_with_the_counts_of_its_manifest(shared_data: Path):
    """3386 records: 1684 begins, 1680 ends, 22 names; 22 threads in 5.051809 s."""
    report, events, _ = loaded(shared_data / TRACE)
    assert (report.lines, report.events, report.blank) == (3386, 1684 + 1680, 22)
    kinds = [event["kind"] for event in events]
    assert (kinds.count("slice.begun"), kinds.count("slice.ended")) == (1684, 1680)
    assert max(event["ts_us"] for event in events) - min(event["ts_us"] for event in events) == 5_051_809


def test_the_four_slices_that_never_close_are_the_only_odd_ones(shared_data: Path):
    """Every other slice has one begin and one end, and both have its name."""
    _, events, _ = loaded(shared_data / TRACE)
    begun = {event["subject_id"]: event for event in events if event["kind"] == "slice.begun"}
    ended = {event["subject_id"]: event for event in events if event["kind"] == "slice.ended"}
    assert len(begun) == 1684
    assert ended.keys() < begun.keys()
    names = sorted(slice_.partition("/")[0] for slice_ in begun.keys() - ended.keys())
    assert names == ["BrowserMain:MESSAGE_LOOP@12308", "BrowserMain@12308", "MessageLoop::RunTask@12308", "MessageLoop::RunTask@12308"]
    assert all(json.loads(ended[slice_]["data"])["name"] == json.loads(begun[slice_]["data"])["name"] for slice_ in ended)


def record(phase: str, at: float, name: str = "work", **more: Any) -> dict[str, Any]:
    """A record of the one thread."""
    return {"ph": phase, "pid": 1, "tid": 2, "ts": at, "name": name, **more}


def trace(path: Path, *records: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The timeline of a trace object of these records."""
    path.write_text(json.dumps({"displayTimeUnit": "ms", "traceEvents": records}))
    _, timeline = timeline_of(path)
    with timeline:
        return told(timeline, ["ts_us", "kind", "subject_id", "actor"])


def test_nested_slices_of_one_name_are_told_apart(tmp_path: Path):
    """The inner end belongs to the inner begin; the thread is called by its name."""
    named = {"ph": "M", "pid": 1, "tid": 2, "ts": 0, "name": "thread_name", "args": {"name": "Main"}}
    assert trace(tmp_path / "t.json", record("B", 10), record("B", 20), record("E", 30), record("E", 40), named) == [
        (10, "slice.begun", "work@1/2/10-1", "1/Main-2"),
        (20, "slice.begun", "work@1/2/20-1", "1/Main-2"),
        (30, "slice.ended", "work@1/2/20-1", "1/Main-2"),
        (40, "slice.ended", "work@1/2/10-1", "1/Main-2"),
    ]


def test_a_complete_slice_is_a_begin_and_an_end(tmp_path: Path):
    """So it counts as two lines; an instant is one event."""
    path = tmp_path / "t.json"
    told = trace(path, record("X", 10, dur=5), record("i", 12))
    assert [(at, kind) for at, kind, *_ in told] == [(10, "slice.begun"), (12, "trace.marked"), (15, "slice.ended")]
    report, _, _ = loaded(path)
    assert (report.lines, report.events) == (3, 3)


def test_an_end_without_a_begin_disturbs_no_other(tmp_path: Path):
    """It is a slice of its own, which the generic detectors judge."""
    told = trace(tmp_path / "t.json", record("E", 1), record("B", 10), record("E", 20))
    assert [subject for _, _, subject, _ in told] == ["work@1/2/1-1", "work@1/2/10-1", "work@1/2/10-1"]


def test_a_time_that_no_calendar_has_costs_its_own_record_only(tmp_path: Path):
    """It is refused with its place, and the other records load."""
    (tmp_path / "t.json").write_text(json.dumps([record("B", 1e300), record("B", 10), record("E", 20)]))
    report, events, rejected = loaded(tmp_path / "t.json")
    assert ([event["ts_us"] for event in events], report.quarantined, rejected[0]["byte_offset"]) == ([10, 20], 1, 1)
