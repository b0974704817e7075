"""Lanes: the intervals of a run, or of what has to do with one object, cut to what fits on a screen.

The reduction is done in SQL. Each panel has only so many lanes, those with findings first, and the others are counted.
Stretches of a lane that begin within the same pixel become one, which shows the longest of them and says how many it holds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from ingest.database import first_row
from timeline.findings import Finding
from timeline.intervals import interval_models

LANES_MAX = 24
OTHERS_MAX = 8
"""Lanes of workers, and of every other panel."""
ENDS = ("retired", "lost", "done", "failed", "gone")
"""States that nothing follows: marks, not stretches."""
PIXELS = 900
"""Stretches of one lane that a chart tells apart."""

# Workers, those with findings first, then in order of appearance. Of what has to do with one object, by its kind.
_WORKERS = """
WITH worker AS (
  SELECT worker, min(ts_us) AS first_us, coalesce(min(list_position($found, worker)), 0) AS place
  FROM worker_state_interval
  WHERE run_id = $run AND CASE $kind
    WHEN 'worker' THEN worker = $id
    WHEN 'control_plane' THEN owner = $id
    WHEN 'org' THEN org = $id
    WHEN 'session' THEN worker IN (SELECT worker FROM session_interval WHERE run_id = $run AND session = $id)
    ELSE true
  END
  GROUP BY worker
)
SELECT worker AS id, place > 0 AS is_marked, count(*) OVER () AS there
FROM worker ORDER BY place = 0, place, first_us, worker LIMIT $most
"""

# Every stretch of the run that may be drawn: in which panel, in which lane, in which state, with whom.
_STRETCHES = """
SELECT 'lease' AS panel, lease AS id, 'leads' AS state, holder AS whom, ts_us, ts_us + dur_us AS until_us, is_open
FROM leadership_interval WHERE run_id = $run
UNION ALL
SELECT 'control_plane', control_plane, 'alive', instance, coalesce(started_us, start_us),
  coalesce(stopped_us, CASE WHEN expired_us IS NOT NULL THEN last_heartbeat_us END, end_us), stopped_us IS NULL AND expired_us IS NULL
FROM control_plane_life JOIN log_bounds USING (run_id) WHERE run_id = $run
UNION ALL
SELECT 'worker', worker, state, owner, ts_us, ts_us + dur_us, is_open
FROM worker_state_interval WHERE run_id = $run AND list_contains($workers, worker)
UNION ALL
SELECT 'memory', control_plane, state, worker, ts_us, ts_us + dur_us, is_open
FROM worker_memory_interval WHERE run_id = $run AND $kind = 'worker' AND worker = $id AND state <> 'forgotten'
UNION ALL
SELECT 'session', worker, 'session', session, ts_us, ts_us + dur_us, is_open
FROM session_interval WHERE run_id = $run AND list_contains($workers, worker)
"""

_FOLDED = f"""
WITH stretch AS ({_STRETCHES} {{others}})
SELECT
  panel, id, arg_max(state, until_us - ts_us) AS state, arg_max(whom, until_us - ts_us) AS whom,
  min(ts_us) AS ts_us, CASE WHEN bool_or(list_contains($ends, state)) THEN min(ts_us) ELSE max(until_us) END AS until_us,
  bool_or(is_open) AS is_open, count(*) AS pieces
