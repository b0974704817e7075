"""The emitter: what it says is taken whole, in order and once, and its caller never waits."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.emit import DROPPED, BatchTooLarge, Counts, Emitter, SinkBusy, SinkRefused
from ingest.in_memory import open_in_memory
from ingest.load import load
from ingest.strict import refusal_of_line
from tests.ingest.lines import rows


class Memory:
    """A sink that keeps what it is given; `answers` are what it does first, None for taking."""

    def __init__(self, *answers: Exception | None, batch_events: int = 100) -> None:
        self.answers, self.batch_events, self.batch_bytes = list(answers), batch_events, 1024 * 1024
        self.lines: list[bytes] = []
        self.offered: list[int] = []
        self.is_closed = False

    def write(self, lines: Sequence[bytes]) -> None:
        self.offered.append(len(lines))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.lines += lines

    def close(self) -> None:
        self.is_closed = True

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Stuck(Memory):
    """A sink that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(batch_events=1)
        self.is_asked, self.is_free = threading.Event(), threading.Event()

    def write(self, lines: Sequence[bytes]) -> None:
        self.is_asked.set()
        self.is_free.wait(60)
        super().write(lines)


def emitter_to(sink: Memory, **options: Any) -> Emitter:
    return Emitter(sink, run_id="run", actor="cp-1/pool", incarnation="cp-1-a", **options)


def loaded(*paths: Path) -> tuple[list[dict[str, Any]], int, int]:
    """The events of files in order, how many lines were duplicates or in conflict, how many were refused."""
    with open_in_memory() as database:
        report = load(database, paths)
        found = rows(database.connection, "FROM event ORDER BY actor, incarnation, seq")
    return found, report.duplicates + report.conflicts, report.quarantined


# ---- what an event is


def test_an_event_has_its_place_in_the_stream_and_all_that_was_said(tmp_path: Path):
    with Emitter(
        tmp_path / "log.jsonl", run_id="run", actor="cp-1/pool", incarnation="cp-1-a", now_us=lambda: 1_767_225_600_000_001
    ) as emitter:
        first = emitter.emit("worker.seen", "worker/w/1")
        emitter.emit(
            "worker.parked", "worker/w-1", refs={"owner": "control_plane/cp-1-a", "counted": ["worker/a", "worker/b"]},
            data={"vcpu": 4, "tags": ("x", None, 1.5)}, caused_by=[first], workload="w", generation=2, epoch=3, revision=9,
            inputs=[{"source": "store", "kind": "worker", "id": "w-1", "version": 7}], outcome="committed", reason="idle",
            commit_time=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), component="janitor",
        )  # fmt: skip
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [
        {
            "event_id": "cp-1-a/pool:1", "time": "2026-01-01T00:00:00.000001Z", "seq": 1, "clock": 1, "run_id": "run", "actor": "cp-1/pool",
            "incarnation": "cp-1-a", "kind": "worker.seen", "subject": {"kind": "worker", "id": "w/1"},
        },
        {
            "event_id": "cp-1-a/janitor:1", "time": "2026-01-01T00:00:00.000001Z", "seq": 1, "clock": 2, "run_id": "run",
            "actor": "cp-1/janitor", "incarnation": "cp-1-a", "kind": "worker.parked", "subject": {"kind": "worker", "id": "w-1"},
            "refs": [
                {"role": "owner", "kind": "control_plane", "id": "cp-1-a"}, {"role": "counted", "kind": "worker", "id": "a"},
                {"role": "counted", "kind": "worker", "id": "b"},
            ],
            "caused_by": ["cp-1-a/pool:1"], "inputs": [{"source": "store", "kind": "worker", "id": "w-1", "version": 7}],
            "commit_time": "2026-01-01T00:00:00.000000Z", "workload": "w", "outcome": "committed", "reason": "idle", "revision": 9,
            "generation": 2, "epoch": 3, "data": {"vcpu": 4, "tags": ["x", None, 1.5]},
        },
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(), max_size=12)
NAMED = st.builds("{}/{}".format, TEXT, TEXT) | TEXT
SAID = st.fixed_dictionaries(
    {"kind": TEXT, "subject": NAMED},
    optional={
        "refs": st.dictionaries(TEXT, NAMED | st.lists(NAMED, max_size=2), max_size=2),
        "data": st.dictionaries(TEXT, JSON, max_size=4),
        "caused_by": st.lists(TEXT, max_size=2),
        "inputs": st.lists(
            st.fixed_dictionaries(
                {"source": st.sampled_from(["store", "moon"]), "kind": TEXT, "id": TEXT},
                optional={"age_ms": st.integers(-(2**64), 2**64), "digest": TEXT},
            ),
            max_size=2,
        ),
        "commit_time": st.datetimes(timezones=st.just(UTC)) | st.datetimes(),
        "epoch": st.integers(-(2**65), 2**65),
        "outcome": TEXT,
        "workload": TEXT,
        "component": TEXT,
    },
)


