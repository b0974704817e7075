"""How every object stood, and when: the stretches of all models in one shape, and their reduction to the pixels of a screen.

A lane is a panel and an object. Most panels are called by the kind of their objects; `memory` is what a control plane takes one
worker for, and `use` is who used a worker.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import polars as pl
from duckdb import DuckDBPyConnection

from timeline.intervals import interval_models
from timeline.refresh import as_of, models

ENDS = ("retired", "lost", "done", "failed", "gone")
"""States that nothing follows: marks, not stretches."""
PIXELS = 1_500
"""Places of a lane that a chart tells apart."""
PIXELS_MIN, STRETCHES_MAX = 120, 4_000
"""Where there are many lanes each has fewer places, but so many; then a picture has about so many stretches, and stays quick."""
LEADING = ("lease", "control_plane", "worker", "memory", "session")
"""Panels that come first, from top to bottom."""

OVERLAYS = {"use": "worker", "gap": "process"}
"""Panels that have no lanes of their own: what they say lies in the lanes of another."""

Lane = tuple[str, str]
"""Panel and object."""

_STRETCHES = """
SELECT 'lease' AS panel, lease AS id, 'leads' AS state, holder AS whom, ts_us, ts_us + dur_us AS until_us, is_open
FROM leadership_interval WHERE run_id = $run
UNION ALL
SELECT 'control_plane', control_plane, 'alive', instance, coalesce(started_us, start_us),
  coalesce(stopped_us, CASE WHEN expired_us IS NOT NULL THEN last_heartbeat_us END, end_us), stopped_us IS NULL AND expired_us IS NULL
FROM control_plane_life JOIN log_bounds USING (run_id) WHERE run_id = $run
UNION ALL
SELECT 'worker', worker, state, owner, ts_us, ts_us + dur_us, is_open FROM worker_state_interval WHERE run_id = $run
UNION ALL
SELECT 'memory', control_plane, state, worker, ts_us, ts_us + dur_us, is_open
FROM worker_memory_interval WHERE run_id = $run AND worker = $remembered AND state <> 'forgotten'
UNION ALL
SELECT 'session', session, 'running', worker, ts_us, ts_us + dur_us, is_open FROM session_interval WHERE run_id = $run
UNION ALL
SELECT 'use', worker, 'session', session, ts_us, ts_us + dur_us, is_open FROM session_interval WHERE run_id = $run
{others}
"""

# An end is there from the moment on at which it comes; nothing lasts longer than what is asked about, and what is open that long.
_FOLDED = """
WITH
  wanted AS (SELECT unnest($panels::VARCHAR[]) AS panel, unnest($ids::VARCHAR[]) AS id),
  stretch AS ({stretches}),
  there AS (
    SELECT
      panel, id, state, whom, greatest(ts_us, $from_us) AS ts_us,
      CASE WHEN is_open THEN $until_us ELSE least(until_us, $until_us) END AS until_us,
      is_open OR until_us > $until_us AS is_open, list_contains($ends, state) AS is_end
    FROM stretch SEMI JOIN wanted USING (panel, id)
    WHERE ts_us <= $until_us AND (is_open OR until_us >= $from_us) AND NOT (list_contains($ends, state) AND ts_us < $from_us)
  )
SELECT
  panel, id, arg_max(state, until_us - ts_us) AS state, arg_max(whom, until_us - ts_us) AS whom,
  min(ts_us) AS ts_us, CASE WHEN is_end THEN min(ts_us) ELSE max(until_us) END AS until_us,
  bool_or(is_open) AS is_open, count(*) AS pieces
FROM there
GROUP BY panel, id, is_end, (ts_us - $from_us) * $pixels // greatest($width_us, 1)
ORDER BY panel, id, ts_us, until_us
"""


# Those of what shares a decision with the object, of every leader and control plane, and of who used its workers.
_EVERY = """
WITH
  about AS (SELECT event_no FROM event_object WHERE run_id = $run AND kind = $kind AND id = $id),
  wanted AS (
    SELECT DISTINCT kind AS panel, id FROM event_object WHERE event_no IN (SELECT event_no FROM about)
    UNION
    SELECT DISTINCT 'use' AS panel, id FROM event_object WHERE kind = 'worker' AND event_no IN (SELECT event_no FROM about)
  ),
  stretch AS ({stretches})
