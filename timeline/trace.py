"""A run as a viewer of traces shows it: a track for each object, its states as slices, decisions as marks, causes as arrows.

Tracks stand in groups, one for each kind of object. Above them stand the findings, below them the slots of each
organisation as counters. How that is written down is a matter of the format (`timeline/exports/perfetto.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from timeline.drawn.stretches import ENDS, every_stretch, panels
from timeline.findings import Finding
from timeline.log_table import shown_ids
from timeline.redaction import blacked_out, plain_fields
from timeline.safe import printable

Notes = Mapping[str, str | int | float | bool]
"""What a slice or a mark says when it is opened."""

FINDINGS, SLOTS = "findings", "slots"
BATCH_ROWS = 10_000

# An arrow for each pair of cause and effect that are both shown, so that a cause of three has three.
_DECISIONS = """
WITH shown AS (
  SELECT event_no, event_id FROM event
  WHERE run_id = $run AND NOT is_conflict
    AND ($kind IS NULL OR event_no IN (SELECT event_no FROM event_object WHERE kind = $kind AND id = $id))
), arrow AS (
  SELECT row_number() OVER (ORDER BY time.position, effect_time.position) AS arrow, cause.event_no AS cause_no, effect.event_no AS effect_no
  FROM event_cause AS link
  JOIN shown AS effect ON effect.event_no = link.event_no
  JOIN shown AS cause ON cause.event_id = link.cause_id
  JOIN event_time AS time ON time.event_no = cause.event_no
  JOIN event_time AS effect_time ON effect_time.event_no = effect.event_no
), leaving AS (
  SELECT cause_no AS event_no, list(arrow ORDER BY arrow) AS arrows FROM arrow GROUP BY cause_no
), arriving AS (
  SELECT effect_no AS event_no, list(arrow ORDER BY arrow) AS arrows FROM arrow GROUP BY effect_no
)
SELECT
  event.subject_kind, event.subject_id, event.kind, time.at_us, coalesce(leaving.arrows, []), coalesce(arriving.arrows, []), event.data,
  event.event_id, event.actor, event.outcome, event.reason, event.revision, event.epoch, event.workload
FROM shown JOIN event USING (event_no) JOIN event_time AS time USING (event_no)
LEFT JOIN leaving USING (event_no) LEFT JOIN arriving USING (event_no)
ORDER BY time.position
"""
_NOTED = ("event_id", "actor", "outcome", "reason", "revision", "epoch", "workload")
_SUBJECTS = """
SELECT DISTINCT subject_kind, subject_id FROM event
WHERE run_id = $run AND NOT is_conflict
  AND ($kind IS NULL OR event_no IN (SELECT event_no FROM event_object WHERE kind = $kind AND id = $id))
