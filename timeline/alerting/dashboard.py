"""The Grafana dashboard, in the classic JSON that every Grafana loads: what somebody looks at while an incident lasts.

From top to bottom it answers: is something wrong and can the answer be trusted, what is wrong, who leads and sweeps, where
the capacity is, what waits. The data source and the runs are variables. Each panel is a row of a table; where it stands
follows from their order. Every gauge that it names is one that we export (tests/alerts/test_dashboard.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from timeline.alerting.alert import NOTEBOOKS
from timeline.links import notebook_link

UID = "decision-timeline"
SCHEMA_VERSION = 39
"""Of the classic model; a newer Grafana migrates it when it loads."""
COLUMNS = 24
"""Width of a dashboard in Grafana's own unit."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
OF_RUN = 'run=~"$run"'
"""The runs that are chosen above the panels."""


@dataclass(frozen=True)
class Panel:
    """One panel with its questions."""

    title: str
    tells: str
    """What to make of it, shown at the corner of the panel."""
    asks: tuple[tuple[str, str], ...]
    """Expression and legend of each question."""
    unit: str = "short"
    """Grafana's name of the unit."""
    width: int = 12
    sort: str = "timeseries"
    is_bad_above: float | None = None
    """From here on a stat is red."""
    is_good_above: float | None = None
    """Up to here, not included, a stat is red."""

    @property
    def height(self) -> int:
        """Lines that it takes."""
        return 4 if self.sort == "stat" else 8


def _runs(gauge: str, *more: str) -> str:
    """The series of a gauge of the chosen runs."""
    return f"{gauge}{{{','.join((OF_RUN, *more))}}}"


def _age(gauge: str) -> str:
    """Seconds since a time that a gauge tells."""
    return f"time() - {gauge}"


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Is something wrong",
        (
            Panel("Findings that last", "Proven leaks and broken rules that are not over.", ((f"sum({_runs('timeline_findings')})", ""),),
                  width=4, sort="stat", is_bad_above=1),
            Panel("Oldest finding", "How long the oldest of them has gone on.",
                  ((f"time() - min({_runs('timeline_oldest_finding_timestamp_seconds')})", ""),), "s", 4, "stat"),
            Panel("Wasted capacity", "Virtual CPUs that findings waste now.", ((f"sum({_runs('timeline_wasted_vcpus')})", ""),),
                  width=4, sort="stat", is_bad_above=1),
            Panel("Leases without a holder", "A leader that vanished holds its lease until it lapses.",
                  ((f"count({_runs('timeline_lease_held')} == 0) or vector(0)", ""),), width=4, sort="stat", is_bad_above=1),
            Panel("Last decision", "How old what you see is. Where this grows, no event arrives.",
                  ((f"time() - max({_runs('timeline_log_last_event_timestamp_seconds')})", ""),), "s", 4, "stat", is_bad_above=600),
            Panel("Measured", "Whether the server can read its database. Where it cannot, nothing here is true.",
                  (("min(timeline_up)", ""),), width=4, sort="stat", is_good_above=1),
        ),
    ),
    (
        "What is wrong",
        (
            Panel("Findings by detector", "Click a series to open its findings in the notebook.",
                  ((f"sum by (run, detector) ({_runs('timeline_findings')}) > 0", "{{detector}} {{run}}"),)),
            Panel("Findings so far", "A step is news, also of what was over before anybody could know it.",
                  ((f"sum by (run, detector) ({_runs('timeline_detections_total')}) > 0", "{{detector}} {{run}}"),)),
            Panel("Wasted capacity by detector", "Virtual CPUs; summed over time it is the cost of the findings.",
                  ((f"sum by (detector) ({_runs('timeline_wasted_vcpus')})", "{{detector}}"),)),
            Panel("Age of the oldest finding by detector", "What has gone on for longest is seldom what was noticed first.",
                  ((_age(f"min by (detector) ({_runs('timeline_oldest_finding_timestamp_seconds')})"), "{{detector}}"),), "s"),
        ),
    ),
    (
        "Who leads and sweeps",
        (
            Panel("Leases held", "1 while somebody holds it.", ((_runs("timeline_lease_held"), "{{lease}} {{run}}"),), width=8),
            Panel("Control planes", "A silent one gives no sign of life, and nobody has marked it as gone.",
                  ((f"sum by (state) ({_runs('timeline_control_planes')})", "{{state}}"),), width=8),
            Panel("Since the last successful sweep", "A sweep that runs and cannot list anything does not count.",
                  ((_age(f"max by (actor, sweep) ({_runs('timeline_last_successful_sweep_timestamp_seconds')})"), "{{actor}} {{sweep}}"),),
                  "s", 8),
        ),
    ),
    (
        "Where the capacity is",
        (
            Panel("Slots held against the cap", "Refusals begin where the two meet.",
                  ((_runs("timeline_slots_used"), "{{org}} held"), (_runs("timeline_slots_cap"), "{{org}} cap"))),
            Panel("Workers by state", "What the rows of the store say.",
                  ((f"sum by (state) ({_runs('timeline_workers')})", "{{state}}"),)),
            Panel("Parked workers past their time to live", "Above 0 a reaper is late; two passes are usual.",
                  ((_age(_runs("timeline_hot_idle_deadline_timestamp_seconds")), "{{org}}"),), "s"),
            Panel("Age of the longest parked worker", "Beside the number of parked workers above.",
                  ((_age(_runs("timeline_hot_idle_parked_timestamp_seconds")), "{{org}}"),), "s"),
            Panel("Slots of quotas", "Reserved against the size of the quota.",
                  ((_runs("timeline_quota_slots_used"), "{{quota}} held"), (_runs("timeline_quota_slots_cap"), "{{quota}} cap"))),
            Panel("Sessions, instances, barriers", "What runs on the capacity.",
                  ((f"sum by (org) ({_runs('timeline_sessions')})", "sessions {{org}}"),
                   (f"sum by (state) ({_runs('timeline_instances')})", "instances {{state}}"),
                   (f"sum by (state) ({_runs('timeline_barriers')})", "barriers {{state}}"))),
        ),
    ),
    (
        "What waits",
        (
            Panel("Workloads by what they wait for", "`timeline why` tells it for one workload, second by second.",
                  ((f"sum by (kind, reason) ({_runs('timeline_workloads')})", "{{kind}} {{reason}}"),)),
            Panel("Longest wait", "The head of each queue.",
                  ((_age(f"min by (kind, reason) ({_runs('timeline_oldest_wait_timestamp_seconds')})"), "{{kind}} {{reason}}"),), "s"),
        ),
    ),
    (
        "Can this be trusted",
        (
            Panel("Lines by what became of them", "Quarantined lines and conflicts are in no timeline.",
                  (("timeline_ingest_lines_total", "{{result}}"),), width=6),
            Panel("Behind the followed files", "What was last read had waited so long.",
                  (("timeline_ingest_lag_seconds", "{{file}}"),
                   (_age("timeline_ingest_last_success_timestamp_seconds"), "{{file}}: since the last")), "s", 6),
            Panel("Bytes that wait to be read", "A last line without its end is among them.",
                  (("timeline_ingest_lag_bytes", "{{file}}"),), "bytes", 6),
            Panel("Holes, blind detectors, dropped series", "A finding that rests on silence is worth nothing in a hole.",
                  ((f"sum({_runs('timeline_evidence_gaps')})", "holes in the log"),
                   (f"sum({_runs('timeline_detector_unknown')})", "detectors that lack what they need"),
                   (f"sum({_runs('timeline_series_dropped_total')})", "series put together as other"),
                   (_age("timeline_measured_timestamp_seconds"), "seconds since the last measurement")), width=6),
        ),
    ),
)  # fmt: skip


