"""How much was decided when: the overview of a log, from which a stretch is chosen."""

from __future__ import annotations

import polars as pl
from duckdb import DuckDBPyConnection

BUCKETS = 400

_ACTIVITY = f"""
WITH
  bounds AS (SELECT start_us, greatest(end_us - start_us, 1) AS span_us FROM log_bounds WHERE run_id = $run),
  about AS (SELECT DISTINCT event_no FROM event_object WHERE run_id = $run AND kind = $kind AND id = $id),
  counted AS (
    SELECT
      least((at_us - start_us) * {BUCKETS} // span_us, {BUCKETS} - 1) AS bucket, count(*) AS decisions,
      count(about.event_no) AS own
    FROM event_time
    CROSS JOIN bounds
    LEFT JOIN about ON about.event_no = event_time.event_no
    WHERE run_id = $run
    GROUP BY bucket
  )
SELECT
  start_us + bucket * span_us // {BUCKETS} AS ts_us, start_us + (bucket + 1) * span_us // {BUCKETS} AS until_us, decisions, own
FROM counted CROSS JOIN bounds
ORDER BY ts_us
"""


def activity_of(connection: DuckDBPyConnection, run_id: str, kind: str | None = None, id_: str | None = None) -> pl.DataFrame:
    """A row for each of BUCKETS equal stretches of the log that has a decision: ts_us, until_us, decisions, own.

    `own` counts those about the object `kind`, `id_`; 0 where none is asked about.
    """
    return connection.execute(_ACTIVITY, {"run": run_id, "kind": kind, "id": id_}).pl()
