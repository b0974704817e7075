"""Why a workload waits: its life from submission to completion, cut into parts that have one reason each.

A kind of workload has one model, `models/why_<kind>.sql`, which is found by its name. Its rows are steps: each says where a
workload's time goes from an event on; one without a reason ends the life. A part lasts until the next step that has another
reason or waits for something else, the last part of an unfinished life until the log ends. So parts follow one another without
gap or overlap and sum to the whole, whatever a model says.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from timeline.findings import Moment
from timeline.refresh import models

LEDGER = "why_"
"""How the name of a model begins that says where the time of a kind of workload goes."""
STEP = ("run_id", "workload_kind", "workload_id", "reason", "at_us", "position", "event_id")
"""The columns of such a model."""
ABOUT = ("waits_for", "detail")
"""Columns that it may have besides: whose room or deed the workload waits for, as `kind/id`, and a few words of what the event says."""
RUNNING = "running"
"""The reason that is no wait."""

# Of steps at one moment the last holds; one with the reason of the one before it, that waits for the same, changes nothing.
_PARTS = """
WITH
  placed AS (
    SELECT *, row_number() OVER life AS place
    FROM ({steps}) AS step
    WHERE (run_id = $run OR $run IS NULL) AND (workload_kind = $kind OR $kind IS NULL) AND (workload_id = $id OR $id IS NULL)
    WINDOW life AS (PARTITION BY run_id, workload_kind, workload_id ORDER BY at_us, position, event_id)
  ),
  lived AS (
    SELECT *
    FROM placed
    QUALIFY place <= coalesce(min(CASE WHEN reason IS NULL THEN place END) OVER (PARTITION BY run_id, workload_kind, workload_id), place)
  ),
  held AS (
    SELECT *
    FROM lived
    QUALIFY place = 1 OR coalesce(lead(at_us) OVER (PARTITION BY run_id, workload_kind, workload_id ORDER BY place) > at_us, TRUE)
  ),
  turn AS (
    SELECT *
    FROM held
    WINDOW life AS (PARTITION BY run_id, workload_kind, workload_id ORDER BY place)
    QUALIFY place = 1 OR lag(reason) OVER life IS DISTINCT FROM reason OR lag(waits_for) OVER life IS DISTINCT FROM waits_for
  ),
  part AS (
    SELECT *, lead(at_us) OVER life AS until_us, lead(event_id) OVER life AS end_event_id
    FROM turn
    WINDOW life AS (PARTITION BY run_id, workload_kind, workload_id ORDER BY place)
  )
SELECT
  part.run_id, workload_kind, workload_id, reason, waits_for, detail, at_us AS ts_us, coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open, event_id, end_event_id
FROM part
JOIN log_bounds ON log_bounds.run_id = part.run_id
WHERE reason IS NOT NULL
ORDER BY part.run_id, workload_kind, workload_id, place
"""

# How well a name fits: `kind/id` itself, an id, the name that an event's envelope gives, a part of `kind/id`.
_WORKLOADS = """
WITH named AS (
  SELECT step.workload_kind || '/' || step.workload_id AS name, step.workload_id AS id, event.workload
  FROM ({steps}) AS step
  JOIN event ON event.run_id = step.run_id AND event.event_id = step.event_id AND NOT is_conflict
  WHERE step.run_id = $run AND step.reason IS NOT NULL
)
SELECT
  name,
  max(CASE WHEN name = $name THEN 4 WHEN id = $name THEN 3 WHEN workload = $name THEN 2 WHEN contains(name, $name) THEN 1 ELSE 0 END)
FROM named
GROUP BY name
ORDER BY name
"""

_KINDS = "SELECT event_id, kind FROM event WHERE run_id = $run AND event_id IN ($first, $last) AND NOT is_conflict"


class Part(BaseModel):
    """A stretch of a workload's life with one reason."""

    model_config = ConfigDict(frozen=True)

    reason: str
    waits_for: str | None
    """Whose room or deed it waits for, as `kind/id`, where the log names one."""
    detail: str | None
    """A few words of what the event that began it says."""
    since: Moment
    until: Moment
    """Where it ended; where the log ends, if nothing ended it."""
    dur_us: int
    is_open: bool
    """Nothing in the log ends it."""
    evidence: list[str]
    """The event that began it, and the one that ended it."""


