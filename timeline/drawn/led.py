"""Who led a run: leases and locks, the loops that promise to sweep, processes from start to end, and events that are missing."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from timeline.drawn.lanes import Lanes, bounds_of, lanes_from

LED_MAX = 12
"""Lanes of a panel."""
PATIENCE = 2
"""A loop is late when its next pass does not begin within so many of its intervals."""

# A loop that sweeps the fleet may be run by anybody in turn; one that sweeps for an instance ends with its process.
_LOOPS = f"""
  WITH
    pass AS (
      SELECT run_id, CASE scope WHEN 'fleet' THEN sweep ELSE sweep || ' of ' || control_plane END AS loop, control_plane AS by_whom,
        interval_us, at_us, event_id
      FROM sweep_run WHERE run_id = $run
      UNION ALL
      SELECT run_id, loop, actor, interval_us, ts_us, event_id FROM gang_tick WHERE run_id = $run AND result IN ('completed', 'open')
    ),
    life AS (
      SELECT
        control_plane,
        least(coalesce(stopped_us, end_us), CASE WHEN expired_us IS NULL THEN end_us ELSE last_heartbeat_us END) AS gone_us
      FROM control_plane_life JOIN log_bounds USING (run_id) WHERE run_id = $run
    ),
    bounded AS (
      SELECT pass.*, lead(at_us) OVER (PARTITION BY loop ORDER BY at_us, event_id) AS next_us,
        CASE WHEN contains(loop, ' of ') THEN coalesce(gone_us, end_us) ELSE end_us END AS last_us
      FROM pass JOIN log_bounds USING (run_id) LEFT JOIN life ON life.control_plane = by_whom
    )
  SELECT loop, by_whom, interval_us, at_us, greatest(coalesce(next_us, last_us), at_us) AS until_us,
    next_us IS NULL AND last_us = (SELECT max(end_us) FROM log_bounds WHERE run_id = $run) AS is_last,
    greatest(coalesce(next_us, last_us), at_us) - at_us > {PATIENCE} * interval_us AS is_late
  FROM bounded
"""

_PROCESSES = """
  SELECT
    split_part(actor, '/', 1) AS instance, coalesce(incarnation, '') AS incarnation, min(at_us) AS ts_us, max(at_us) AS until_us,
    count(*) AS decisions
  FROM event JOIN event_time USING (event_no)
  WHERE event.run_id = $run
  GROUP BY instance, incarnation
"""

_STRETCHES = f"""
SELECT 'lease' AS panel, lease AS id, 'leads' AS state, holder AS whom, ts_us, ts_us + dur_us AS until_us, is_open
FROM leadership_interval WHERE run_id = $run
UNION ALL
SELECT 'lock', thing_kind || '/' || thing, 'held', holder, ts_us, coalesce(sure_until_us, end_us), sure_until_us IS NULL
FROM hold_interval JOIN log_bounds USING (run_id) WHERE run_id = $run
UNION ALL
SELECT 'node lease', node, 'leased', 'term ' || term, ts_us, ts_us + dur_us, is_open FROM node_lease_interval WHERE run_id = $run
UNION ALL
SELECT
  'loop', loop, 'sweeps', by_whom, at_us, CASE WHEN is_late THEN at_us + {PATIENCE} * interval_us ELSE until_us END, NOT is_late AND is_last
FROM ({_LOOPS}) AS loops
UNION ALL
SELECT 'loop', loop, 'late', by_whom, at_us + {PATIENCE} * interval_us, until_us, is_last FROM ({_LOOPS}) AS loops WHERE is_late
UNION ALL
SELECT 'process', instance, 'runs', incarnation, ts_us, until_us, false FROM ({_PROCESSES}) AS processes
UNION ALL
SELECT 'gap', split_part(actor, '/', 1), 'missing', actor, coalesce(before_us, start_us), after_us, false
FROM evidence_gap JOIN log_bounds USING (run_id) WHERE run_id = $run
"""

PANELS = ("lease", "lock", "node lease", "loop", "process")

_LEADERSHIPS = """
SELECT
  lease, holder, term, ts_us, dur_us, is_open, ended_by,
  greatest(coalesce(lead(ts_us) OVER leases, CASE WHEN is_open THEN ts_us ELSE end_us END) - ts_us - dur_us, 0) AS vacant_us,
  lead(ts_us) OVER leases IS NULL AS is_last
FROM leadership_interval JOIN log_bounds USING (run_id)
WHERE run_id = $run
WINDOW leases AS (PARTITION BY lease ORDER BY ts_us, event_id)
ORDER BY lease, ts_us, event_id
"""

_LATE = f"""
SELECT loop, max_by(by_whom, at_us) AS by_whom, count(*) AS passes, max(interval_us) AS interval_us,
  max(until_us - at_us) AS silent_us, max_by(at_us, until_us - at_us) AS since_us, count(*) FILTER (WHERE is_late) AS late
FROM ({_LOOPS}) AS loops
GROUP BY loop
ORDER BY max(until_us - at_us) > {PATIENCE} * max(interval_us) DESC, loop
"""

_INCARNATIONS = f"""
SELECT
  p.*, CASE
    WHEN stopped_us IS NOT NULL THEN 'stopped' WHEN expired_us IS NOT NULL THEN 'expired' WHEN drain_started_us IS NOT NULL THEN 'draining'
    WHEN life.control_plane IS NOT NULL THEN 'alive' ELSE ''
  END AS ended, life.control_plane IS NOT NULL AS is_plane
FROM ({_PROCESSES}) AS p
LEFT JOIN (SELECT * FROM control_plane_life WHERE run_id = $run) AS life ON life.control_plane = p.incarnation
ORDER BY p.instance, p.ts_us, incarnation
"""

_GAPS = """
SELECT actor, incarnation, first_missing, last_missing, before_us, after_us FROM evidence_gap WHERE run_id = $run
ORDER BY after_us, actor, incarnation, first_missing
"""


@dataclass(frozen=True)
class Led:
    """Who led a run. Times are microseconds UTC."""

    run_id: str
    start_us: int
    end_us: int
    lanes: Lanes
    leaderships: pl.DataFrame
    """lease, holder, term, ts_us, dur_us, is_open, ended_by, vacant_us (until the next, or the end of the log), is_last."""
    loops: pl.DataFrame
    """loop, by_whom, passes, interval_us, silent_us (the longest without a pass), since_us (of that), late (how often); the late first."""
    incarnations: pl.DataFrame
    """instance, incarnation, ts_us, until_us, decisions, ended, is_plane (it is a control plane)."""
    gaps: pl.DataFrame
    """actor, incarnation, first_missing, last_missing, before_us, after_us."""


def led_by(connection: DuckDBPyConnection, run_id: str, window_us: tuple[int, int] | None = None) -> Led:
    """Who led a run; the lanes of a window of it."""
    start_us, end_us = bounds_of(connection, run_id)
    run = {"run": run_id}
    return Led(
        run_id=run_id,
        start_us=start_us,
        end_us=end_us,
        lanes=lanes_from(connection, run_id, (_STRETCHES, PANELS, LED_MAX), (), window_us),
        leaderships=connection.execute(_LEADERSHIPS, run).pl(),
        loops=connection.execute(_LATE, run).pl(),
        incarnations=connection.execute(_INCARNATIONS, run).pl(),
        gaps=connection.execute(_GAPS, run).pl(),
    )
