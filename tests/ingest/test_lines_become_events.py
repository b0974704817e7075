"""What a line becomes: an event with typed fields, or a rejected line with the reason and the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.in_memory import open_in_memory
from ingest.load import load
from ingest.strict import DEPTH_MAX, KEYS_MAX, LINE_BYTES_MAX, REASONS, Refusal, refusal_of_line
from tests.ingest.lines import PARKED, event, line, loaded, rows, write

NESTED = "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)
REQUIRED = ("event_id", "run_id", "time", "actor", "kind", "subject")
GOOD = line().decode()


def bent(old: str, new: str) -> bytes:
    """The good line with one piece of its text replaced."""
    assert old in GOOD
    return GOOD.replace(old, new, 1).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in event().items() if key != name}).encode()


def own(**changed: Any) -> bytes:
    return line(data=PARKED | changed)


REJECTED = [
    (b"{", "not_json"),
    (b"{'a': 1}", "not_json"),
    (GOOD.encode()[:-1] + b",}", "not_json"),
    (GOOD.encode() + GOOD.encode(), "not_json"),
    (b"// a comment", "not_json"),
    (b"[]", "not_object"),
    (b"null", "not_object"),
    (b'"text"', "not_object"),
    (b"7", "not_object"),
    (b"\xff\xfe\xfd", "utf8"),
    (bent("worker.parked", "worker.\xe9").decode().encode("latin-1"), "utf8"),
    (bent('"actor": "cp-1/pool"', '"actor": "\\ud800"'), "surrogate"),
    (line(data={"note": "x"}, kind="other.said").replace(b'"x"', b'"\\udfff"'), "surrogate"),
    (bent('"actor": "cp-1/pool"', '"actor": "a\\u0000b"'), "nul"),
    (bent('"actor": "cp-1/pool"', '"actor": "a\x00b"'), "nul"),
    (bent('"seq": 1', '"seq": NaN'), "number"),
    (bent('"seq": 1', '"seq": 9223372036854775808'), "number"),
    (line(kind="other.said", data={"x": 1}).replace(b'"x": 1', b'"x": -Infinity'), "number"),
    (line(kind="other.said", data={"x": 1}).replace(b'"x": 1', b'"x": 1e400'), "number"),
    (line(kind="other.said", data={"x": 1}).replace(b'"x": 1', b'"x": 123456789012345678901234567890'), "number"),
    (own(vcpu=2**63), "number"),
    (own(ttl_us=2**62 + 1), "schema"),
    (bent('"seq": 1', '"seq": "1"'), "type"),
    (bent('"seq": 1', '"seq": 1.0'), "type"),
    (bent('"seq": 1', '"seq": true'), "type"),
    (bent('"clock": 1', '"clock": 1e0'), "type"),
    (line(actor=7), "type"),
    (line(subject="worker/w-1"), "type"),
    (line(refs={}), "type"),
    (line(refs=[7]), "type"),
    (line(caused_by=[None]), "type"),
    (line(data=[]), "type"),
    (bent('"seq": 1', '"seq": 1, "seq": 1'), "duplicate_key"),
    (bent('"owner": "cp-1-7f3a"', '"owner": "x", "owner": "cp-1-7f3a"'), "duplicate_key"),
    (line(kind="other.said", data={"x": {"y": 1}}).replace(b'"y": 1', b'"y": 1, "y": 2'), "duplicate_key"),
    (line(subject={"kind": "worker", "id": "w"}).replace(b'"id": "w"', b'"id": "w", "id": "v"'), "duplicate_key"),
    (line(time="2026-01-31T12:00:00"), "time"),
    (line(time="2026-02-30T12:00:00Z"), "time"),
    (line(time="2026-01-31T12:00:60Z"), "time"),
    (line(time="0000-01-31T12:00:00Z"), "time"),
    (line(time="1769860800"), "time"),
    (line(commit_time="yesterday"), "time"),
    (line(kind="other.said", data={"x": 1}).replace(b'"x": 1', b'"x": ' + NESTED.encode()), "depth"),
    (line(kind="other.said", data=dict.fromkeys(map(str, range(KEYS_MAX + 1)), 1)), "keys"),
    (line(Colour="red", Seq=7), "schema"),
    *[(without(name), "schema") for name in REQUIRED],
    (line(subject={"kind": "worker"}), "schema"),
    (line(refs=[{"role": "owner", "kind": "control_plane"}]), "schema"),
    (line(inputs=[{"source": "rumour", "kind": "worker", "id": "w"}]), "schema"),
    (line(kind="recording.ended", data={"digest": "d"}), "schema"),
    (own(vcpu="4"), "schema"),
    (own(vcpu=4.0), "schema"),
    (own(owner=7), "schema"),
    (line(actor="a" * 201), "size"),
    (line(event_id=""), "size"),
    (line(kind="other.said", data={"x": "y" * LINE_BYTES_MAX}), "line_too_long"),
]


@pytest.mark.parametrize(("bad", "reason"), REJECTED, ids=[f"{place}_{reason}" for place, (_, reason) in enumerate(REJECTED)])
def test_a_bad_line_is_kept_with_its_reason_and_its_neighbours_load(bad: bytes, reason: str, tmp_path: Path) -> None:
    """Whatever stands between two good lines, both load, and the bad one is kept with file, offset, line and reason."""
    path = write(tmp_path / "log.jsonl", line(1), bad, line(2))
    report, events, rejected = loaded(path)
    assert [found["seq"] for found in events] == [1, 2]
    assert (report.lines, report.events, report.quarantined) == (3, 2, 1)
    (kept,) = rejected
    assert (kept["reason"], kept["path"], kept["line_no"]) == (reason, str(path), 2)
    assert (kept["byte_offset"], kept["byte_length"]) == (len(line(1)) + 1, len(bad))
    assert kept["raw"] == bad[: 64 * 1024]


def test_every_reason_of_the_closed_list_has_a_case() -> None:
    """No reason without a line that earns it; `compressed` and `encoding` are earned by files, `unmapped` in test_mapping."""
    assert {reason for _, reason in REJECTED} | {"compressed", "document", "encoding", "unmapped"} == set(REASONS)


def test_reason_does_not_depend_on_how_deep_in_the_program_it_is_asked_for() -> None:
    """Python's reader of JSON gives up where its own stack ends: a broken line of 900 levels had another reason by who called."""

    def asked(frames: int) -> Refusal | None:
        return asked(frames - 1) if frames else refusal_of_line(b'{"a":' * 900 + b"}")

    assert asked(0) == asked(500) == Refusal("depth", "nested more than 64 deep")


