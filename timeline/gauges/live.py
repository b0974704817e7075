"""What a scrape says: the gauges of the runs that are still written to, and those of the database."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from timeline.findings import detect_each
from timeline.gauges import Gauge, measure, measure_database

LIVE_US, LIVE_MAX = 24 * 3_600_000_000, 8
"""A run is live while its log ends at most so long before the newest one; so many of them are exported, the newest. A log that nothing is
written to any more so leaves room for the one that follows it."""

_LIVE = """
SELECT run_id FROM log_bounds
WHERE end_us >= (SELECT max(end_us) FROM log_bounds) - $within_us
ORDER BY end_us DESC, run_id DESC
LIMIT $most
"""


def live_gauges(connection: DuckDBPyConnection) -> list[Gauge]:
    """The gauges of each live run where its log ends, the newest run first, and those of the database."""
    live = [run_id for (run_id,) in connection.execute(_LIVE, {"within_us": LIVE_US, "most": LIVE_MAX}).fetchall()]
    gauges = [gauge for run_id, report in detect_each(connection, live) for gauge in measure(connection, run_id, report)]
    return [*gauges, *measure_database(connection)]
