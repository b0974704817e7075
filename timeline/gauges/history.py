"""The history of gauges: what whoever scraped a run at each step would have seen, and not what is known of it today."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from duckdb import DuckDBPyConnection

from timeline.findings import Report, detect
from timeline.gauges import Gauge, bounds_us, measure, moments_us
from timeline.gauges.known import known_at

Bounds = tuple[str, int, int]
"""A run, and where its log begins and ends, microseconds UTC."""

_BOUNDS = "SELECT run_id, start_us, end_us FROM log_bounds ORDER BY start_us, run_id"


def history(connection: DuckDBPyConnection, report: Report, run_id: str, step_us: int, names: Collection[str] | None = None) -> list[Gauge]:
    """The gauges of a run at each multiple of the step and at its end; `report` is the judgement of the run. Raises UsageError.

    With `names` only those.
    """
    moments = moments_us(*bounds_us(connection, run_id), step_us)
    return measure(connection, run_id, report, step_us, known_at(connection, report.findings, moments, run_id), names)


def histories(connection: DuckDBPyConnection, step_us: int, names: Collection[str]) -> list[Gauge]:
    """The same of these gauges in every run. Runs whose times overlap are judged together, at each step once. Raises UsageError."""
    report = detect(connection)
    gauges = []
    for runs in _overlapping(connection.execute(_BOUNDS).fetchall()):
        ends = {run_id: end_us for run_id, _, end_us in runs}
        findings = {run_id: [one for one in report.findings if one.run_id == run_id] for run_id in ends}
        moments = moments_us(runs[0][1], max(ends.values()), step_us)
        alone = runs[0][0] if len(runs) == 1 else None
        known = known_at(connection, [one for each in findings.values() for one in each], moments, alone)
        for run_id, found in findings.items():
            # A step past the end of a run is as good as its end.
            known_us = {id_: min(at_us, ends[run_id]) for id_, at_us in known.items()}
            gauges += measure(connection, run_id, report.model_copy(update={"findings": found}), step_us, known_us, names)
    return gauges


def _overlapping(runs: Iterable[Bounds]) -> list[list[Bounds]]:
    """The runs, which are in order of their beginning, in groups whose times overlap."""
    groups: list[list[Bounds]] = []
    until_us = -1
    for run in runs:
        if run[1] > until_us:
            groups.append([])
        groups[-1].append(run)
        until_us = max(until_us, run[2])
    return groups