ACCEPTED: dict[str, bytes] = {
    "plain": line(),
    "white space": b"  " + line() + b" \t",
    "carriage return": line() + b"\r",
    "keys in another order": json.dumps(dict(reversed(event().items()))).encode(),
    "optional fields absent": json.dumps({key: event()[key] for key in REQUIRED}).encode(),
    "optional fields null": line(incarnation=None, seq=None, refs=None, caused_by=None, inputs=None, outcome=None),
    "own field null": own(org=None),
    "own field missing": line(data={"to_state": "hot_idle"}),
    "own field that the kind does not have": own(colour="red"),
    "field that the envelope does not have": line(colour={"red": 1}, specversion="1.0"),
    "unknown kind": line(kind="gadget.polished", data={"any": [{"thing": 1.5}], "text": 'a "quote", [bracket] and nan'}),
    "known word in another case": line(kind="Worker.Parked", data={}),
    "offset": line(time="2026-01-31T14:00:01.000001+02:00"),
    "small letters": line(time="2026-01-31t12:00:01.000001z", commit_time="2026-01-31t12:00:01z"),
    "nanoseconds": line(time="2026-01-31T12:00:01.000001999Z"),
    "pair of surrogates": line(actor="cp-1/\U0001f600"),
    "escaped quote in a long id": line(refs=[{"role": "r", "kind": "k", "id": 'x"' * 90}]),
    "deep but allowed": line(kind="other.said", data={"x": json.loads("[" * (DEPTH_MAX - 2) + "]" * (DEPTH_MAX - 2))}),
    "large integer": line(kind="other.said", data={"x": 2**63 - 1}),
    "text like a number": line(kind="other.said", data={"x": ": 1234567890123456789012"}),
}