ORDER BY ALL
"""
_SLOTS = """
SELECT org, ts_us, active, cap FROM org_slots
WHERE run_id = $run AND ($kind IS NULL OR ($kind = 'org' AND org = $id)) ORDER BY org, ts_us
"""


class Track(NamedTuple):
    """A line of the picture. Groups hold tracks; `parent` is 0 for a group."""

    number: int
    parent: int
    name: str
    is_counter: bool = False


class Slice(NamedTuple):
    """A stretch on a track. `until_us` is None while it lasts; stretches of one track never overlap."""

    track: int
    name: str
    at_us: int
    until_us: int | None
    notes: Notes


class Mark(NamedTuple):
    """A decision: a moment on a track, with the arrows that leave it and arrive at it. Secrets in its notes are blacked out."""

    track: int
    name: str
    at_us: int
    leaving: list[int]
    arriving: list[int]
    notes: Notes


class Count(NamedTuple):
    """The value of a counter from a moment on."""

    track: int
    at_us: int
    value: int


@dataclass
class Trace:
    """A run, or what has to do with one object of it."""

    run_id: str
    tracks: list[Track] = field(default_factory=list)
    """Groups before what is in them, in the order in which they are shown."""
    slices: list[Slice] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    connection: DuckDBPyConnection | None = None
    subject: tuple[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    """Ids that may hold a secret, each to what is shown of it."""
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    """Track of each group (`group`, '') and of each object (kind, id)."""

    def marks(self) -> Iterator[Mark]:
        """The decisions in the order of the run. Read some thousands at a time: a run may have millions."""
        assert self.connection is not None
        cursor = self.connection.execute(_DECISIONS, _bound(self.run_id, self.subject))
        while rows := cursor.fetchmany(BATCH_ROWS):
            for kind, id_, name, at_us, leaving, arriving, data, *noted in rows:
                said = {key: value for key, value in zip(_NOTED, noted, strict=True) if value is not None}
                own = {f"data.{key}": value for key, value in json.loads(data or "{}").items()}
                yield Mark(self.places[kind, id_], printable(name), at_us, leaving, arriving, plain_fields({**said, **own}, self.ids))


def trace_of(connection: DuckDBPyConnection, run_id: str, found: list[Finding], subject: tuple[str, str] | None = None) -> Trace:
    """The trace of a run, or of what has to do with one object of it."""
    made = Trace(run_id, connection=connection, subject=subject, ids=shown_ids(connection, run_id))
    stretches = every_stretch(connection, run_id, *(subject or (None, None))).rows()
    subjects: list[tuple[str, str]] = connection.execute(_SUBJECTS, _bound(run_id, subject)).fetchall()
    ids: dict[str, dict[str, None]] = {}
    for kind, id_, *_ in stretches:
        ids.setdefault(_kind(kind), {})[id_] = None
    for kind, id_ in subjects:
        ids.setdefault(kind, {})[id_] = None
    _add_findings(made, [one for one in found if subject is None or (one.subject.kind, one.subject.id) == subject])
    order = [_kind(panel) for one in panels() for panel in ((one, "use") if one == "worker" else (one,))]
    for kind in sorted(ids, key=lambda kind: (order.index(kind) if kind in order else len(order), kind)):
        for id_ in ids[kind]:
            made.places[kind, id_] = _track(made, kind, id_)
    _add_stretches(made, stretches)
    for org, ts_us, active, cap in connection.execute(_SLOTS, _bound(run_id, subject)).fetchall():
        for what, value in (("active", active), ("cap", cap)):
            if value is not None:
                made.counts.append(Count(_counter(made, f"{org} {what}"), ts_us, value))
    return made


def _bound(run_id: str, subject: tuple[str, str] | None) -> dict[str, str | None]:
    kind, id_ = subject or (None, None)
    return {"run": run_id, "kind": kind, "id": id_}


def _kind(panel: str) -> str:
    """Who used a worker, and what memory takes it for, is told beside it."""
    return {"use": "session of worker", "memory": "worker in memory of"}.get(panel, panel)


def _track(made: Trace, group: str, name: str, *, is_counter: bool = False) -> int:
    """A new track of a group, which is made where it is not there yet."""
    if (group, "") not in made.places:
        made.places[group, ""] = len(made.tracks) + 1
        made.tracks.append(Track(len(made.tracks) + 1, 0, printable(group)))
    number = len(made.tracks) + 1
    made.tracks.append(Track(number, made.places[group, ""], printable(blacked_out(name)), is_counter))
    return number


def _counter(made: Trace, name: str) -> int:
    if (SLOTS, name) not in made.places:
        made.places[SLOTS, name] = _track(made, SLOTS, name, is_counter=True)
    return made.places[SLOTS, name]


def _free(made: Trace, lanes: list[tuple[int, int]], group: str, id_: str, ts_us: int, until_us: int) -> int:
    """The first track of the object where nothing goes on at that time: two holders of a lease at once need two.

    `lanes` keeps, for each track of the object, its number and where its last stretch ends.
    """
    place = next((index for index, (_, ended_us) in enumerate(lanes) if ended_us <= ts_us), len(lanes))
    if place < len(lanes):
        track = lanes[place][0]
        lanes[place] = (track, until_us)
        return track
    track = made.places[group, id_] if not lanes else _track(made, group, f"{id_} ({len(lanes) + 1})")
    lanes.append((track, until_us))
    return track


def _add_stretches(made: Trace, stretches: list[tuple[Any, ...]]) -> None:
    """A slice for each; a state that nothing follows is a moment."""
    ends: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for panel, id_, state, whom, ts_us, until_us, is_open in stretches:
        last_us = ts_us if state in ENDS else until_us
        track = _free(made, ends.setdefault((_kind(panel), id_), []), _kind(panel), id_, ts_us, last_us)
        notes = {} if whom is None else plain_fields({"with": whom}, made.ids)
        made.slices.append(Slice(track, printable(blacked_out(state)), ts_us, None if is_open and state not in ENDS else last_us, notes))


def _add_findings(made: Trace, found: list[Finding]) -> None:
    """A track for each detector, as many as it has findings at the same time."""
    ends: dict[str, list[tuple[int, int]]] = {}
    for one in sorted(found, key=lambda one: (one.detector, one.since, one.finding_id)):
        if one.detector not in ends:
            made.places[FINDINGS, one.detector] = _track(made, FINDINGS, one.detector)
        lanes = ends.setdefault(one.detector, [])
        track = _free(made, lanes, FINDINGS, one.detector, one.since, 2**62 if one.until is None else one.until)
        notes = {"finding": one.finding_id, "severity": one.severity, "subject": f"{one.subject.kind}/{one.subject.id}"}
        made.slices.append(Slice(track, printable(blacked_out(one.says)), one.since, one.until, plain_fields(notes, made.ids)))
