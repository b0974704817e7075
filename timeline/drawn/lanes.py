"""Lanes: what a swim-lane chart shows of a run, or of a stretch of it, cut to what fits on a screen.

The reduction is done in SQL. Each panel has only so many lanes, those with findings first, and the others are counted; so are
the stretches that are narrower than a pixel. `timeline.drawn.happened` makes the lanes of one object.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl
from duckdb import DuckDBPyConnection

from ingest.database import first_row
from timeline.drawn.stretches import OVERLAYS, Lane, answer_to, panels, standing, stretches_of, stretches_sql
from timeline.findings import Finding

LANES_MAX = 24
OTHERS_MAX = 8
"""Lanes of workers, and of every other panel."""

# Every lane that has something in the window, those with findings first, then in order of appearance; `there` of them in its panel.
_LANES = """
WITH
  stretch AS ({stretches}),
  lane AS (
    SELECT panel, id, min(ts_us) AS first_us, coalesce(list_position($found::VARCHAR[], panel || '/' || id), 0) AS place
    FROM stretch
    WHERE NOT list_contains($hidden, panel) AND ts_us <= $until_us AND (is_open OR until_us >= $from_us)
    GROUP BY panel, id
  ),
  ranked AS (
    SELECT
      *, count(*) OVER (PARTITION BY panel) AS there,
      row_number() OVER (PARTITION BY panel ORDER BY place = 0, place, first_us, id) AS rank
    FROM lane
  )
