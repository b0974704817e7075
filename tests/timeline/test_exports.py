"""What is handed on: every format is whole, says what the log says, and is the same again from the same database."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.errors import UsageError
from ingest.load import load
from tests.detectors.telling import alive
from tests.story import START_US, tell
from timeline import Timeline, bundle
from timeline.blank import blank
from timeline.exports import Chosen, formats, ocel
from timeline.findings import identifier
from timeline.log_table import log_table
from timeline.refresh import refresh

RUN = "run"
SECOND = 1_000_000
SECRET = "hunter2hunter2"
LEAK = """
    0s    cp-1/elector  lease/janitor  lease.acquired    holder=cp-1-a
    1s    cp-1/pool     worker/w-1     worker.slot_created
    2s    cp-1/pool     worker/w-1     worker.spawned
    9s    cp-1/pool     worker/w-1     worker.activated
    10s   cp-2/elector  lease/janitor  lease.acquired    holder=cp-2-a term=2
    20s   cp-1/pool     worker/w-1     worker.parked     ttl=1m reason="=cmd()" <cp-1-a/pool:3
    21s   cp-1/pool     worker/w-2     worker.activated
    30s   cp-1/pool     worker/w-2     worker.parked     ttl=1m
    300s  cp-1/janitor  worker/w-1     worker.retired
