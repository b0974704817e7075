"""Gauges: how a run stands where its log ends, or how it stood at every step since it began.

A gauge is one file: `gauges/run/lease_held.sql` is `timeline_lease_held`, its title is the help text, and its columns are
`at_us`, one for each label, and `value`. It says the value at every moment at once. Besides the models it may read

    shown_run(run_id)              the run that is measured
    moment(at_us, since_us)        the moments, each with the one before it
    workload_part                  what every workload waits for, in the columns of `timeline.why.parts_of`
    detector(detector, severity, verdict)                                         the detectors that judge logs of its families
    finding(detector, severity, ts_us, dur_us, is_open, known_us, wasted_vcpus)   what they found, and when it could be known

A file whose header says `otherwise: 0` joins `moment` from the left: each series that it names, also in rows without a moment, is
0 at every moment of which no row tells. Without that a series is absent there.

A file below `gauges/database/` is about the database as it is now, whatever runs it holds, and has no `at_us`.

How series are put together follows from the name: of times (`_timestamp_seconds`) the earliest counts, of durations the
longest, anything else is a sum. Labels come from events, so they are cleaned, and a gauge has at most `SERIES_MAX` series
of a run: those with the highest peaks; the rest are put together as `other`, and counted in `timeline_series_dropped_total`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from ingest.database import first_row
from ingest.duration import duration
from ingest.errors import UsageError
from timeline import catalog
from timeline.catalog import Query, present
from timeline.findings import Finding, Report, all_detectors, family_of
from timeline.gauges.openmetrics import label_value
from timeline.why import parts_query

Row = dict[str, str | int | float | bool]

OF_RUN, OF_DATABASE = Path(__file__).with_name("run"), Path(__file__).with_name("database")
PREFIX = "timeline_"
UNITS = ("seconds", "bytes", "vcpus")
SERIES_MAX = 40
OWN_LABELS = {"detector", "severity"}
"""Labels whose values we choose ourselves: their number is that of the detectors."""
OTHER = "other"
DROPPED = f"Series put together as `{OTHER}`, so that their number stays bounded."
NOT_LABELS = ("at_us", "value")
STEP_US = 15_000_000
"""The usual time between two scrapes; how far back `findings` looks where only one moment is measured."""
MOMENTS_MAX = 20_000

_MOMENT = """
CREATE TEMP TABLE moment AS
WITH tick AS (SELECT unnest(from_json($rows, '["BIGINT"]')) AS at_us)
SELECT at_us, coalesce(lag(at_us) OVER (ORDER BY at_us), at_us - $step_us) AS since_us FROM tick
"""
# One JSON document each: DuckDB binds a long list of Python values a hundred times slower.
_DETECTOR = """
CREATE TEMP TABLE detector AS
SELECT unnest(from_json($rows, '[{"detector": "VARCHAR", "severity": "VARCHAR", "verdict": "VARCHAR"}]'), recursive := true)
"""
_FINDING = """
CREATE TEMP TABLE finding AS
SELECT unnest(from_json($rows, '[{
  "detector": "VARCHAR", "severity": "VARCHAR", "ts_us": "BIGINT", "dur_us": "BIGINT", "is_open": "BOOLEAN", "known_us": "BIGINT",
  "wasted_vcpus": "DOUBLE"
}]'), recursive := true)
"""


@dataclass(frozen=True)
class Gauge:
    """One metric with its series."""

    name: str
    help: str
    samples: pl.DataFrame
    """Columns: the labels, `at_us`, `value`; in order of labels, then of time."""
    run_id: str | None = None
    """The run that it is about: its label `run`. None for what is about the database as it is now."""

    @property
    def labels(self) -> list[str]:
        """Names of the labels."""
        return self.samples.columns[:-2]

    @property
    def unit(self) -> str:
        """Base unit that the name ends in; empty where things are counted."""
        return next((unit for unit in UNITS if self.name.endswith(f"_{unit}")), "")

    @property
    def is_counter(self) -> bool:
        """Whether its values only grow."""
        return self.name.endswith("_total")


def measure(
    connection: DuckDBPyConnection,
    run_id: str,
    report: Report,
    step_us: int | None = None,
    known_us: Mapping[str, int] | None = None,
    names: Collection[str] | None = None,
) -> list[Gauge]:
    """Every gauge of a run, in order of name: where the log ends, or with `step_us` at each multiple of it and at the end.

    The models must be up to date, and `report` is the judgement of the run. `known_us` says by finding_id when a finding could
    first be known (`timeline.gauges.known`): it counts from then on; one that is not named there counts from its start. With `names` only
    those gauges are measured. Raises UsageError.
    """
    with _prepared(connection, run_id, report, step_us, known_us or {}):
        moments = pl.DataFrame(connection.sql("SELECT at_us FROM moment ORDER BY at_us"))
        chosen = [query for query in _files(OF_RUN).values() if names is None or f"{PREFIX}{query.name}" in names]
        told = [_told(connection, query, run_id, moments) for query in chosen]
    gauges = [gauge for gauge, _ in told]
    return gauges if names is not None else sorted([*gauges, _overflow(told, moments, run_id)], key=lambda gauge: gauge.name)


def measure_database(connection: DuckDBPyConnection) -> list[Gauge]:
    """Every gauge about the database as it is now, in order of name; their samples have no time, `at_us` is 0."""
    now = pl.DataFrame({"at_us": [0]})
    told = [_told(connection, query, None, now) for query in _files(OF_DATABASE).values()]
    return [*(gauge for gauge, _ in told), _overflow(told, now, None)]


def bounds_us(connection: DuckDBPyConnection, run_id: str) -> tuple[int, int]:
    """Where the log of a run begins and ends. Raises UsageError where it is not here."""
    row = first_row(connection, "SELECT start_us, end_us FROM log_bounds WHERE run_id = $run", {"run": run_id})
    if row is None:
        raise UsageError(f"measuring the run {run_id!r}: it is not here")
    return row[0], row[1]


def moments_us(start_us: int, end_us: int, step_us: int) -> list[int]:
    """Each multiple of the step in that time, and its end. Raises UsageError where they are too many."""
    first_us = -(-start_us // step_us) * step_us
    if (end_us - first_us) // step_us > MOMENTS_MAX:
        raise UsageError(
            f"measuring every {duration(step_us)}: the log is {duration(end_us - start_us)} long, and at most {MOMENTS_MAX} moments are "
            "measured; choose a longer --step"
        )
    # Prometheus keeps milliseconds: a tick in the last of them would be a second sample of the same time.
    return [*range(first_us, end_us - end_us % 1000, step_us), end_us]


@functools.cache
def _files(folder: Path) -> dict[str, Query]:
    """The files of a folder; they are read once in the life of the process."""
    return catalog.read(folder)


# ---- what the files read


@contextmanager
def _prepared(
    connection: DuckDBPyConnection, run_id: str, report: Report, step_us: int | None, known_us: Mapping[str, int]
) -> Iterator[None]:
    """The temporary tables that gauges read besides the models."""
    start_us, end_us = bounds_us(connection, run_id)
    moments = [end_us] if step_us is None else moments_us(start_us, end_us, step_us)
    try:
        connection.execute("CREATE TEMP TABLE shown_run AS SELECT $run AS run_id", {"run": run_id})
        connection.execute(_MOMENT, {"rows": json.dumps(moments), "step_us": step_us or STEP_US})
        connection.execute(f"CREATE TEMP TABLE workload_part AS {parts_query()}", {"run": run_id, "kind": None, "id": None})
        connection.execute(_DETECTOR, {"rows": json.dumps(_detectors(report, present(connection, run_id)))})
        connection.execute(_FINDING, {"rows": json.dumps([_interval(finding, end_us, known_us) for finding in _found(report)])})
        yield
    finally:
        for name in ("shown_run", "moment", "workload_part", "detector", "finding"):
            connection.execute(f'DROP TABLE IF EXISTS temp."{name}"')


def _detectors(report: Report, families: frozenset[str]) -> list[Row]:
    """The detectors that judge logs of these families, each with the severity of its header and with those that its findings have."""
    usual = {name: query.fields["severity"] for name, query in all_detectors().items() if family_of(query) in {None, *families}}
    told = {(name, usual[name]) for name in report.detectors if name in usual} | {(one.detector, one.severity) for one in _found(report)}
    return [{"detector": name, "severity": severity, "verdict": report.verdicts[name]} for name, severity in sorted(told)]


def _interval(finding: Finding, end_us: int, known_us: Mapping[str, int]) -> Row:
    dur_us = (end_us if finding.until is None else finding.until) - finding.since
    cost = finding.cost.amount if finding.cost and finding.cost.unit == "vcpu_seconds" else 0.0
    return {
        "detector": finding.detector,
        "severity": finding.severity,
        "ts_us": finding.since,
        "dur_us": dur_us,
        "is_open": finding.until is None,
        "known_us": known_us.get(finding.finding_id, finding.since),
        "wasted_vcpus": cost * 1e6 / dur_us if dur_us > 0 else 0.0,
    }


def _found(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.verdict == "found"]


# ---- rows to series


def _told(connection: DuckDBPyConnection, query: Query, run_id: str | None, moments: pl.DataFrame) -> tuple[Gauge, int]:
    """The gauge that a file tells, and how many of its series were put together."""
    name = f"{PREFIX}{query.name}"
    raw = pl.DataFrame(connection.sql(query.sql))
    if "at_us" not in raw.columns:
        raw = raw.with_columns(at_us=pl.lit(0))
    labels = [column for column in raw.columns if column not in NOT_LABELS]
    if "otherwise" in query.fields:
        raw = _filled(raw, labels, moments, int(query.fields["otherwise"]))
    samples, dropped = (raw, 0) if OWN_LABELS.issuperset(labels) else _bounded(raw, labels, _together(name))
    return Gauge(name, query.title, samples.select(*labels, *NOT_LABELS).sort(*labels, "at_us"), run_id), dropped


def _filled(raw: pl.DataFrame, labels: list[str], moments: pl.DataFrame, otherwise: int) -> pl.DataFrame:
    """Every series at every moment, with that value where no row tells another."""
    every = raw.select(labels).unique().join(moments, how="cross")
    return every.join(raw, on=[*labels, "at_us"], how="left", nulls_equal=True).with_columns(pl.col("value").fill_null(otherwise))


def _overflow(told: Iterable[tuple[Gauge, int]], moments: pl.DataFrame, run_id: str | None) -> Gauge:
    """How many series of each gauge were put together, at each moment."""
    counts = [(gauge.name, dropped) for gauge, dropped in told if not OWN_LABELS.issuperset(gauge.labels)]
    samples = pl.DataFrame(counts, schema=["gauge", "value"], orient="row").join(moments, how="cross").select("gauge", *NOT_LABELS)
    return Gauge(f"{PREFIX}series_dropped_total", DROPPED, samples, run_id)


def _together(name: str) -> pl.Expr:
    """The value of several series that are put together."""
    if name.endswith("_timestamp_seconds"):
        return pl.col("value").min()
    return pl.col("value").max() if name.endswith("_seconds") else pl.col("value").sum()


def _bounded(raw: pl.DataFrame, labels: list[str], together: pl.Expr) -> tuple[pl.DataFrame, int]:
    """The samples with clean labels and at most SERIES_MAX series and `other`; how many series that is made of."""
    clean = [f"clean_{label}" for label in labels]
    as_clean = [
        pl.col(label).map_elements(label_value, pl.String, skip_nulls=False).alias(name) for label, name in zip(labels, clean, strict=True)
    ]
    sets = raw.group_by(labels).agg(peak=pl.col("value").max()).with_columns(as_clean)
    ranked = sets.group_by(clean).agg(pl.col("peak").max()).sort("peak", *clean, descending=[True, *([False] * len(clean))])
    kept = ranked.head(SERIES_MAX).select(*clean, is_kept=pl.lit(True))
    shown = [pl.when("is_kept").then(pl.col(name)).otherwise(pl.lit(OTHER)).alias(name) for name in clean]
    named = sets.join(kept, on=clean, how="left").select(*labels, *shown)
    samples = raw.join(named, on=labels, nulls_equal=True).group_by(*clean, "at_us").agg(together)
    return samples.rename(dict(zip(clean, labels, strict=True))), max(ranked.height - SERIES_MAX, 0)