@given(st.lists(SAID, min_size=1, max_size=10))
def test_what_is_emitted_is_never_refused_by_the_reader(said: list[dict[str, Any]]):
    """Whatever a caller says is either a ValueError at once, or an event as the strict reader wants it."""
    sink = Memory()
    with emitter_to(sink) as emitter:
        ids = list(emitted(emitter, said))
    assert [refusal_of_line(line) for line in sink.lines] == [None] * len(ids)
    assert [event["event_id"] for event in sink.events] == ids


@settings(max_examples=3)
@given(st.lists(SAID, min_size=30, max_size=60))
def test_what_is_emitted_is_loaded_once(tmp_path_factory: pytest.TempPathFactory, said: list[dict[str, Any]]):
    """None is refused, doubled or lost on the way through a file."""
    path = tmp_path_factory.mktemp("emit") / "log.jsonl"
    with Emitter(path, run_id="run", actor="cp-1/pool", fsync="never") as emitter:
        ids = list(emitted(emitter, said))
    events, twice, refused = loaded(path)
    assert sorted(event["event_id"] for event in events) == sorted(ids)
    assert (twice, refused, emitter.counts()) == (0, 0, Counts(len(ids), len(ids), 0))


def emitted(emitter: Emitter, said: list[dict[str, Any]]) -> Iterator[str]:
    """The ids of what could be said."""
    for one in said:
        with suppress(ValueError, TypeError):
            yield emitter.emit(**one)


