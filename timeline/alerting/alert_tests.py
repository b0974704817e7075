"""The promtool tests of the alert rules: each silent, just below, firing with its exact text, resolved, and through a restart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from timeline.alerting.alert import KEEP_FIRING_MINUTES, NOTEBOOKS, RUNBOOKS, Alert, Proof
from timeline.gauges.openmetrics import labels_text

FAULT_BEGINS = 5
"""Minute of a test at which a detector begins to find something."""
RUN = "east 1/é"
"""A run whose name has to be encoded in an address."""
BYSTANDER = labels_text({"run": RUN, "detector": "another/detector", "severity": "critical"})
"""A series that counts findings all the time in each test, and that the alert must not look at."""


def promtool_file(alerts: Sequence[Alert], rule_file: str, runbooks: str = RUNBOOKS, notebooks: str = NOTEBOOKS) -> dict[str, Any]:
    """The test file of promtool for the rules in `rule_file`, as plain values.

    All detectors find something in one test, so that an alert which looks at another's series fires twice. promtool evaluates
    every rule in every test: one for each would take half a minute.
    """
    of_detectors = [alert for alert in alerts if alert.detector is not None]
    cases = [_test(alert.name, [alert], runbooks, notebooks) for alert in alerts if alert.detector is None]
    cases.append(_test("an alert on findings", of_detectors, runbooks, notebooks))
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": cases}


def proof_of_detector(detector: str, severity: str, wait: int) -> Proof:
    """The proof of an alert on findings that waits for so many minutes."""
    labels = {"run": RUN, "detector": detector, "severity": severity}
    series = labels_text(labels)
    return _waiting(wait, labels, series) if wait else _at_once(labels, series)


def _at_once(labels: Mapping[str, str], series: str) -> Proof:
    """A finding lasts from minute 5 to 19, with the exporter restarted at 12, and again at 27 when it is over.

    Another is proven at 35 when it is over already, and a third while nobody could scrape, from 50 to 59.
    """
    lasting = "0x4 1x6 stale _ 1x5 0x6 stale _ 0x20 stale _x9 0x20"
    so_far = "0x4 1x6 stale _ 1x5 1x6 stale _ 1x5 2x14 stale _x9 3x20"
    silent, firing = (4, 25, 28, 30, 34, 45, 49, 70), dict.fromkeys((5, 12, 19, 24, 35, 44, 60, 69), "1")
    return Proof({f"timeline_findings{series}": lasting, f"timeline_detections_total{series}": so_far}, silent, firing, labels)


def _waiting(wait: int, labels: Mapping[str, str], series: str) -> Proof:
    """A finding lasts for longer than the alert waits, with the exporter restarted meanwhile; a later one is over just before."""
    fires = FAULT_BEGINS + wait
    ends, again = fires + 15, fires + 30
    values = f"0x4 1x{wait + 6} stale _ 1x5 0x14 1x{wait - 1} 0x20"
    silent = (FAULT_BEGINS - 1, fires - 1, ends + KEEP_FIRING_MINUTES, again + wait - 1, again + wait)
    firing = dict.fromkeys((fires, fires + 7, ends - 1, ends + KEEP_FIRING_MINUTES - 1), "1")
    return Proof({f"timeline_findings{series}": values}, silent, firing, labels)


def _test(name: str, alerts: Sequence[Alert], runbooks: str, notebooks: str) -> dict[str, Any]:
    series = {f"timeline_findings{BYSTANDER}": "9x90", f"timeline_detections_total{BYSTANDER}": "0+9x90"}
    for alert in alerts:
        series |= alert.proof.series
    return {
        "name": f"{name} is silent, then fires, then resolves",
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert.name, "exp_alerts": _expected(alert, minute, runbooks, notebooks)}
            for alert in alerts
            for minute in sorted({*alert.proof.silent, *alert.proof.firing})
        ],
    }


def _expected(alert: Alert, minute: int, runbooks: str, notebooks: str) -> list[dict[str, Any]]:
    """What fires at that minute."""
    value = alert.proof.firing.get(minute)
    if value is None:
        return []
    told = {name: _filled(text, alert.proof, value) for name, text in alert.annotations(runbooks, notebooks).items()}
    labels = {**alert.proof.labels, "severity": _filled(alert.severity, alert.proof, value)}
    return [{"exp_labels": labels, "exp_annotations": told}]


def _filled(template: str, proof: Proof, value: str) -> str:
    """A template as Prometheus fills it in while the alert fires."""
    encoded = re.sub(r"\{\{ \$labels\.(\w+) \| urlquery \}\}", lambda match: quote_plus(proof.labels[match[1]]), template)
    with_labels = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: proof.labels[match[1]], encoded)
    return re.sub(r"\{\{ \$value[^}]*\}\}", lambda match: value, with_labels)