"""
"""A lease that changes hands, two workers that sit parked for too long at the same time, and a cause."""


def log_of(text: str) -> Timeline:
    """The story as a log in memory."""
    return Timeline.in_memory([event.model_dump_json(exclude_defaults=True).encode() for event in tell(text + alive("cp-1", "400s"))])


@pytest.fixture(scope="module")
def logs() -> Iterator[tuple[Timeline, Timeline]]:
    """The same lines, loaded twice."""
    with log_of(LEAK) as once, log_of(LEAK) as again:
        yield once, again


@pytest.fixture(scope="module")
def log(logs: tuple[Timeline, Timeline]) -> Timeline:
    return logs[0]


@pytest.fixture(scope="module")
def twice(logs: tuple[Timeline, Timeline]) -> list[Chosen]:
    """The same run of both."""
    return [log.choose(run=RUN) for log in logs]


@pytest.fixture(scope="module")
def chosen(twice: list[Chosen]) -> Chosen:
    """The run."""
    return twice[0]


def exported(chosen: Chosen, name: str, path: Path) -> bytes:
    """The bytes of a format, of one file."""
    assert formats()[name].write(chosen, path) == [path]
    return path.read_bytes()


def test_every_format_is_found_by_its_file_and_says_what_it_does():
    for name, one in formats().items():
        assert one.help.endswith("."), name
        assert one.metavar in {"FILE", "DIR"}


def test_what_is_to_be_handed_on_is_chosen_as_everywhere(log: Timeline):
    """A finding brings its run and its object; a name that fits nothing is a usage error."""
    found = log.detect().findings[0]
    chosen = log.choose(found.finding_id)
    assert (chosen.run_id, chosen.finding, chosen.subject) == (RUN, found, (found.subject.kind, found.subject.id))
    assert log.choose(name="worker/1").subject == ("worker", "w-1")
    with pytest.raises(UsageError, match="it is not in the run"):
        log.choose(name="worker/nobody")


# ---- traces


def test_perfetto_reads_the_trace_back_with_its_own_classes(chosen: Chosen, tmp_path: Path):
    """Tracks in groups, states as slices that never overlap on a track, decisions as marks, causes as arrows, slots as counters."""
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

    trace = Trace.FromString(exported(chosen, "perfetto", tmp_path / "run.pftrace"))
    names = {packet.track_descriptor.uuid: packet.track_descriptor.name for packet in trace.packet if packet.HasField("track_descriptor")}
    parents = {names[one.track_descriptor.uuid]: names[one.track_descriptor.parent_uuid]
               for one in trace.packet if one.track_descriptor.parent_uuid}  # fmt: skip
    assert {parents["janitor"], parents["w-1"], parents["warm_pool/stale_hot_idle (2)"]} == {"lease", "worker", "findings"}
    events = [(packet.timestamp // 1000 - START_US, packet.track_event) for packet in trace.packet if packet.HasField("track_event")]
    open_slices: dict[int, list[tuple[int, str]]] = {}
    slices = []
    for at_us, event in events:
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            assert not open_slices.get(event.track_uuid), "a stretch begins while another one lasts on its track"
            open_slices[event.track_uuid] = [(at_us, event.name)]
        elif event.type == TrackEvent.TYPE_SLICE_END:
            began_us, name = open_slices[event.track_uuid].pop()
            slices.append((names[event.track_uuid], name, began_us // SECOND, at_us // SECOND))
    assert ("w-1", "hot_idle", 20, 300) in slices
    marks = [event for _, event in events if event.type == TrackEvent.TYPE_INSTANT]
    assert len([mark for mark in marks if not mark.name.startswith(("control_plane.", "config."))]) == len(LEAK.strip().splitlines())
    (cause,), (effect,) = [mark for mark in marks if mark.flow_ids], [mark for mark in marks if mark.terminating_flow_ids]
    assert (cause.name, effect.name, list(cause.flow_ids)) == ("worker.activated", "worker.parked", list(effect.terminating_flow_ids))
    notes = {note.name: note.string_value or note.int_value for note in effect.debug_annotations}
    assert (notes["actor"], notes["reason"], notes["data.vcpu"]) == ("cp-1/pool", "=cmd()", 8)
    counts = [
        (names[event.track_uuid], at_us // SECOND, event.counter_value) for at_us, event in events if event.type == TrackEvent.TYPE_COUNTER
    ]
    assert counts[:2] == [("acme active", 1, 1), ("acme cap", 1, 4)]
    assert [value for name, _, value in counts if name == "acme active"] == [1, 0, 1, 0]


def test_chrome_trace_loads_with_our_own_ingest(chosen: Chosen, tmp_path: Path):
    """As many slices, marks and counters as the run has; numbers, text and order arrive as they were."""
    path = tmp_path / "run.json"
    text = exported(chosen, "perfetto", path)
    assert text.isascii()
    rows = json.loads(text)["traceEvents"]
    with Timeline.in_memory(text.splitlines()) as read:
        kinds = dict(read.sql("SELECT kind, count(*)::INTEGER AS n FROM event GROUP BY kind").rows())
    phases = [row["ph"] for row in rows]
    assert kinds["slice.begun"] == phases.count("B") > kinds["slice.ended"] == phases.count("E") > 0
    assert kinds["counter.sampled"] == phases.count("C")
    assert kinds["trace.marked"] == phases.count("i") + 2


def test_trace_of_an_object_has_what_has_to_do_with_it(chosen: Chosen, tmp_path: Path):
    rows = json.loads(exported(replace(chosen, subject=("worker", "w-1")), "perfetto", tmp_path / "w.json"))["traceEvents"]
    marks = [row["name"] for row in rows if row["ph"] == "i"]
    assert len(marks) == 5
    assert not [name for name in marks if name.startswith("lease.")]


# ---- tables


def test_parquet_says_what_the_tables_say_and_is_a_log_again(chosen: Chosen, tmp_path: Path):
    """Each table with rows has a file, row for row; `log.parquet` loads as the same events."""
    files = formats()["parquet"].write(chosen, tmp_path / "run")
    assert {file.name for file in files} == {path.name for path in (tmp_path / "run").iterdir()}
    assert {"log.parquet", "event.parquet", "worker_state_interval.parquet"} <= {file.name for file in files}
    for file in files[1:]:
        rows = chosen.connection.execute(f"SELECT * FROM {identifier(file.stem)} WHERE run_id = 'run' ORDER BY ALL").fetchall()
        assert [tuple(row.values()) for row in pq.read_table(file).to_pylist()] == rows, file.name
    load(again := blank(), [files[0]]).check(is_strict=True)
    said = "SELECT * EXCLUDE (event_no, content_hash, file_id, byte_offset) FROM event ORDER BY event_id"
    assert again.connection.execute(said).fetchall() == chosen.connection.execute(said).fetchall()
    again.close()


# ---- process mining


def test_ocel_keeps_the_rules_of_its_standard(chosen: Chosen):
    """Identities are unique, every type and attribute is declared with the type of its values, every relation leads to an object."""
    log = ocel.document(chosen)
    assert list(log) == ["objectTypes", "eventTypes", "objects", "events"]
    made = {"string": str, "integer": int, "float": float, "boolean": bool}
    for items, types in ((log["objects"], log["objectTypes"]), (log["events"], log["eventTypes"])):
        declared = {(one["name"], attribute["name"]): made[attribute["type"]] for one in types for attribute in one["attributes"]}
        assert len({item["id"] for item in items}) == len(items)
        assert {item["type"] for item in items} == {one["name"] for one in types}
        for item in items:
            for value in item["attributes"]:
                assert type(value["value"]) is declared[item["type"], value["name"]]
            assert {link["objectId"] for link in item["relationships"]} <= {one["id"] for one in log["objects"]}
    worker = next(one for one in log["objects"] if one["id"] == "worker/w-1")
    states = [(value["time"][14:19], value["value"]) for value in worker["attributes"]]
    assert states == [("00:01", "spawning"), ("00:02", "idle"), ("00:09", "hot"), ("00:20", "hot_idle"), ("05:00", "retired")]
    assert {"objectId": "org/acme", "qualifier": "org"} in worker["relationships"]


def test_values_of_two_types_are_made_one():
    values = [(1, 1), (0.5, "x")]
    items: list[dict[str, Any]] = [{"type": "t", "attributes": [{"name": "a", "value": a}, {"name": "b", "value": b}]} for a, b in values]
    assert ocel._types(items) == [{"name": "t", "attributes": [{"name": "a", "type": "float"}, {"name": "b", "type": "string"}]}]
    assert [[value["value"] for value in item["attributes"]] for item in items] == [[1.0, "1"], [0.5, "x"]]


def test_ocel_loads_with_our_own_ingest(chosen: Chosen, tmp_path: Path):
    """Every decision with its time, its objects in their roles and its own fields."""
    exported(chosen, "ocel", tmp_path / "run.json")
    load(again := blank(), [tmp_path / "run.json"]).check(is_strict=True)
    refresh(again.connection)
    said = "SELECT kind, ts_us, data->>'actor' AS actor, data->>'reason' AS reason FROM event WHERE event_id LIKE 'event/%' ORDER BY ALL"
    was = "SELECT kind, at_us, actor, reason FROM event JOIN event_time USING (event_no) ORDER BY ALL"
    assert again.connection.execute(said).fetchall() == chosen.connection.execute(was).fetchall()
    links = "FROM event_object AS o JOIN event AS e USING (event_no) JOIN event_time AS t USING (event_no) WHERE role <> 'subject'"
    touched = f"SELECT DISTINCT role, o.kind, o.id, e.kind, e.ts_us {links} AND event_id LIKE 'event/%' ORDER BY ALL"
    named = f"SELECT DISTINCT role, o.kind, o.kind || '/' || o.id, e.kind, t.at_us {links} ORDER BY ALL"
    assert again.connection.execute(touched).fetchall() == chosen.connection.execute(named).fetchall()
    again.close()


# ---- alerts


@pytest.mark.tools
def test_exported_promtool_test_shows_the_alerts_of_the_run_fire_and_not_before(chosen: Chosen, tmp_path: Path):
    """promtool takes it as it is, and takes no other minute for the first one."""
    stale = next(one for one in chosen.found if one.detector == "warm_pool/stale_hot_idle")
    test, rules = formats()["promtool"].write(replace(chosen, finding=stale), tmp_path / "leak.yml")
    assert 'timeline_findings{run="run",detector="warm_pool/stale_hot_idle",severity="warning"}' in test.read_text()
    assert rules.read_text().count("alert:") == 1
    assert promtool(test) == 0
    fires = max(int(minute) for minute in re.findall(r"eval_time: (\d+)m", test.read_text()))
    test.write_text(test.read_text().replace(f"eval_time: {fires}m", f"eval_time: {fires - 1}m"))
    assert promtool(test) != 0


@pytest.mark.tools
def test_exported_promtool_test_of_a_graded_finding_has_its_grade(tmp_path: Path):
    """Its detector has a series for each grade; the one of the finding fires."""
    drained = """
        5s   cp-1/pool           worker/w-1            worker.activated
        6s   cp-1/pool           session/s-1           session.started  >worker/w-1
        20s  cp-1/control_plane  control_plane/cp-1-a  control_plane.drain_started
        30s  cp-1/pool           session/s-1           session.ended    >worker/w-1
    """
    with log_of(drained) as log:
        pinned = next(one for one in log.detect().findings if one.detector == "warm_pool/idle_hot_pinned")
        test, _ = formats()["promtool"].write(log.choose(pinned.finding_id), tmp_path / "leak.yml")
    assert pinned.severity == "critical"
    assert 'detector="warm_pool/idle_hot_pinned",severity="critical"}' in test.read_text()
    assert promtool(test) == 0


def test_nothing_found_is_nothing_to_test(chosen: Chosen, tmp_path: Path):
    with pytest.raises(UsageError, match="nothing is found here"):
        formats()["promtool"].write(replace(chosen, report=chosen.report.model_copy(update={"findings": []})), tmp_path / "t.yml")


def promtool(test: Path) -> int:
    return subprocess.run(["promtool", "test", "rules", test.name], cwd=test.parent, capture_output=True, check=False).returncode


# ---- pictures


def test_picture_that_is_no_picture_is_a_usage_error(chosen: Chosen, tmp_path: Path):
    """What is drawn is shown by test_charts.py."""
    with pytest.raises(UsageError, match=r"a picture is a \.png or an \.svg"):
        exported(chosen, "picture", tmp_path / "lanes.bmp")


# ---- all of them


@pytest.fixture(scope="module")
def secretive() -> Iterator[Chosen]:
    """The same run, where workers and what they cause are named for a password, and an actor is called `token_sweep`."""
    text = LEAK.replace("cp-1/pool ", "cp-1/token_sweep ").replace("cp-1-a/pool:3", "cp-1-a/token_sweep:3")
    for number in (1, 2):
        text = text.replace(f"worker/w-{number}", f'worker/"password={SECRET}{number}"')
    with log_of(text) as log:
        yield log.choose(run=RUN)


@pytest.mark.parametrize("name", ["bundle", "ocel", "parquet", "perfetto"])
def test_no_secret_in_an_id_is_handed_on(secretive: Chosen, tmp_path: Path, name: str):
    """A picture and a promtool test name no object."""
    written = formats()[name].write(secretive, tmp_path / f"out{bundle.SUFFIX if name == 'bundle' else ''}")
    said = {part: text for file in written for part, text in parts(file).items()}
    assert [part for part, text in said.items() if SECRET in text] == []
    assert [part for part, text in said.items() if "[blacked out]" in text]


def parts(file: Path) -> dict[str, str]:
    """The texts in a file: of a bundle each entry, of a table its rows."""
    files = bundle.unpack(file)[1] if file.suffix == bundle.SUFFIX else {file.name: file.read_bytes()}
    return {
        name: repr(pq.read_table(io.BytesIO(content)).to_pylist()) if name.endswith(".parquet") else content.decode(errors="replace")
        for name, content in files.items()
    }


def test_what_is_named_for_a_secret_is_still_told_apart(secretive: Chosen):
    """In a table that is a log again, with the cause that an event names, and in OCEL, where every identity is its own."""
    lines = log_table(secretive.connection, RUN)[0].to_pylist()
    assert len({line["event_id"] for line in lines}) == len(lines)
    workers = {line["subject"]["id"] for line in lines if line["subject"]["kind"] == "worker"}
    assert workers == {"password=[blacked out]", "password=[blacked out] (2)"}
    assert [line["caused_by"] for line in lines if line["caused_by"]] == [["cp-1-a/token_sweep:3"]]
    objects = [one["id"] for one in ocel.document(secretive)["objects"]]
    assert workers == {one.removeprefix("worker/") for one in objects if one.startswith("worker/")}


@pytest.mark.parametrize("name", sorted({*formats()} - {"bundle"}))  # of a bundle test_bundle.py shows it
def test_same_log_gives_the_same_bytes(twice: list[Chosen], tmp_path: Path, name: str):
    """Two times over, from two databases of the same lines."""
    written: list[dict[str, bytes]] = []
    for attempt, chosen in enumerate(twice):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        files = formats()[name].write(replace(chosen, subject=("worker", "w-1")), folder / ("out.svg" if name == "picture" else "out"))
        written.append({str(file.relative_to(folder)): file.read_bytes() for file in files})
    assert written[0] == written[1]
    assert all(written[0].values())