@pytest.mark.parametrize("good", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_good_line_loads_however_it_is_written(good: bytes, tmp_path: Path) -> None:
    """JSON leaves freedom; none of it costs an event."""
    report, events, rejected = loaded(write(tmp_path / "log.jsonl", good))
    assert not rejected
    assert (report.events, events[0]["event_id"], events[0]["ts_us"]) == (1, "cp-1-7f3a/pool:1", 1_769_860_801_000_001)


def test_what_nobody_asked_for_is_kept_and_what_is_missing_is_not_made_up(tmp_path: Path) -> None:
    """A field that the envelope lacks is in `extra`; an event without its kind's fields is in `event` and in no typed table."""
    with open_in_memory() as database:
        load(database, [write(tmp_path / "log.jsonl", line(1, colour="red"), line(2, data={"to_state": "hot_idle"}), line(3))])
        asked = database.connection
        assert rows(asked, "SELECT seq, extra FROM event ORDER BY seq") == [
            {"seq": 1, "extra": '{"colour":"red"}'}, {"seq": 2, "extra": None}, {"seq": 3, "extra": None}
        ]  # fmt: skip
        assert rows(asked, "SELECT seq FROM worker_parked ORDER BY seq") == [{"seq": 1}, {"seq": 3}]


def test_an_event_lands_in_every_table_that_speaks_of_it(tmp_path: Path) -> None:
    """Envelope, own fields, objects, causes and the run to refresh are written together."""
    with open_in_memory() as database:
        load(database, [write(tmp_path / "log.jsonl", line(5))])
        asked = database.connection
        (stored,) = rows(asked, "FROM worker_parked")
        assert (stored["subject_id"], stored["revision"], stored["commit_us"]) == ("w-5", 5, 1_769_860_805_000_002)
        assert {name: stored[name] for name in PARKED} == PARKED
        assert rows(asked, "SELECT role, kind, id FROM event_object ORDER BY role") == [
            {"role": "owner", "kind": "control_plane", "id": "cp-1-7f3a"},
            {"role": "subject", "kind": "worker", "id": "w-5"},
        ]
        assert rows(asked, "SELECT run_id, cause_id FROM event_cause") == [{"run_id": "run-1", "cause_id": "cp-1-7f3a/pool:4"}]
        assert rows(asked, "FROM touched_run") == [{"run_id": "run-1"}]
        (inputs,) = rows(asked, "SELECT inputs FROM event")
        assert json.loads(inputs["inputs"]) == event(5)["inputs"]


def test_recordings_are_kept_apart_from_decisions_and_counted(tmp_path: Path) -> None:
    """recording.* lines count as events and come twice as duplicates, but `event` never sees them."""
    run = {"kind": "run", "id": "run-1"}
    journal = [["a", 0, "read", "ok", 3, "d0"], ["a", 1, "now", "ok", None, "d1"]]
    effects = line(2, kind="recording.effects", subject=run, data={"effects": journal})
    ended = line(3, kind="recording.ended", subject=run, data={"digest": "d", "trail": [], "events": 1, "horizon_us": 9})
    with open_in_memory() as database:
        report = load(database, [write(tmp_path / "log.jsonl", line(1), effects, ended, effects)])
        assert (report.events, report.duplicates) == (3, 1)
        asked = database.connection
        assert rows(asked, "SELECT count(*) AS n FROM event") == [{"n": 1}]
        assert [row["kind"] for row in rows(asked, "FROM recording ORDER BY kind")] == ["recording.effects", "recording.ended"]
        assert [list(row.values()) for row in rows(asked, "SELECT * EXCLUDE (run_id) FROM effect ORDER BY n")] == journal


def test_a_run_can_be_named_for_lines_that_have_none(tmp_path: Path) -> None:
    """`--run` fills in a missing run_id and leaves the others alone."""
    _, events, _ = loaded(write(tmp_path / "log.jsonl", without("run_id"), line(2)), run="mine")
    assert [found["run_id"] for found in events] == ["mine", "run-1"]