def dashboard(notebooks: str = NOTEBOOKS) -> dict[str, Any]:
    """The dashboard as plain values. `notebooks` is the address of the server that has the notebooks."""
    opened = [{"title": "What leaked", "type": "link", "url": notebook_link(notebooks, "what_leaked"), "targetBlank": True}]
    return {
        "uid": UID,
        "title": "Decision timeline",
        "description": "Leaks and broken rules of a control plane, and what its decisions say about leaders, capacity and queues.",
        "tags": [UID],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "links": opened,
        "templating": {"list": _variables()},
        "panels": list(_panels(notebooks)),
    }


def document(notebooks: str = NOTEBOOKS) -> str:
    """The dashboard as a file."""
    return json.dumps(dashboard(notebooks), indent=2) + "\n"


def expressions() -> list[str]:
    """Every expression of the dashboard, with its variables."""
    return [ask for _, panels in ROWS for panel in panels for ask, _ in panel.asks]


def _variables() -> list[dict[str, Any]]:
    runs = "label_values(timeline_log_last_event_timestamp_seconds, run)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "run",
            "label": "Run",
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": runs, "refId": "run"},
            "definition": runs,
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels(notebooks: str) -> Iterator[dict[str, Any]]:
    """The panels in order, each row of them below the one before, as wide as it says."""
    number, y = 0, 0
    for title, panels in ROWS:
        number += 1
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}
        x, y = 0, y + 1
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + panel.height
            number += 1
            yield _panel(panel, notebooks) | {"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}}
            x += panel.width
        y += panels[-1].height


def _panel(panel: Panel, notebooks: str) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.sort == "stat":
        bound, below, above = (1, "green", "red") if panel.is_good_above is None else (panel.is_good_above, "red", "green")
        steps = [{"color": below, "value": None}, {"color": above, "value": panel.is_bad_above or bound}]
        is_judged = panel.is_bad_above is not None or panel.is_good_above is not None
        defaults["thresholds"] = {"mode": "absolute", "steps": steps if is_judged else steps[:1]}
    if any("detector" in legend for _, legend in panel.asks):
        place = notebook_link(notebooks, "what_leaked", run="RUN", detector="DETECTOR")
        url = place.replace("RUN", "${__field.labels.run}").replace("DETECTOR", "${__field.labels.detector}")
        defaults["links"] = [{"title": "Open the findings", "url": url, "targetBlank": True}]
    asked = [
        {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": ask, "legendFormat": legend, "instant": panel.sort == "stat"}
        for place, (ask, legend) in enumerate(panel.asks)
    ]
    return {
        "type": panel.sort,
        "title": panel.title,
        "description": panel.tells,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": asked,
    }
