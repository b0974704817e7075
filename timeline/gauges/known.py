"""When a finding could first be known: a history that is told in hindsight would make every alert look faster than it is.

A finding has the time at which the fault began, and that is often before anybody could prove it. Here the log is judged
as of earlier moments, until it is clear at which of them each finding was first there. A log that is cut short never
accuses where the whole log does not, and a finding keeps its id in a longer log, so that halving is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from duckdb import DuckDBPyConnection

from timeline.findings import Finding, detect


def known_at(
    connection: DuckDBPyConnection, findings: Iterable[Finding], moments_us: Sequence[int], run_id: str | None = None
) -> dict[str, int]:
    """For each finding with the verdict `found` the first of the moments as of which it is found; by its id.

    The moments ascend, and the findings are there as of the last of them. With `run_id` only that run is judged. The findings
    of many runs whose times are the same are looked for at once. It takes as many judgements as the findings are spread, at
    most one a moment; a finding of which nothing was found before the last moment is known then.
    """
    known: dict[str, int] = {}

    def halve(low: int, high: int, sought: dict[str, Finding]) -> None:
        """Those that are sought are found as of `moments_us[high]` and are not as of `moments_us[low]`."""
        if not sought or high - low <= 1:
            known.update(dict.fromkeys(sought, moments_us[high]))
            return
        middle = (low + high) // 2
        names = sorted({finding.detector for finding in sought.values()})
        report = detect(connection, names, as_of_us=moments_us[middle], run_id=run_id)
        there = {finding.finding_id for finding in report.findings if finding.verdict == "found"}
        halve(low, middle, {id_: finding for id_, finding in sought.items() if id_ in there})
        halve(middle, high, {id_: finding for id_, finding in sought.items() if id_ not in there})

    halve(-1, len(moments_us) - 1, {finding.finding_id: finding for finding in findings if finding.verdict == "found"})
    return known