@pytest.mark.parametrize(
    "said",
    [
        {"subject": "worker"}, {"subject": "/w"}, {"subject": "worker/"}, {"subject": "worker/" + "w" * 201}, {"subject": "worker/\0"},
        {"subject": "worker/\ud800"}, {"kind": ""}, {"kind": 7}, {"refs": {"owner": "cp"}}, {"caused_by": "e-1"}, {"data": {1: 2}},
        {"data": {"a": float("nan")}}, {"data": {"a": 2**63}}, {"data": {"a": {1, 2}}}, {"data": {"a": "x" * 2**20}}, {"data": [1]},
        {"data": {str(n): n for n in range(5001)}}, {"epoch": True}, {"epoch": "3"},
        {"commit_time": datetime(2026, 1, 1)},  # noqa: DTZ001  what is refused
        {"inputs": [{"source": "moon", "kind": "a", "id": "b"}]}, {"inputs": [{"source": "store", "kind": "a", "id": "b", "x": 1}]},
        {"outcome": 1}, {"component": "c" * 200}, {"commit_time": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
    ],
)  # fmt: skip
def test_what_is_no_event_is_told_at_once_and_leaves_no_hole(said: dict[str, Any]):
    sink = Memory()
    with emitter_to(sink) as emitter:
        with pytest.raises((ValueError, TypeError)):
            emitter.emit(**{"kind": "a.b", "subject": "worker/w-1"} | said)
        emitter.emit("a.b", "worker/w-1")
    assert [event["seq"] for event in sink.events] == [1]


def test_data_that_holds_itself_is_refused():
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    with emitter_to(Memory()) as emitter, pytest.raises(ValueError, match="nested more than"):
        emitter.emit("a.b", "c/d", data=loop)


PARKED = {"from_state": "hot", "to_state": "hot_idle", "owner": "cp-1", "epoch": 1, "org": "o", "vcpu": 4, "ttl_us": 1, "revision": 1}


def test_known_kinds_are_held_against_their_classes_where_that_is_asked_for():
    """A field too few, one too many, another subject, another outcome; what nobody knows passes."""
    lost = {"holder": "cp-1", "term": 3}
    with emitter_to(Memory(), validate=True) as emitter:
        emitter.emit("lease.lost", "lease/janitor", data=lost, outcome="observed")
        emitter.emit("somebody.elses", "lease/janitor", data={"term": "x"})
        for subject, data, outcome, complaint in (
            ("lease/janitor", {"holder": "cp-1"}, "observed", "data.term: Field required"),
            ("lease/janitor", lost | {"trem": 4}, "observed", "data.trem: Extra inputs are not permitted"),
            ("lease/janitor", lost | {"term": "3"}, "observed", "data.term: Input should be a valid integer"),
            ("worker/w-1", lost, "observed", "said of a lease, not of 'worker/w-1'"),
            ("lease/janitor", lost, None, "its outcome is observed, not None"),
        ):
            with pytest.raises(ValueError, match=complaint):
                emitter.emit("lease.lost", subject, data=data, outcome=outcome)


# ---- order


@given(st.lists(st.none() | st.integers(0, 2**62) | st.sampled_from(["pool", "janitor"]), max_size=30))
def test_the_clock_never_goes_back_and_is_past_all_that_was_observed(steps: list[int | str | None]):
    sink, heard = Memory(), [0]
    with emitter_to(sink) as emitter:
        for step in steps:
            if isinstance(step, int):
                emitter.observe(step)
                heard.append(step)
            else:
                emitter.emit("a.b", "c/d", component=step)
                assert emitter.clock > max(heard)
    clocks = [event["clock"] for event in sink.events]
    assert clocks == sorted(set(clocks))
    for component in ("pool", "janitor"):
        seqs = [event["seq"] for event in sink.events if event["actor"] == f"cp-1/{component}"]
        assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize("clock", [-1, 2**62 + 1, 1.5, True, "7", None])
def test_a_clock_that_is_none_is_refused(clock: Any):
    """A peer that lies cannot push our clock over its end."""
    with emitter_to(Memory()) as emitter, pytest.raises(ValueError, match="is no clock"):
        emitter.observe(clock)


def test_threads_share_an_emitter(tmp_path: Path):
    """Eight threads, two hundred events each: the file has the order of `seq` and of the clock."""
    path = tmp_path / "log.jsonl"
    with Emitter(path, run_id="run", actor="cp-1/pool", fsync="never", rotate_bytes=20_000) as emitter:
        threads = [threading.Thread(target=lambda: [emitter.emit("a.b", "c/d") for _ in range(200)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    files = sorted(tmp_path.iterdir(), key=lambda file: int(file.suffix[1:]) if file.suffix[1:].isdecimal() else sys.maxsize)
    events = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(files) > 5
    assert [event["seq"] for event in events] == [event["clock"] for event in events] == list(range(1, 1601))


def test_coroutines_use_it_as_it_is():
    async def say() -> Counts:
        async with emitter_to(sink) as emitter:
            await asyncio.gather(*(asyncio.to_thread(emitter.emit, "a.b", f"c/{n}") for n in range(5)))
            emitter.emit("a.b", "c/d")
        return emitter.counts()

    sink = Memory()
    assert asyncio.run(say()) == Counts(6, 6, 0)
    assert sink.is_closed


# ---- a sink that is slow, gone, or broken


def test_a_sink_that_never_returns_costs_the_caller_nothing_but_events():
    """A queue of three: the first is with the sink, three wait, two are dropped. Free again, the stream tells which are missing."""
    sink = Stuck()
    emitter = emitter_to(sink, queue_events=3)
    emitter.emit("a.b", "c/1")
    assert sink.is_asked.wait(60)
    ids = [emitter.emit("a.b", f"c/{number}") for number in range(2, 7)]
    assert ids[-1] == "cp-1-a/pool:6"
    assert emitter.counts() == Counts(6, 0, 2)
    assert not emitter.flush(timeout_seconds=0)
    sink.is_free.set()
    assert emitter.flush(60)
    emitter.emit("a.b", "c/7")
    assert emitter.close(60) == Counts(7, 5, 2)
    told = [(event["seq"], event["kind"], event.get("data")) for event in sink.events]
    assert [seq for seq, _, _ in told] == [1, 2, 3, 4, 7, 8]
    assert told[4:] == [(7, DROPPED, {"first_seq": 5, "last_seq": 6, "count": 2}), (8, "a.b", None)]


def test_the_bytes_that_wait_are_bounded_too():
    sink = Stuck()
    emitter = emitter_to(sink, queue_bytes=2000)
    for number in range(10):
        emitter.emit("a.b", f"c/{number}", data={"text": "x" * 900})
        assert sink.is_asked.wait(60)
    sink.is_free.set()
    assert emitter.close(60) == Counts(10, 2, 8)


def test_closing_ends_in_time_even_where_the_sink_never_returns():
    """What is left is left; what is emitted later is dropped, and nobody waits."""
    sink = Stuck()
    emitter = emitter_to(sink)
    emitter.emit("a.b", "c/1")
    assert sink.is_asked.wait(60)
    assert emitter.close(timeout_seconds=0) == Counts(1, 0, 0)
    emitter.emit("a.b", "c/2")
    assert emitter.counts() == Counts(2, 0, 1)
    sink.is_free.set()


def test_a_busy_sink_is_asked_again_and_gets_everything_once():
    sink = Memory(SinkBusy("wait", 0), OSError("disk full"), SinkBusy("wait", 0))
    with emitter_to(sink) as emitter:
        emitter.emit("a.b", "c/d")
        assert emitter.flush(60)
        assert emitter.problem is None
    assert (sink.offered, len(sink.lines)) == ([1, 1, 1, 1], 1)


def test_a_sink_that_stays_busy_is_asked_ten_times_and_then_told_what_it_missed():
    sink = Memory(*[SinkBusy("wait", 0)] * 10)
    with emitter_to(sink) as emitter:
        emitter.emit("a.b", "c/1")
        assert emitter.flush(60)
        assert (emitter.counts(), emitter.problem) == (Counts(1, 0, 1), "wait")
        emitter.emit("a.b", "c/2")
    assert [(event["seq"], event["kind"]) for event in sink.events] == [(2, "a.b"), (3, DROPPED)]


@pytest.mark.parametrize("answer", [SinkRefused("no"), ZeroDivisionError("a bug of the sink")])
def test_events_that_are_refused_are_dropped_and_the_next_ones_go_on(answer: Exception):
    """The event that tells of a hole may be refused as well: it leaves a hole of its own, and both are told of."""
    sink = Memory(answer, None, answer, batch_events=1)
    with emitter_to(sink) as emitter:
        for number in range(4):
            emitter.emit("a.b", f"c/{number}")
            assert emitter.flush(60)
    told = [(event["seq"], event["kind"], event.get("data", {}).get("first_seq")) for event in sink.events]
    assert told == [(2, "a.b", None), (4, "a.b", None), (5, DROPPED, 1), (6, DROPPED, 3), (7, "a.b", None)]


def test_a_batch_that_is_too_large_is_halved():
    """The one event that is too large by itself is dropped, and nothing else."""

    class Small(Memory):
        def write(self, lines: Sequence[bytes]) -> None:
            if len(lines) > 2 or any(b"huge" in line for line in lines):
                raise BatchTooLarge
            super().write(lines)

    sink = Small()
    with emitter_to(sink) as emitter:
        for number in range(9):
            emitter.emit("a.b", "c/huge" if number == 5 else f"c/{number}")
        assert emitter.flush(60)
    assert emitter.counts() == Counts(9, 8, 1)
    assert [event["data"] for event in sink.events if event["kind"] == DROPPED] == [{"first_seq": 6, "last_seq": 6, "count": 1}]
