"""One object's decision timeline: what was decided about it, by whom, and what each decision had seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from ingest.duration import duration
from ingest.events import Event, Input, ObjectId, Ref
from timeline import notation
from timeline.moment import moment

_EVENTS = """
SELECT
  event.event_no, time.at_us, bounds.start_us, event.event_id, event.run_id, event.ts_us, event.actor, event.incarnation, event.seq,
  event.clock, event.kind, event.revision, event.commit_us, event.subject_kind, event.subject_id, event.workload, event.generation,
  event.epoch, event.outcome, event.reason, event.inputs, event.data
FROM event
JOIN event_time AS time USING (event_no)
JOIN log_bounds AS bounds ON bounds.run_id = event.run_id
WHERE event.run_id = $run AND event.event_no IN (SELECT unnest($wanted::BIGINT[]))
ORDER BY time.position
"""
_REFS = """
SELECT event_no, role, kind, id FROM event_object
WHERE event_no IN (SELECT unnest($wanted::BIGINT[])) AND role <> 'subject'
ORDER BY event_no, role, kind, id
"""
_CAUSES = "SELECT event_no, cause_id FROM event_cause WHERE event_no IN (SELECT unnest($wanted::BIGINT[])) ORDER BY event_no, cause_id"
_NUMBERS = "SELECT event_no FROM event WHERE run_id = $run AND event_id IN (SELECT unnest($ids::VARCHAR[])) AND NOT is_conflict"
_LAGS = """
SELECT event_id, object_kind, object_id, used_version, true_version, age_us, would_change
FROM observation_lag
WHERE run_id = $run AND true_version > used_version
  AND event_id IN (SELECT event_id FROM event WHERE event_no IN (SELECT unnest($wanted::BIGINT[])))
ORDER BY ALL
"""
_OF_OBJECT = """
SELECT event_no FROM event_object JOIN event_time AS time USING (event_no)
WHERE event_object.run_id = $run AND kind = $kind AND id = $id AND ($from_us IS NULL OR time.at_us BETWEEN $from_us AND $to_us)
GROUP BY event_no, time.position
ORDER BY time.position
LIMIT coalesce($most, 9223372036854775807)
"""


class Decided(BaseModel):
    """One decision of a story."""

    model_config = ConfigDict(frozen=True)

    at_us: int
    """When, on the store's clock."""
    event: Event
    line: str
    """The decision in the notation, without identity and inputs."""
    seen: list[str]
    """What it had read, one phrase an input: object, version, age. Then, where that was out of date: what was true, since when, and
    whether it would have changed the decision."""


class Story(BaseModel):
    """The decisions about one object, in order, and how it stands where the log ends."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    kind: str
    id: str
    state: str | None
    """Its state where the log ends; null where the models know none."""
    since_us: int | None
    owner: str | None
    """The control plane that owns it."""
    owner_state: str | None
    """How that control plane stands: alive, silent, draining, stopped, expired."""
    start_us: int
    """Where the log begins: the offsets of the lines count from here."""
    end_us: int
    """Where the log ends."""
    decisions: list[Decided]


def decisions_about(
    connection: DuckDBPyConnection,
    run_id: str,
    kind: str,
    id_: str,
    window_us: tuple[int, int] | None = None,
    most: int | None = None,
) -> list[Decided]:
    """Every decision that has the object as its subject or names it, in order.

    Only those in `window_us` where it is given, and of them only the first `most`.
    """
    from_us, to_us = window_us or (None, None)
    bound = {"run": run_id, "kind": kind, "id": id_, "from_us": from_us, "to_us": to_us, "most": most}
    found = connection.execute(_OF_OBJECT, bound).fetchall()
    return _decided(connection, run_id, sorted({number for (number,) in found}))


def decisions(connection: DuckDBPyConnection, run_id: str, event_ids: Sequence[str]) -> list[Decided]:
    """The decisions with those event ids, in order of the run. Ids that are not there are left out."""
    found = connection.execute(_NUMBERS, {"run": run_id, "ids": list(event_ids)}).fetchall()
    return _decided(connection, run_id, sorted(number for (number,) in found))


def _decided(connection: DuckDBPyConnection, run_id: str, numbers: list[int]) -> list[Decided]:
    wanted = {"wanted": numbers}
    refs: dict[int, list[Ref]] = {}
    for number, role, kind, id_ in connection.execute(_REFS, wanted).fetchall():
        refs.setdefault(number, []).append(Ref(role=role, kind=kind, id=id_))
    causes: dict[int, list[str]] = {}
    for number, cause_id in connection.execute(_CAUSES, wanted).fetchall():
        causes.setdefault(number, []).append(cause_id)
    lags: dict[str, list[str]] = {}
    for event_id, *lag in connection.execute(_LAGS, {"run": run_id, **wanted}).fetchall():
        lags.setdefault(event_id, []).append(_lag(*lag))
    relation = connection.execute(_EVENTS, {"run": run_id, **wanted})
    names = [column[0] for column in relation.description]
    made = []
    for values in relation.fetchall():
        row = dict(zip(names, values, strict=True))
        event = _event(row, refs.get(row["event_no"], []), causes.get(row["event_no"], []))
        bare = event.model_copy(update={"inputs": (), "caused_by": ()})
        line = notation.line(bare, start_us=row["start_us"], at_us=row["at_us"], identity=False)
        made.append(Decided(at_us=row["at_us"], event=event, line=line, seen=[*map(_seen, event.inputs), *lags.get(event.event_id, [])]))
    return made


def _event(row: dict[str, Any], refs: list[Ref], causes: list[str]) -> Event:
    """The event as it was said, but for the spelling of its times."""
    own = {name: row[name] for name in Event.model_fields if name in row and name not in {"inputs", "data"}}
    return Event(
        **own,
        time=moment(row["ts_us"]),
        commit_time=None if row["commit_us"] is None else moment(row["commit_us"]),
        subject=ObjectId(kind=row["subject_kind"], id=row["subject_id"]),
        refs=tuple(refs),
        caused_by=tuple(causes),
        inputs=tuple(Input(**read) for read in json.loads(row["inputs"] or "[]")),
        data=json.loads(row["data"] or "{}"),
    )


def _seen(read: Input) -> str:
    version = "" if read.version is None else f" at version {read.version}"
    age = "" if read.age_ms is None else f", {duration(read.age_ms * 1000)} old"
    return f"{read.kind}/{read.id}{version}{age} ({read.source})"


def _lag(kind: str, id_: str, used: int, true: int, age_us: int, would_change: bool | None) -> str:
    effect = "fresh data would have changed this" if would_change else "fresh data would have changed nothing"
    return f"{kind}/{id_} at version {used}, though it was at {true} for {duration(age_us)}: {effect}"
