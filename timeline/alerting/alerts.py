"""Prometheus alert rules: one for each detector that should wake somebody, and those about the gauges themselves.

An alert is what a detector's own header says: its title is the summary, its impact is in the description, `alert_for` is
how long it waits, and its runbook is the page that is printed from the same header. It links to the notebook that opens
with the finding. A detector that nobody runs finds nothing either, so some alerts are about the gauges themselves
(`timeline.alerting.own_alerts`). `timeline.alerting.alert_tests` proves each with promtool.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ingest.duration import microseconds
from timeline import catalog
from timeline.alerting.alert import KEEP_FIRING_MINUTES, NOTEBOOKS, RUNBOOKS, Alert
from timeline.alerting.alert_tests import proof_of_detector
from timeline.alerting.own_alerts import own_alerts
from timeline.catalog import Query

NEWS_MINUTES = 5
"""How long a finding is news that was over when it could be known."""
MEMORY_HOURS = 6
"""How long a gap in the scrapes may be without a finding being missed in it, or taken for news again after it."""
SEVERITIES: dict[str, str] = {"warning": "warning", "critical": "critical", "invariant": "critical"}
"""Severity of a detector to that of its alert. One of severity `info` has no alert."""
MINUTE_US = 60_000_000


def alerts() -> list[Alert]:
    """Every alert: our own, then those of the detectors in order of name. Raises CatalogError."""
    detectors = catalog.read(catalog.DETECTORS).values()
    return [*own_alerts(), *(of_detector(query) for query in detectors if query.fields["severity"] in SEVERITIES)]


def rules(runbooks: str = RUNBOOKS, notebooks: str = NOTEBOOKS) -> dict[str, Any]:
    """The rule file, as plain values. Raises CatalogError.

    `runbooks` is the folder or address where the runbooks are, `notebooks` the address of the server that has the notebooks.
    """
    families = groupby(alerts(), key=lambda alert: alert.page.partition("/")[0])
    return {
        "groups": [
            {"name": f"decision-timeline/{name}", "rules": [_rule(one, runbooks, notebooks) for one in members]}
            for name, members in families
        ]
    }


def wait_minutes(query: Query) -> int:
    """How long the alert of a detector waits."""
    return -(-(microseconds(query.fields["alert_for"]) or 0) // MINUTE_US)


def of_detector(query: Query) -> Alert:
    """The alert on the findings of a detector."""
    said, wait = query.fields["severity"], wait_minutes(query)
    return Alert(
        page=query.name,
        severity="{{ $labels.severity }}" if "severity" in query.columns else SEVERITIES[said],
        wait_minutes=wait,
        expression=_expression(query.name, wait),
        summary=query.title,
        description=f"{{{{ $labels.detector }}}} finds {{{{ $value }}}} in the run {{{{ $labels.run }}}}: {query.fields['impact']}. "
        f"`timeline detect --detector {query.name}` names them.",
        proof=proof_of_detector(query.name, said, wait),
        detector=query.name,
    )


def _expression(detector: str, wait: int) -> str:
    """What lasts is counted by a gauge. An alert that does not wait also sees what was over before it could be known.

    That is a count of all findings that is above what it was five minutes ago. What it was is looked for in hours, so that the
    return after an outage brings what was found meanwhile, and nothing from before it.
    """
    lasting = f'timeline_findings{{detector="{detector}"}} > 0'
    if wait:
        return lasting
    so_far = f'timeline_detections_total{{detector="{detector}"}}'
    before = f"max_over_time({so_far}[{MEMORY_HOURS}h] offset {NEWS_MINUTES}m)"
    return f"{lasting} or {so_far} - ({before} or 0 * {so_far}) > 0"


def _rule(alert: Alert, runbooks: str, notebooks: str) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": f"{alert.wait_minutes}m",
        "keep_firing_for": f"{KEEP_FIRING_MINUTES}m",
        "labels": {"severity": alert.severity},
        "annotations": alert.annotations(runbooks, notebooks),
    }