FROM stretch
GROUP BY panel, id, list_contains($ends, state), (ts_us - $start_us) * {PIXELS} // greatest($end_us - $start_us, 1)
ORDER BY panel, id, ts_us, until_us
"""


@functools.cache
def _folded() -> str:
    return _FOLDED.format(others=_others_of_models())


def _others_of_models() -> str:
    return " ".join(
        f"UNION ALL SELECT '{one.kind}', {one.kind}, {one.state}, {one.whom}, ts_us, ts_us + dur_us, is_open "
        f"FROM {one.table} WHERE run_id = $run AND ($kind IS NULL OR ({one.kind} = $id AND $kind = '{one.kind}') OR {one.whom} = $id)"
        for one in interval_models()
    )


def every_stretch(connection: DuckDBPyConnection, run_id: str, kind: str | None = None, id_: str | None = None) -> pl.DataFrame:
    """Every stretch of a run, or of what has to do with one object; nothing is folded and none is left out.

    Columns: panel, id, state, whom, ts_us, until_us, is_open; in order of panel and lane, then of time.
    """
    bound = {"run": run_id, "kind": kind, "id": id_}
    chosen = connection.execute(_WORKERS, {**bound, "found": [], "most": 2**31}).fetchall()
    query = f"{_STRETCHES} {_others_of_models()} ORDER BY panel, id, ts_us, until_us, state, whom"
    return connection.execute(query, {**bound, "workers": [worker for worker, *_ in chosen]}).pl()


# When nobody held a lease, between its holders and until the log ends.
_VACANCIES = """
SELECT lease AS id, until_us AS ts_us, coalesce(next_us, $end_us) AS until_us
FROM (
  SELECT lease, is_open, ts_us + dur_us AS until_us, lead(ts_us) OVER (PARTITION BY lease ORDER BY ts_us) AS next_us
  FROM leadership_interval WHERE run_id = $run
)
WHERE NOT is_open AND coalesce(next_us, $end_us) > until_us
ORDER BY id, ts_us
"""


@dataclass(frozen=True)
class Lanes:
    """What a swim-lane chart shows. Times are microseconds UTC."""

    start_us: int
    end_us: int
    lanes: pl.DataFrame
    """One row a lane, in order: panel, id, is_marked (a finding is about it)."""
    stretches: pl.DataFrame
    """panel, id, state, whom, ts_us, until_us, is_open, pieces; those of the panel `session` belong into the lanes of workers."""
    vacancies: pl.DataFrame
    """When nobody held a lease: id, ts_us, until_us."""
    findings: pl.DataFrame
    """Findings about what has a lane: panel, id, detector, severity, says, ts_us, until_us."""
    workers: int
    """Workers that there are, with a lane or without."""
    folded: int
    """Lanes that were left out."""
    elsewhere: int
    """Findings about what has no lane."""


def lanes_of(
    connection: DuckDBPyConnection, run_id: str, findings: Sequence[Finding], kind: str | None = None, id_: str | None = None
) -> Lanes:
    """The lanes of a run, or of what has to do with one object. Of `findings` those are marked that are about a lane."""
    ordered = sorted(findings, key=lambda one: (one.since, one.finding_id))
    found = list(dict.fromkeys(one.subject.id for one in ordered if one.subject.kind == "worker"))
    ends = first_row(connection, "SELECT start_us, end_us FROM log_bounds WHERE run_id = $run", {"run": run_id})
    start_us, end_us = ends or (0, 0)
    chosen = connection.execute(_WORKERS, {"run": run_id, "kind": kind, "id": id_, "found": found, "most": LANES_MAX}).fetchall()
    workers, there = [worker for worker, *_ in chosen], max((there for *_, there in chosen), default=0)
    bound = {"run": run_id, "kind": kind, "id": id_, "workers": workers, "start_us": start_us, "end_us": end_us, "ends": list(ENDS)}
    stretches = connection.execute(_folded(), bound).pl()
    subjects = {(one.subject.kind, one.subject.id) for one in findings}
    every = [*_in_order(stretches, subjects), *(("worker", worker) for worker in workers)]
    lanes = [(panel, lane, (panel, lane) in subjects) for panel in panels() for of, lane in every if of == panel]
    drawn = {(panel, lane) for panel, lane, _ in lanes}
    marked = [_mark(one, end_us) for one in ordered if (one.subject.kind, one.subject.id) in drawn]
    return Lanes(
        start_us=start_us,
        end_us=end_us,
        lanes=pl.DataFrame(lanes, schema={"panel": pl.String, "id": pl.String, "is_marked": pl.Boolean}, orient="row"),
        stretches=stretches,
        vacancies=connection.execute(_VACANCIES, {"run": run_id, "end_us": end_us}).pl(),
        findings=pl.DataFrame(marked, schema=MARK, orient="row"),
        workers=there,
        folded=there - len(workers) + _others(stretches) - sum(panel != "worker" for panel, *_ in lanes),
        elsewhere=len(findings) - len(marked),
    )


MARK = {
    "panel": pl.String,
    "id": pl.String,
    "detector": pl.String,
    "severity": pl.String,
    "says": pl.String,
    "ts_us": pl.Int64,
    "until_us": pl.Int64,
}


def _in_order(stretches: pl.DataFrame, marked: AbstractSet[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lanes of everything but workers, in order of appearance; where there are too many, those with findings."""
    first = stretches.group_by("panel", "id").agg(pl.col("ts_us").min()).sort("ts_us", "id").select("panel", "id").rows()
    by_panel = {panel: [lane for lane in first if lane[0] == panel] for panel in panels() if panel != "worker"}
    kept = {lane for lanes in by_panel.values() for lane in sorted(lanes, key=lambda lane: lane not in marked)[:OTHERS_MAX]}
    return [lane for lane in first if lane in kept]


def panels() -> tuple[str, ...]:
    """What has lanes, from top to bottom: leadership, lives of control planes, rows of workers, what memory takes them for, then every
    kind of object of which a model has the intervals."""
    return ("lease", "control_plane", "worker", "memory", *(one.kind for one in interval_models()))


def _others(stretches: pl.DataFrame) -> int:
    return stretches.filter(~pl.col("panel").is_in(["worker", "session"])).select("panel", "id").n_unique()


def _mark(one: Finding, end_us: int) -> tuple[str, str, str, str, str, int, int]:
    until_us = end_us if one.until is None else one.until
    return (one.subject.kind, one.subject.id, one.detector, one.severity, one.says, one.since, until_us)