SELECT panel, id, place > 0 AS is_marked, there
FROM ranked
WHERE rank <= CASE panel WHEN 'worker' THEN $workers ELSE $others END
ORDER BY panel, CASE panel WHEN 'worker' THEN rank ELSE 0 END, first_us, id
"""

# When nobody held a lease, between its holders and until the log ends, or as long as one looks.
_VACANCIES = """
SELECT lease AS id, greatest(until_us, $from_us) AS ts_us, least(coalesce(next_us, $until_us), $until_us) AS until_us
FROM (
  SELECT lease, is_open, ts_us + dur_us AS until_us, lead(ts_us) OVER (PARTITION BY lease ORDER BY ts_us) AS next_us
  FROM leadership_interval WHERE run_id = $run
)
WHERE NOT is_open AND coalesce(next_us, $until_us) > until_us AND until_us < $until_us AND coalesce(next_us, $until_us) > $from_us
ORDER BY id, ts_us
"""

LANE = {"panel": pl.String, "id": pl.String, "is_marked": pl.Boolean}
MARK = {
    "panel": pl.String,
    "id": pl.String,
    "detector": pl.String,
    "severity": pl.String,
    "says": pl.String,
    "ts_us": pl.Int64,
    "until_us": pl.Int64,
}
DECISION = {
    "panel": pl.String,
    "id": pl.String,
    "at_us": pl.Int64,
    "kind": pl.String,
    "actor": pl.String,
    "event_id": pl.String,
    "is_own": pl.Boolean,
    "is_evidence": pl.Boolean,
    "pieces": pl.Int64,
}
CAUSE = {
    "panel": pl.String,
    "id": pl.String,
    "at_us": pl.Int64,
    "to_panel": pl.String,
    "to_id": pl.String,
    "to_us": pl.Int64,
    "pieces": pl.Int64,
}


@dataclass(frozen=True)
class Lanes:
    """What a swim-lane chart shows. Times are microseconds UTC."""

    start_us: int
    end_us: int
    """What the axis spans."""
    lanes: pl.DataFrame
    """One row a lane, in order: panel, id, is_marked (a finding is about it)."""
    stretches: pl.DataFrame
    """panel, id, state, whom, ts_us, until_us, is_open, pieces; those of OVERLAYS belong into the lanes of another panel."""
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
    decisions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DECISION))
    """Decisions, each in the lane of what it is about."""
    causes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CAUSE))
    """From a decision (panel, id, at_us) to one that it led to (to_panel, to_id, to_us)."""
    folded_decisions: int = 0
    """Decisions that share their pixel with another, or whose lane was left out."""
    folded_causes: int = 0
    as_of_us: int | None = None
    """Nothing later is shown."""

    @property
    def folded_stretches(self) -> int:
        """Stretches that share their pixel with a longer one."""
        return int(self.stretches["pieces"].sum()) - len(self.stretches)


def lanes_of(
    connection: DuckDBPyConnection,
    run_id: str,
    findings: Sequence[Finding],
    window_us: tuple[int, int] | None = None,
    as_of_us: int | None = None,
) -> Lanes:
    """The lanes of a run, in a window of it; with `as_of_us` as the log gave them when it had reached that moment.

    Of `findings` those are marked that are about a lane.
    """
    span_us = window_us or bounds_of(connection, run_id)
    with standing(connection, run_id, as_of_us):
        return lanes_from(connection, run_id, (stretches_sql(), panels(), OTHERS_MAX), findings, span_us, as_of_us)


def lanes_from(
    connection: DuckDBPyConnection,
    run_id: str,
    source: tuple[str, Sequence[str], int],
    findings: Sequence[Finding] = (),
    window_us: tuple[int, int] | None = None,
    as_of_us: int | None = None,
) -> Lanes:
    """The lanes of a source of stretches: its SQL, its panels in order, and how many lanes one of them has at most."""
    stretches, order, most = source
    from_us, until_us = window_us or bounds_of(connection, run_id)
    last_us = until_us if as_of_us is None else min(until_us, as_of_us)
    ordered = sorted(findings, key=lambda one: (one.since, one.finding_id))
    found = list(dict.fromkeys(f"{one.subject.kind}/{one.subject.id}" for one in ordered))
    bound = {"run": run_id, "remembered": None, "found": found, "from_us": from_us, "until_us": last_us, "hidden": [*OVERLAYS, "session"]}
    rows = answer_to(connection, _LANES.format(stretches=stretches), bound | {"workers": LANES_MAX, "others": most}).fetchall()
    there = {panel: count for panel, _, _, count in rows}
    lanes = [(panel, id_, is_marked) for wanted in order for panel, id_, is_marked, _ in rows if panel == wanted]
    drawn = [(panel, id_) for panel, id_, _ in lanes]
    marked = marks_of(ordered, drawn, (from_us, last_us))
    return Lanes(
        start_us=from_us,
        end_us=until_us,
        lanes=pl.DataFrame(lanes, schema=LANE, orient="row"),
        stretches=stretches_of(connection, run_id, drawn, (from_us, until_us), as_of_us, source=stretches),
        vacancies=vacancies_of(connection, run_id, (from_us, last_us)),
        findings=marked,
        workers=there.get("worker", 0),
        folded=sum(there.values()) - len(lanes),
        elsewhere=len(findings) - len(marked),
        as_of_us=as_of_us,
    )


def bounds_of(connection: DuckDBPyConnection, run_id: str) -> tuple[int, int]:
    """Where the log of a run begins and ends."""
    start_us, end_us = first_row(connection, "SELECT start_us, end_us FROM log_bounds WHERE run_id = $run", {"run": run_id}) or (0, 0)
    return start_us, end_us


def vacancies_of(connection: DuckDBPyConnection, run_id: str, window_us: tuple[int, int]) -> pl.DataFrame:
    """When nobody held a lease that somebody held before: id, ts_us, until_us."""
    from_us, until_us = window_us
    return connection.execute(_VACANCIES, {"run": run_id, "from_us": from_us, "until_us": until_us}).pl()


def marks_of(findings: Sequence[Finding], lanes: Collection[Lane], window_us: tuple[int, int]) -> pl.DataFrame:
    """The findings about those lanes that show in a window, as MARK."""
    from_us, until_us = window_us
    shown = [one for one in findings if (one.subject.kind, one.subject.id) in lanes and one.since <= until_us]
    rows = [
        (
            one.subject.kind,
            one.subject.id,
            one.detector,
            one.severity,
            one.says,
            max(one.since, from_us),
            min(one.until or until_us, until_us),
        )
        for one in shown
        if (one.until or until_us) >= from_us
    ]
    return pl.DataFrame(rows, schema=MARK, orient="row")
