"""A trace for ui.perfetto.dev: its protobuf form, or Chrome's JSON where the file's name ends in .json.

The messages are few and flat, so they are encoded here: the numbers are those of `protos/perfetto/trace/trace_packet.proto`
and of `track_event/track_event.proto`, which never change their meaning. A test reads them back with Perfetto's own classes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from timeline.exports import Chosen
from timeline.files import write_private
from timeline.trace import Count, Mark, Notes, Slice, Trace, Track, trace_of

HELP = "A trace for ui.perfetto.dev of a run, or of an object of it: protobuf; Chrome's JSON where FILE ends in .json."
METAVAR = "FILE"

SEQUENCE = 1
"""All packets are of one sequence."""
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4
"""Types of a track event."""
REALTIME, BOOTTIME = 1, 6
"""Clocks. What we have is the time of day; Perfetto's own is the time since boot, so they are said to be the same."""
EXPLICIT = 3
"""Tracks are shown in the order of their rank."""
FIRST_STATE_CLEARED = 1


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Write the trace of what was chosen."""
    trace = trace_of(chosen.connection, chosen.run_id, chosen.found, chosen.subject)
    write_private(path, chrome_json(trace) if path.suffix == ".json" else protobuf(trace))
    return [path]


# ---- protobuf


def protobuf(trace: Trace) -> bytes:
    """The trace as a message `perfetto.protos.Trace`."""
    first_us = min([*(one.at_us for one in trace.slices), *(one.at_us for one in trace.counts)], default=0)
    return b"".join(_message(1, packet) for packet in (_clocks(first_us), *map(_descriptor, trace.tracks), *_events(trace)))


def _clocks(at_us: int) -> bytes:
    both = b"".join(_message(1, _number(1, clock) + _number(2, at_us * 1000)) for clock in (REALTIME, BOOTTIME))
    return _number(10, SEQUENCE) + _number(13, FIRST_STATE_CLEARED) + _message(6, both + _number(2, BOOTTIME))


def _descriptor(track: Track) -> bytes:
    parent = _number(5, track.parent) if track.parent else _number(11, EXPLICIT)
    counter = _message(8, b"") if track.is_counter else b""
    return _number(10, SEQUENCE) + _message(
        60, _number(1, track.number) + _text(2, track.name) + parent + _number(12, track.number) + counter
    )


def _events(trace: Trace) -> Iterator[bytes]:
    for one in trace.slices:
        yield _packet(one.at_us, _number(9, BEGIN) + _number(11, one.track) + _text(23, one.name) + _text(22, "state") + _notes(one.notes))
        if one.until_us is not None:
            yield _packet(one.until_us, _number(9, END) + _number(11, one.track))
    for mark in trace.marks():
        arrows = b"".join(_fixed(47, arrow) for arrow in mark.leaving) + b"".join(_fixed(48, arrow) for arrow in mark.arriving)
        said = _text(23, mark.name) + _text(22, "decision") + _notes(mark.notes)
        yield _packet(mark.at_us, _number(9, INSTANT) + _number(11, mark.track) + said + arrows)
    for count in trace.counts:
        yield _packet(count.at_us, _number(9, COUNTER) + _number(11, count.track) + _number(30, count.value))


def _packet(at_us: int, event: bytes) -> bytes:
    return _number(8, at_us * 1000) + _number(10, SEQUENCE) + _message(11, event)


def _notes(notes: Notes) -> bytes:
    return b"".join(_message(4, _text(10, name) + _value(value)) for name, value in notes.items())


def _value(value: str | float | bool) -> bytes:
    match value:
        case bool():
            return _number(2, int(value))
        case int() if -(2**63) <= value < 2**63:
            return _number(4, value)
        case float():
            return _key(5, 1) + struct.pack("<d", value)
    return _text(6, str(value))


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _fixed(field: int, value: int) -> bytes:
    return _key(field, 1) + struct.pack("<Q", value)


def _message(field: int, body: bytes) -> bytes:
    return _key(field, 2) + _varint(len(body)) + body


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as its 64-bit complement."""
    value &= 2**64 - 1
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


# ---- JSON


def chrome_json(trace: Trace) -> str:
    """The trace in the JSON form of Chrome: a group is a process, a track is a thread of it. One event a line, ASCII only."""
    groups = {track.number: track for track in trace.tracks if not track.parent}
    places = {track.number: {"pid": track.parent, "tid": track.number} for track in trace.tracks}
    names = {track.number: track.name for track in trace.tracks}
    rows: list[dict[str, Any]] = []
    for number, track in groups.items():
        rows += _named("process", {"pid": number, "tid": 0}, track.name, number)
    for track in trace.tracks:
        if track.parent and not track.is_counter:
            rows += _named("thread", places[track.number], track.name, track.number)
    for one in trace.slices:
        rows += _slice(one, places[one.track])
    for mark in trace.marks():
        rows += _mark(mark, places[mark.track])
    rows += (_count(count, places[count.track], names[count.track]) for count in trace.counts)
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f'{{"displayTimeUnit":"ms","traceEvents":[\n{lines}\n]}}\n'


def _named(what: str, place: dict[str, int], name: str, rank: int) -> Iterable[dict[str, Any]]:
    yield {"ph": "M", **place, "ts": 0, "name": f"{what}_name", "args": {"name": name}}
    yield {"ph": "M", **place, "ts": 0, "name": f"{what}_sort_index", "args": {"sort_index": rank}}


def _slice(one: Slice, place: dict[str, int]) -> Iterable[dict[str, Any]]:
    yield {"ph": "B", **place, "ts": one.at_us, "name": one.name, "cat": "state", "args": dict(one.notes)}
    if one.until_us is not None:
        yield {"ph": "E", **place, "ts": one.until_us}


def _mark(mark: Mark, place: dict[str, int]) -> Iterable[dict[str, Any]]:
    yield {"ph": "i", **place, "ts": mark.at_us, "s": "t", "name": mark.name, "cat": "decision", "args": dict(mark.notes)}
    for phase, arrows in (("s", mark.leaving), ("f", mark.arriving)):
        for arrow in arrows:
            yield {"ph": phase, **place, "ts": mark.at_us, "name": "cause", "cat": "cause", "id": arrow, "bp": "e"}


def _count(count: Count, place: dict[str, int], name: str) -> dict[str, Any]:
    return {"ph": "C", **place, "ts": count.at_us, "name": name, "args": {"value": count.value}}
