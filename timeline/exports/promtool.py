"""A test of promtool made of a run's own history: with these gauges, sampled every minute, the shipped alert fires, and not before.

Minute 0 of the test is the first minute of the log. Where the log ends before the alert has waited long enough, its last minute
goes on: what lasts to the end of the log would have lasted on.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from ingest.errors import UsageError
from timeline.alerting import alert_tests, alerts, yaml
from timeline.alerting.alert import Alert, Proof
from timeline.alerting.alerts import MINUTE_US
from timeline.alerting.backtest import fires_us
from timeline.exports import Chosen
from timeline.files import write_whole
from timeline.findings import Report
from timeline.gauges import Gauge
from timeline.gauges.history import history
from timeline.gauges.openmetrics import label_value, labels_text

HELP = "A promtool test from the run's gauges: the alert of each detector that found something fires. Its rules are written beside it."
METAVAR = "FILE"

COUNTS = ("timeline_findings", "timeline_detections_total")
"""The gauges that alerts on findings look at: what lasts, and all so far."""


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Write the test, and the rules that it tests. Raises UsageError where nothing was found that has an alert."""
    detectors = list(dict.fromkeys([chosen.finding.detector] if chosen.finding else [one.detector for one in chosen.found]))
    told = _history(chosen, detectors)
    proven = [made for alert in alerts.alerts() if alert.detector in detectors and (made := _proven(alert, chosen, *told)) is not None]
    if not proven:
        found = ", ".join(detectors) or "nothing"
        raise UsageError(
            f"testing the alerts of {chosen.run_id}: {found} is found here, and no alert is about that for long enough to fire"
        )
    rules_path = path.with_name(f"{path.stem}_rules{path.suffix or '.yml'}")
    names = {alert.name for alert in proven}
    groups = [{**group, "rules": [rule for rule in group["rules"] if rule["alert"] in names]} for group in alerts.rules()["groups"]]
    write_whole(rules_path, yaml.document({"groups": [group for group in groups if group["rules"]]}))
    write_whole(path, yaml.document(alert_tests.promtool_file(proven, os.path.relpath(rules_path.resolve(), path.resolve().parent))))
    return [path, rules_path]


def _proven(alert: Alert, chosen: Chosen, lasting: Gauge, so_far: Gauge) -> Alert | None:
    """The alert, to be proven by the history of the run; None where it never fires.

    A detector that grades its findings has a series for each grade: the one that fires first is shown.
    """
    told = [Gauge(one.name, one.help, one.samples.filter(detector=alert.detector)) for one in (lasting, so_far)]
    graded = (_of_severity(alert, chosen, severity, *told) for severity in told[0].samples["severity"].unique().sort())
    return min((one for one in graded if one is not None), key=lambda one: min(one.proof.firing), default=None)


def _of_severity(alert: Alert, chosen: Chosen, severity: str, lasting: Gauge, so_far: Gauge) -> Alert | None:
    labels = {"run": label_value(chosen.run_id), "detector": alert.detector or "", "severity": severity}
    values = [_values(gauge, severity) for gauge in (lasting, so_far)]
    fires, value = _first_firing(alert.wait_minutes, *values)
    if fires is None:
        return None
    more = max(0, fires + 1 - len(values[0]))
    series = {f"{name}{labels_text(labels)}": _notation([*each, *[each[-1]] * more]) for name, each in zip(COUNTS, values, strict=True)}
    silent = tuple(sorted({0, fires - 1} - {fires, -1}))
    return replace(alert, proof=Proof(series, silent, {fires: str(value)}, labels))


def _history(chosen: Chosen, detectors: list[str]) -> tuple[Gauge, Gauge]:
    """What lasts and all so far at each minute of the run, as far as it is about these detectors."""
    report = chosen.report
    about = [one for one in report.findings if one.detector in detectors]
    judged = Report(as_of=report.as_of, detectors=detectors, findings=about, verdicts={name: report.verdicts[name] for name in detectors})
    made = {gauge.name: gauge for gauge in history(chosen.connection, judged, chosen.run_id, MINUTE_US, COUNTS)}
    return made[COUNTS[0]], made[COUNTS[1]]


def _values(gauge: Gauge, severity: str) -> list[int]:
    return [int(value) for value in gauge.samples.filter(severity=severity).sort("at_us")["value"]]


def _first_firing(wait: int, lasting: list[int], so_far: list[int]) -> tuple[int | None, int]:
    """The minute at which the alert first fires, and the value that it shows; None where it never does.

    One that waits needs findings at every minute while it waits, and goes on after the end of the log. One that does not wait
    also sees what was over before it could be known.
    """
    values = lasting if wait else [now or ever for now, ever in zip(lasting, so_far, strict=True)]
    held = [*values, *[values[-1]] * wait]
    begun = fires_us([minute * MINUTE_US for minute, value in enumerate(held) if value], wait * MINUTE_US, MINUTE_US)
    fires = begun[0] // MINUTE_US if begun else None
    return fires, 0 if fires is None else held[fires]


def _notation(values: list[int]) -> str:
    """The values in promtool's notation: `0x4` is five times 0."""
    return " ".join(f"{value}x{len(list(same)) - 1}" for value, same in groupby(values))