SELECT panel, id, state, whom, ts_us, until_us, is_open
FROM stretch
WHERE $kind IS NULL OR panel IN ('lease', 'control_plane', 'memory') OR (panel, id) IN (SELECT panel, id FROM wanted)
ORDER BY panel, id, ts_us, until_us, state, whom
"""


@functools.cache
def stretches_sql() -> str:
    """Every stretch of a run: panel, id, state, whom, ts_us, until_us, is_open. Binds `$run`, and `$remembered`, a worker or null."""
    others = (
        f"UNION ALL SELECT '{one.kind}', {one.kind}, {one.state}, {one.whom}, ts_us, ts_us + dur_us, is_open "
        f"FROM {one.table} WHERE run_id = $run"
        for one in interval_models()
    )
    return _STRETCHES.format(others=" ".join(others))


@contextmanager
def standing(connection: DuckDBPyConnection, run_id: str, as_of_us: int | None) -> Iterator[None]:
    """Inside, stretches are those that the log gave when it had reached that moment; nothing changes where there is none.

    To cut what the whole log gives would not do: a process that is found dead died when it was last heard of, and with it its sessions,
    but nobody could know that before it was found.
    """
    named = set(re.findall(r"\w+", stretches_sql()))
    with nullcontext() if as_of_us is None else as_of(connection, as_of_us, run_id, [one.name for one in models() if one.name in named]):
        yield


def panels(there: Iterable[str] = ()) -> list[str]:
    """What has lanes, from top to bottom: LEADING, the kinds of which a model has the intervals, and any other that is there."""
    return list(dict.fromkeys((*LEADING, *(one.kind for one in interval_models()), *sorted(there))))


def stretches_of(
    connection: DuckDBPyConnection,
    run_id: str,
    lanes: Sequence[Lane],
    window_us: tuple[int, int],
    as_of_us: int | None = None,
    remembered: str | None = None,
    source: str | None = None,
) -> pl.DataFrame:
    """The stretches of those lanes in a window, none later than `as_of_us`; of the models, or of `source` in place of `stretches_sql`.

    Columns: panel, id, state, whom, ts_us, until_us, is_open, pieces. Stretches of a lane that begin at one place of a screen are one row,
    which has the state of the longest of them and says how many it holds.
    """
    chosen = [*lanes, *((panel, id_) for panel, of in OVERLAYS.items() for wanted, id_ in lanes if wanted == of)]
    from_us, until_us = window_us
    bound = {
        "run": run_id,
        "remembered": remembered,
        "panels": [panel for panel, _ in chosen],
        "ids": [id_ for _, id_ in chosen],
        "from_us": from_us,
        "until_us": until_us if as_of_us is None else min(until_us, as_of_us),
        "width_us": until_us - from_us,
        "pixels": places(len(chosen)),
        "ends": list(ENDS),
    }
    return answer_to(connection, _FOLDED.format(stretches=source or stretches_sql()), bound).pl()


def places(lanes: int) -> int:
    """Places that each of so many lanes has."""
    return min(max(STRETCHES_MAX // max(lanes, 1), PIXELS_MIN), PIXELS)


def answer_to(connection: DuckDBPyConnection, query: str, bound: Mapping[str, object]) -> DuckDBPyConnection:
    """The answer to a query of this package; it binds of `bound` what it names."""
    return connection.execute(query, {name: value for name, value in bound.items() if f"${name}" in query})


def every_stretch(connection: DuckDBPyConnection, run_id: str, kind: str | None = None, id_: str | None = None) -> pl.DataFrame:
    """Every stretch of a run, or of what has to do with one object; nothing is folded and none is left out.

    Columns: panel, id, state, whom, ts_us, until_us, is_open; in order of panel and lane, then of time.
    """
    bound = {"run": run_id, "kind": kind, "id": id_, "remembered": id_ if kind == "worker" else None}
    return connection.execute(_EVERY.format(stretches=stretches_sql()), bound).pl()