class Why(BaseModel):
    """Where the time of one workload went. The parts sum to `whole_us`, and so do the reasons."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    kind: str
    id: str
    log_start: Moment
    """Where the log begins."""
    since: Moment
    until: Moment
    began_with: str
    """Kind of the event that its life begins with: where the log lacks the submission, the first that is there."""
    ended_with: str | None
    """Kind of the event that ended its life; none where it is open."""
    whole_us: int
    waited_us: int
    """All of it but what it ran."""
    reasons: dict[str, int]
    """Microseconds by reason, the longest first."""
    parts: list[Part]
    """In order, one beginning where the one before it ends."""


def parts_of(connection: DuckDBPyConnection, run_id: str | None = None, kind: str | None = None, id_: str | None = None) -> pl.DataFrame:
    """The parts of every workload's life, or of one, in order.

    Columns: run_id, workload_kind, workload_id, reason, waits_for, detail, ts_us, dur_us, is_open, event_id, end_event_id.
    """
    return connection.execute(parts_query(), {"run": run_id, "kind": kind, "id": id_}).pl()


def parts_query() -> str:
    """The query of `parts_of`, with the parameters `$run`, `$kind` and `$id`; where one is null it holds for all."""
    return _PARTS.format(steps=_steps())


def workloads_named(connection: DuckDBPyConnection, run_id: str, name: str) -> tuple[list[str], list[str]]:
    """The workloads of a run that a name fits best, and all of them, each as `kind/id`.

    A name is `kind/id`; else an id; else what the envelope of their events calls the workload; else a part of `kind/id`.
    """
    fits: dict[str, int] = dict(connection.execute(_WORKLOADS.format(steps=_steps()), {"run": run_id, "name": name}).fetchall())
    best = max(fits.values(), default=0)
    return [one for one, fit in fits.items() if fit == best and fit], list(fits)


def why_of(connection: DuckDBPyConnection, run_id: str, kind: str, id_: str, start_us: int) -> Why:
    """Where the time of that workload went. It must be one that `workloads_named` gives."""
    rows = parts_of(connection, run_id, kind, id_).to_dicts()
    first, last = rows[0], rows[-1]
    named = {"run": run_id, "first": first["event_id"], "last": last["end_event_id"]}
    kinds = dict(connection.execute(_KINDS, named).fetchall())
    parts = [_part(row) for row in rows]
    reasons = Counter[str]()
    for part in parts:
        reasons[part.reason] += part.dur_us
    whole_us = parts[-1].until - parts[0].since
    return Why(
        run_id=run_id,
        kind=kind,
        id=id_,
        log_start=start_us,
        since=parts[0].since,
        until=parts[-1].until,
        began_with=kinds[first["event_id"]],
        ended_with=kinds.get(last["end_event_id"]),
        whole_us=whole_us,
        waited_us=whole_us - reasons[RUNNING],
        reasons=dict(reasons.most_common()),
        parts=parts,
    )


def _part(row: dict[str, Any]) -> Part:
    evidence = [event_id for event_id in (row["event_id"], row["end_event_id"]) if event_id is not None]
    said = {name: row[name] for name in ("reason", *ABOUT, "dur_us", "is_open")}
    return Part(since=row["ts_us"], until=row["ts_us"] + row["dur_us"], evidence=evidence, **said)


@functools.cache
def _steps() -> str:
    """The steps of every kind of workload, stacked; what a model does not say about them is null."""
    ledgers = [model for model in models() if model.name.startswith(LEDGER)]
    about = {model.name: [name if name in model.columns else f"CAST(NULL AS VARCHAR) AS {name}" for name in ABOUT] for model in ledgers}
    return " UNION ALL ".join(f'SELECT {", ".join((*STEP, *about[model.name]))} FROM "{model.name}"' for model in ledgers)
