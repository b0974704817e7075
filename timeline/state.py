"""The state of everything at a moment, as far as the models know one; other objects by their last event."""

from __future__ import annotations

import functools

import polars as pl
from duckdb import DuckDBPyConnection

from timeline.intervals import interval_models

_STATES = """
WITH
  moment AS (SELECT run_id, coalesce($at, end_us) AS at_us FROM log_bounds),
  plane AS (
    SELECT
      run_id, control_plane, instance,
      CASE
        WHEN stopped_us <= at_us THEN 'stopped'
        WHEN expired_us <= at_us THEN 'expired'
        WHEN last_heartbeat_us + control_plane_expiry_us < at_us THEN 'silent'
        WHEN drain_started_us <= at_us THEN 'draining'
        ELSE 'alive'
      END AS state,
      CASE
        WHEN stopped_us <= at_us THEN stopped_us
        WHEN expired_us <= at_us THEN expired_us
        WHEN last_heartbeat_us + control_plane_expiry_us < at_us THEN last_heartbeat_us
        WHEN drain_started_us <= at_us THEN drain_started_us
        ELSE started_us
      END AS since_us
    FROM control_plane_life JOIN moment USING (run_id) LEFT JOIN run_config USING (run_id)
    WHERE started_us IS NULL OR started_us <= at_us
  ),
  known AS (
    SELECT run_id, 'control_plane' AS kind, control_plane AS id, state, since_us, instance AS owner FROM plane
    UNION ALL
    SELECT run_id, 'lease', lease, 'held', ts_us, holder FROM leadership_interval JOIN moment USING (run_id)
    WHERE ts_us <= at_us AND (is_open OR ts_us + dur_us > at_us)
    UNION ALL
    SELECT run_id, 'session', session, coalesce('on ' || worker, 'running'), ts_us, control_plane
    FROM session_interval JOIN moment USING (run_id)
    WHERE ts_us <= at_us AND (is_open OR ts_us + dur_us > at_us)
    UNION ALL
    SELECT run_id, 'worker', worker, state, ts_us, owner FROM worker_state_interval JOIN moment USING (run_id)
    WHERE ts_us <= at_us AND (is_open OR ts_us + dur_us > at_us)
    {others}
  )
SELECT known.*, plane.state AS owner_state
FROM known LEFT JOIN plane ON plane.run_id = known.run_id AND plane.control_plane = known.owner
WHERE known.run_id = $run OR $run IS NULL
ORDER BY known.run_id, known.kind, known.id, known.since_us
"""

_OBJECTS = """
SELECT
  object.run_id, object.kind, object.id,
  count(DISTINCT object.event_no) AS events,
  min(time.at_us) AS first_us,
  max(time.at_us) AS last_us,
  arg_max(event.kind, time.position) AS last_event
FROM event_object AS object
JOIN event_time AS time USING (event_no)
JOIN event USING (event_no)
WHERE (object.run_id = $run OR $run IS NULL) AND (object.kind = $kind OR $kind IS NULL) AND (object.id = $id OR $id IS NULL)
GROUP BY object.run_id, object.kind, object.id
ORDER BY object.run_id, object.kind, object.id
"""


@functools.cache
def _query() -> str:
    others = (
        f"UNION ALL SELECT run_id, '{one.kind}', {one.kind}, {one.state}, ts_us, {one.whom} FROM {one.table} JOIN moment USING (run_id) "
        "WHERE ts_us <= at_us AND (is_open OR ts_us + dur_us > at_us)"
        for one in interval_models()
    )
    return _STATES.format(others=" ".join(others))


def states_at(connection: DuckDBPyConnection, run_id: str | None, at_us: int | None) -> pl.DataFrame:
    """Every object whose state the models know, at `at_us` or where the log ends.

    Columns: run_id, kind, id, state, since_us, owner (with whom it is), owner_state (where that is a control plane).
    """
    return connection.execute(_query(), {"run": run_id, "at": at_us}).pl()


def objects_of(connection: DuckDBPyConnection, run_id: str | None, kind: str | None, id_: str | None = None) -> pl.DataFrame:
    """Every object that an event names.

    Columns: run_id, kind, id, events, first_us, last_us, last_event, and as in `states_at` state, since_us, owner, owner_state
    as the log ends; null where the models know no state.
    """
    objects = connection.execute(_OBJECTS, {"run": run_id, "kind": kind, "id": id_}).pl()
    states = states_at(connection, run_id, None).unique(["run_id", "kind", "id"], keep="last", maintain_order=True)
    return objects.join(states, on=["run_id", "kind", "id"], how="left", maintain_order="left")
