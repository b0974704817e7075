"""Prometheus alert rules, and the promtool tests that prove them: one alert for each detector that should wake somebody.

An alert is what a detector's own header says: its title is the summary, its impact is in the description, `alert_for` is
how long it waits, and its runbook is the page that is printed from the same header. Two alerts are about the gauges
themselves, since a detector that nobody runs finds nothing either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ingest.duration import microseconds
from timeline import catalog
from timeline.catalog import Query

RUNBOOKS = "docs/runbooks"
KEEP_FIRING_MINUTES = 5
"""How long an alert stays after its cause is gone: against flapping, and so that what lasted a moment is seen by a person."""
SEVERITIES: dict[str, str] = {"warning": "warning", "critical": "critical", "invariant": "critical"}
"""Severity of a detector to that of its alert. One of severity `info` has no alert."""
MINUTE_US = 60_000_000
FAULT_BEGINS = 5
"""Minute of a test at which a detector begins to find something."""
BYSTANDER = 'timeline_findings{detector="another/detector",severity="critical"}'
"""A series that fires all the time in each test, and that the alert must not look at."""
HEARD = "timeline_log_last_event_timestamp_seconds"


@dataclass(frozen=True)
class Proof:
    """A series that the alert is silent under, then fires, then resolves."""

    series: str
    values: str
    """One sample a minute, in promtool's notation."""
    silent: tuple[int, ...]
    """Minutes at which it must not fire: before, while it waits, and after."""
    firing: tuple[int, ...]
    """Minutes at which it must fire."""
    value: str = "1"
    """What the description shows as the value."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the series, which the alert has too."""


@dataclass(frozen=True)
class Alert:
    """One alert rule with its proof."""

    page: str
    """Its runbook, below the folder of runbooks."""
    severity: str
    wait_minutes: int
    """How long the expression holds before the alert fires."""
    expression: str
    summary: str
    """One fixed sentence: what is wrong, without values."""
    description: str
    """What is wrong, with labels and value, what it costs, and where to look."""
    proof: Proof
    sections: Mapping[str, str] = field(default_factory=dict)
    """Heading to text of its runbook, where no detector has it: meaning, impact, diagnosis, mitigation."""

    @property
    def name(self) -> str:
        """`warm_pool/stale_hot_idle` is TimelineWarmPoolStaleHotIdle, `timeline/absent` is TimelineAbsent."""
        words = re.split("[/_]", f"timeline/{self.page.removeprefix('timeline/')}")
        return "".join(word.capitalize() for word in words)


OWN = (
    Alert(
        page="timeline/absent",
        severity="critical",
        wait_minutes=5,
        expression=f"absent({HEARD})",
        summary="Gauges of the decision timeline are missing.",
        description="Nobody measures the control plane: leaks and broken rules go unseen, and every other alert of this file is silent.",
        proof=Proof(HEARD, "0+60x4 stale _x14 1200+60x20", silent=(4, 9, 26), firing=(10, 19, 24)),
        sections={
            "meaning": "Prometheus has no sample of the gauges. An alert on a finding cannot fire while this lasts.",
            "impact": "leaks and broken rules go unseen",
            "diagnosis": "see whether the program that exports the gauges runs, and whether Prometheus reaches it",
            "mitigation": "start it again; then load the time that was missed with `timeline gauges --openmetrics FILE`",
        },
    ),
    Alert(
        page="timeline/log_silent",
        severity="warning",
        wait_minutes=5,
        expression=f"time() - {HEARD} > 600",
        summary="No decision event for ten minutes.",
        description="The last decision event is {{ $value | humanizeDuration }} old. What leaked since then cannot be known.",
        proof=Proof(HEARD, "0+60x4 240x25 1800+60x20", silent=(4, 14, 19, 36), firing=(20,), value="16m 0s"),
        sections={
            "meaning": "The gauges are there, but what they are computed from has stopped: every value is as old as the last event.",
            "impact": "what leaked since then cannot be known",
            "diagnosis": "see whether the control plane still writes events, then whether they reach the database (`timeline doctor`)",
            "mitigation": "restart the recorder or the ingest; events that were written meanwhile are not lost",
        },
    ),
)


