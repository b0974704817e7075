"""Schedules of other people: SWF, Batsim, openb, SimKube, and tables of Parquet."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import loaded, write
from tests.ingest.timelines import timeline_of, told

FOLDER = "scheduler-trace"


def test_swf_and_csv_of_the_same_schedule_are_the_same_timeline(shared_data: Path):
    """800 jobs, each submitted, started and ended; the last ends at 11306.611123 s, and none waits."""
    stories = []
    for name, mapping in {"batsim-easy.swf": None, "batsim-easy.jobs.csv": "batsim"}.items():
        report, timeline = timeline_of(shared_data / FOLDER / name, mapping=mapping)
        with timeline:
            stories.append(told(timeline, ["ts_us", "event_id", "kind", "subject_id", "actor", "outcome"]))
        assert (report.events, report.quarantined) == (2400, 0)
    assert stories[0] == stories[1]
    moments = {row[1]: row[0] for row in stories[0]}
    assert max(moments.values()) == 11306_611123
    jobs = {row[3] for row in stories[0]}
    assert len(jobs) == 800
    assert all(moments[f"{job}/submitted"] == moments[f"{job}/started"] for job in jobs)


def test_no_processor_of_the_schedule_holds_two_jobs_at_once(shared_data: Path):
    """54 processors, given out one job at a time."""
    _, events, _ = loaded(shared_data / FOLDER / "batsim-easy.jobs.csv", mapping="batsim")
    ends = {event["subject_id"]: event["ts_us"] for event in events if event["kind"] == "batch_job.ended"}
    spans: dict[int, list[tuple[int, int]]] = {}
    for event in events:
        if event["kind"] == "batch_job.started":
            for part in json.loads(event["data"])["allocated"].split():
                first, _, last = part.partition("-")
                for processor in range(int(first), int(last or first) + 1):
                    spans.setdefault(processor, []).append((event["ts_us"], ends[event["subject_id"]]))
    assert len(spans) == 54
    for held in map(sorted, spans.values()):
        assert all(end <= begin for (_, end), (begin, _) in pairwise(held))


def test_swf_counts_from_its_header_and_passes_over_parts_of_jobs(tmp_path: Path):
    """Comments are blank, an unknown run has no end, a line that is no job is refused."""
    job = b"%d 10 5 %d 4 -1 -1 4 -1 -1 %d 7 -1 -1 -1 -1 -1 -1"
    lines = (b"; Version: 2", b"; UnixStartTime: 1000", job % (1, 20, 5), job % (2, -1, 1), job % (2, 3, 2), b"1 2 3")
    report, events, rejected = loaded(write(tmp_path / "log.swf", *lines))
    assert [(event["event_id"], event["ts_us"], event["outcome"]) for event in events] == [
        ("1/ended", 1035_000000, "failed"), ("1/started", 1015_000000, "committed"), ("1/submitted", 1010_000000, "attempted"),
        ("2/started", 1015_000000, "committed"), ("2/submitted", 1010_000000, "attempted"),
    ]  # fmt: skip
    assert (report.lines, report.blank, report.quarantined, rejected[0]["reason"]) == (9, 3, 1, "unmapped")


def test_the_gpu_cluster_trace_loads_with_the_counts_of_its_manifest(shared_data: Path):
    """8152 pods: 897 were never scheduled, 5209 waited, the longest for 14330 s, on average 61.302 s."""
    report, events, _ = loaded(shared_data / FOLDER / "openb_pod_list_default.csv", mapping="openb")
    assert (report.lines, report.events, report.blank) == (8152 + 7255 + 8152 + 1, 8152 + 7255 + 8152, 1)
    moments = {event["event_id"]: event["ts_us"] for event in events}
    phases = [json.loads(event["data"])["phase"] for event in events if event["kind"] == "pod.submitted"]
    assert {phase: phases.count(phase) for phase in set(phases)} == {"Running": 5193, "Failed": 1870, "Pending": 897, "Succeeded": 192}
    waits = [at - moments[f"{pod}/created"] for pod, _, moment in (id_.partition("/") for id_ in moments)
             if moment == "scheduled" for at in [moments[f"{pod}/scheduled"]]]  # fmt: skip
    assert (len(waits), sum(wait > 0 for wait in waits), max(waits)) == (7255, 5209, 14330_000000)
    assert round(sum(waits) / len(waits) / 1_000_000, 3) == 61.302


def test_the_nodes_of_the_gpu_cluster_load(shared_data: Path):
    """1523 nodes with 6212 GPUs; the trace gives them no time."""
    _, events, _ = loaded(shared_data / FOLDER / "openb_node_list_all_node.csv", mapping="openb_nodes")
    assert len(events) == 1523
    assert sum(int(json.loads(event["data"])["gpus"]) for event in events) == 6212


def test_the_simkube_trace_loads_with_the_counts_of_its_manifest(shared_data: Path):
    """89 steps apply 250 objects, none is deleted; 27 Deployments in 1265 s, of which 8 change their replicas."""
    report, events, _ = loaded(shared_data / "replay-trace/simkube-dsb.trace.json")
    assert (report.events, {event["kind"] for event in events}) == (250, {"deployment.applied"})
    assert max(event["ts_us"] for event in events) - min(event["ts_us"] for event in events) == 1265_000000
    replicas: dict[str, list[int]] = {}
    for event in events:
        replicas.setdefault(event["subject_id"], []).append(json.loads(event["data"])["replicas"])
    assert (len(replicas), sum(len(set(seen)) > 1 for seen in replicas.values())) == (27, 8)


def test_a_simkube_trace_that_begins_later_has_the_same_events(tmp_path: Path):
    """A recording keeps the last hours: what it still holds is known already. The same object applied twice in a second is two events."""
    web = {"kind": "Deployment", "metadata": {"namespace": "n", "name": "web"}, "spec": {"replicas": 2}}
    steps = [{"ts": at, "applied_objs": [web] * times, "deleted_objs": []} for at, times in ((100, 1), (200, 2), (200, 1), (300, 1))]
    for name, kept in (("whole", steps), ("later", steps[1:])):
        (tmp_path / f"{name}.json").write_text(json.dumps({"config": {}, "events": kept, "index": {}}, indent=1))
    with open_in_memory() as database:
        assert load(database, [tmp_path / "whole.json"]).events == 5
        again = load(database, [tmp_path / "later.json"])
    assert (again.events, again.duplicates, again.conflicts) == (0, 4, 0)


def test_rows_of_parquet_are_read_as_lines(tmp_path: Path):
    """A table with the columns of the wire contract is native; any other is read with a mapping for JSON; a damaged one is refused."""
    native, path = tmp_path / "events.parquet", tmp_path / "jobs.parquet"
    duckdb.sql("""
        SELECT 'e-' || i AS event_id, 'r' AS run_id, '2026-01-01T00:00:00Z' AS time, 'a' AS actor, 'x.y' AS kind,
            {'kind': 'w', 'id': '1'} AS subject
        FROM range(20000) AS t(i)""").write_parquet(str(native))
    duckdb.sql("SELECT 1767225600.25 AS ts, 'placed' AS msg, 't-1' AS subject_id, 'task' AS subject_kind").write_parquet(str(path))
    assert loaded(native)[0].events == 20000
    _, (event,), _ = loaded(path, mapping="zap")
    assert (event["ts_us"], event["kind"], event["subject_kind"], event["subject_id"]) == (1767225600_250000, "placed", "task", "t-1")
    path.write_bytes(path.read_bytes()[:-9])
    report, _, rejected = loaded(path)
    assert (report.events, [row["reason"] for row in rejected]) == (0, ["compressed"])


LOGGERS: dict[str, dict[str, object]] = {
    "slog": {"time": "2026-01-01T01:00:00.25+01:00", "level": "INFO", "msg": "placed"},
    "zap": {"ts": 1767225600.25, "level": "info", "msg": "placed"},
    "structlog": {"timestamp": "2026-01-01T00:00:00.250000Z", "level": "info", "event": "placed"},
}


@pytest.mark.parametrize("name", LOGGERS)
def test_lines_of_the_usual_loggers_become_events(tmp_path: Path, name: str):
    """The message is the kind, and the service the subject, unless attributes by the names of the wire contract say better."""
    plain = {**LOGGERS[name], "service": "sched"}
    exact = {**plain, "kind": "task.placed", "subject_kind": "task", "subject_id": "t-1", "seq": 7, "load": 1.5}
    report, (first, second), _ = loaded(write(tmp_path / "log", *(json.dumps(line).encode() for line in (plain, exact))), mapping=name)
    assert report.events == 2
    assert (first["kind"], first["actor"], first["subject_kind"], first["subject_id"]) == ("placed", "sched", "service", "sched")
    assert (second["kind"], second["subject_kind"], second["subject_id"], second["seq"]) == ("task.placed", "task", "t-1", 7)
    assert (second["ts_us"], json.loads(second["data"])["load"]) == (1767225600_250000, 1.5)


def test_a_row_says_every_event_that_fits_and_counts_as_that_many(tmp_path: Path):
    """Quotes may hold separators; a row that says nothing counts once."""
    (tmp_path / "map.toml").write_text("""
        title = "jobs"
        run = "r"
        says = "all"
        line = { form = "csv", columns = ["job", "begin", "end"], skip = "^job," }
        time = { field = "begin" }
        every = { actor = "a", subject = { kind = "job", id = "{job}" } }
        event = [{ at = "begin", kind = "job.begun" }, { at = "end", kind = "job.over" }]
    """)
    log = write(tmp_path / "jobs.csv", b"job,begin,end", b'"a, ""b""",1,2', b"c,3,", b"d,,")
    report, events, rejected = loaded(log, mapping=str(tmp_path / "map.toml"))
    assert [(event["kind"], event["subject_id"], event["ts_us"]) for event in events] == [
        ("job.begun", 'a, "b"', 1_000000), ("job.over", 'a, "b"', 2_000000), ("job.begun", "c", 3_000000),
    ]  # fmt: skip
    assert (report.lines, report.events, report.blank, report.quarantined) == (5, 3, 1, 1)
    assert rejected[0]["reason"] == "unmapped"