def alerts() -> list[Alert]:
    """Every alert: our own, then those of the detectors in order of name. Raises CatalogError."""
    detectors = catalog.read(catalog.DETECTORS).values()
    return [*OWN, *(_of_detector(query) for query in detectors if query.fields["severity"] in SEVERITIES)]


def rules(runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """The rule file, as plain values. `runbooks` is the folder or address where the runbooks are. Raises CatalogError."""
    families = groupby(alerts(), key=lambda alert: alert.page.partition("/")[0])
    return {
        "groups": [{"name": f"decision-timeline/{name}", "rules": [_rule(one, runbooks) for one in members]} for name, members in families]
    }


def tests(rule_file: str, runbooks: str) -> dict[str, Any]:
    """The test file of promtool for the rules in `rule_file`, as plain values. Raises CatalogError."""
    cases = [_test(alert, runbooks) for alert in alerts()]
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": cases}


def _of_detector(query: Query) -> Alert:
    said = query.fields["severity"]
    labels = {"detector": query.name, "severity": said}
    wait = -(-(microseconds(query.fields["alert_for"]) or 0) // MINUTE_US)
    fires, ends = FAULT_BEGINS + wait, FAULT_BEGINS + wait + 15
    return Alert(
        page=query.name,
        severity="{{ $labels.severity }}" if "severity" in query.columns else SEVERITIES[said],
        wait_minutes=wait,
        expression=f'timeline_findings{{detector="{query.name}"}} > 0',
        summary=query.title,
        description=f"{{{{ $value }}}} findings of {{{{ $labels.detector }}}}: {query.fields['impact']}. "
        f"`timeline detect --detector {query.name}` names them.",
        proof=Proof(
            series="timeline_findings{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}",
            values=f"0x{FAULT_BEGINS - 1} 1x{ends - FAULT_BEGINS - 1} 0x20",
            silent=tuple(sorted({FAULT_BEGINS - 1, fires - 1, ends + KEEP_FIRING_MINUTES})),
            firing=(fires, ends - 1, ends + KEEP_FIRING_MINUTES - 1),
            labels=labels,
        ),
    )


def _rule(alert: Alert, runbooks: str) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": f"{alert.wait_minutes}m",
        "keep_firing_for": f"{KEEP_FIRING_MINUTES}m",
        "labels": {"severity": alert.severity},
        "annotations": _annotations(alert, runbooks),
    }


def _annotations(alert: Alert, runbooks: str) -> dict[str, str]:
    return {"summary": alert.summary, "description": alert.description, "runbook_url": f"{runbooks.rstrip('/')}/{alert.page}.md"}


def _test(alert: Alert, runbooks: str) -> dict[str, Any]:
    proof = alert.proof
    told = {name: _filled(text, proof) for name, text in _annotations(alert, runbooks).items()}
    firing = [{"exp_labels": {**proof.labels, "severity": _filled(alert.severity, proof)}, "exp_annotations": told}]
    moments = {minute: firing if minute in proof.firing else [] for minute in sorted({*proof.silent, *proof.firing})}
    others = [{"series": BYSTANDER, "values": "9x60"}] if proof.labels else []
    return {
        "name": f"{alert.name} is silent, then fires, then resolves",
        "interval": "1m",
        "input_series": [{"series": proof.series, "values": proof.values}, *others],
        "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": alert.name, "exp_alerts": fires} for minute, fires in moments.items()],
    }


def _filled(template: str, proof: Proof) -> str:
    """A template as Prometheus fills it in while the alert fires."""
    with_labels = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: proof.labels[match[1]], template)
    return re.sub(r"\{\{ \$value[^}]*\}\}", proof.value, with_labels)
