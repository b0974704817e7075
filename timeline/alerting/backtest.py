"""The shipped alert rules, tried on recordings: how fast each would have woken somebody, what it missed, what it cried for nothing.

The history of the gauges, with each finding from when it could first be known, becomes blocks of a Prometheus, which
evaluates the expressions (`timeline.alerting.backtest_prometheus`); how long an alert waits and stays is worked out here, by
Prometheus's own rules. After the end of a log the last values are held for a while: so a server goes on being scraped that
hears nothing new. A truth file says what really went wrong; without one only what fired is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ingest.duration import duration
from ingest.errors import UsageError
from timeline.alerting.alert import KEEP_FIRING_MINUTES, Alert
from timeline.alerting.alerts import MINUTE_US
from timeline.gauges import Gauge
from timeline.moment import moment_us

if TYPE_CHECKING:
    from timeline.api import Timeline

STEP_US = 15_000_000
"""From one scrape, and from one evaluation, to the next."""
HOLD_US = 6 * MINUTE_US
"""How long the last values are held: longer than any alert waits, and shorter than a log is silent before that is an alert."""
WATCHED = ("timeline_findings", "timeline_detections_total", "timeline_log_last_event_timestamp_seconds")
"""The gauges of a run that the rules look at."""


@dataclass(frozen=True)
class Harm:
    """What a truth file says: something went wrong in a run from then on, and these detectors are to find it."""

    run_id: str
    name: str
    at_us: int
    detectors: frozenset[str]
    """None, where the file does not say who is to find it."""


@dataclass(frozen=True)
class Watch:
    """A run, and until when it was watched."""

    run_id: str
    start_us: int
    end_us: int
    """Where its log ends."""


@dataclass
class Tried:
    """What became of one alert in all runs."""

    alert: Alert
    fired: int = 0
    """Runs in which it fired."""
    caught: int = 0
    """Of the runs in which it was to fire, those in which it did."""
    missed: list[str] = field(default_factory=list)
    """Runs in which the harm lasted longer than the alert waits, and it did not fire."""
    cut_off: int = 0
    """Runs that end too soon after the harm for the alert to fire."""
    false_alarms: list[str] = field(default_factory=list)
    """Runs without any harm in which it fired."""
    delays_us: list[int] = field(default_factory=list)
    """From the harm to the alert, where it was caught."""

    def add(self, other: Tried) -> None:
        """Add what became of it in other runs."""
        self.fired, self.caught, self.cut_off = self.fired + other.fired, self.caught + other.caught, self.cut_off + other.cut_off
        self.missed = sorted([*self.missed, *other.missed])
        self.false_alarms = sorted([*self.false_alarms, *other.false_alarms])
        self.delays_us = sorted([*self.delays_us, *other.delays_us])


def watched(log: Timeline) -> tuple[list[Watch], list[Gauge]]:
    """The runs of a database, and what was scraped of each while it was watched."""
    runs = [Watch(run_id, start_us, end_us) for run_id, _, start_us, end_us in log.runs().rows()]
    ends = {run.run_id: run.end_us for run in runs}
    return runs, [_held(gauge, ends[gauge.run_id or ""]) for gauge in log.histories(STEP_US, WATCHED)]


def _held(gauge: Gauge, end_us: int) -> Gauge:
    """The gauge with its last values at each scrape after the end of the log."""
    scrapes = range(end_us // STEP_US * STEP_US + STEP_US, end_us + HOLD_US + 1, STEP_US)
    last = gauge.samples.filter(pl.col("at_us") == end_us).drop("at_us")
    held = last.join(pl.DataFrame({"at_us": scrapes}), how="cross").select(gauge.samples.columns)
    samples = pl.concat([gauge.samples, held.cast(gauge.samples.schema)]).sort(*gauge.labels, "at_us")
    return Gauge(gauge.name, gauge.help, samples, gauge.run_id)


def fires_us(active_us: Sequence[int], wait_us: int, step_us: int = STEP_US, keep_us: int = KEEP_FIRING_MINUTES * MINUTE_US) -> list[int]:
    """When an alert begins to fire whose expression holds at those evaluations, in order.

    As Prometheus does it: it waits while the expression holds at each evaluation, and once it fires, a gap shorter than
    `keep_us` does not end it.
    """
    begun: list[int] = []
    since = last = None
    is_firing = False
    for at_us in active_us:
        if last is None or at_us - last > step_us + (keep_us if is_firing else 0):
            since, is_firing = at_us, False
        last = at_us
        if not is_firing and since is not None and at_us - since >= wait_us:
            is_firing = True
            begun.append(at_us)
    return begun


def truth_of(paths: Iterable[Path], runs: Sequence[str]) -> list[Harm]:
    """What went wrong in the runs, by the truth files. Raises UsageError.

    A file is JSON lines, `{"kind": "bug", "name": …, "time": …}`, with `run_id` where there are several runs and `detectors` that
    are to find it; rows of another kind, such as injected faults, are no harm by themselves.
    """
    harms = []
    for path in paths:
        for number, line in enumerate(_read(path).splitlines(), start=1):
            try:
                row = json.loads(line)
                if row["kind"] != "bug" or row.get("took_effect") is False:
                    continue
                run_id = row.get("run_id") or (runs[0] if len(runs) == 1 else None)
                harms.append(Harm(str(run_id), str(row["name"]), moment_us(row["time"]), frozenset(row.get("detectors", ()))))
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"reading {path}:{number}: {error!r}; a line of a truth file is {{kind, name, target, time, took_effect}}"
                ) from None
            if run_id not in runs:
                raise UsageError(f"reading {path}:{number}: it is about the run {run_id!r}, which is in none of the databases")
    return harms


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"reading the truth file {path}: {error}") from None


def judged(alert: Alert, fired_us: dict[str, list[int]], runs: Sequence[Watch], harms: Sequence[Harm] | None) -> Tried:
    """What became of an alert that fired at these times in these runs. Without harms told nothing is judged."""
    tried = Tried(alert, fired=len(fired_us))
    if harms is None:
        return tried
    wait_us = alert.wait_minutes * MINUTE_US
    for run in runs:
        told = [harm for harm in harms if harm.run_id == run.run_id]
        due_us = [harm.at_us for harm in told if alert.detector in harm.detectors]
        fired = fired_us.get(run.run_id)
        if not due_us:
            tried.false_alarms += [run.run_id] if fired and not told else []
        elif fired:
            tried.caught += 1
            tried.delays_us.append(fired[0] - min(due_us))
        elif run.end_us - min(due_us) > wait_us:
            tried.missed.append(run.run_id)
        else:
            tried.cut_off += 1
    tried.false_alarms += sorted(fired_us.keys() - {run.run_id for run in runs})  # such as that gauges are absent
    return tried


HEADINGS = ("alert", "waits", "fired", "caught", "missed", "cut off", "false alarms", "median delay", "longest delay")


def rows(results: Iterable[Tried]) -> list[list[str]]:
    """A row of a table for each alert."""
    return [
        [
            one.alert.name,
            f"{one.alert.wait_minutes}m",
            *(str(number) for number in (one.fired, one.caught, len(one.missed), one.cut_off, len(one.false_alarms))),
            *(_seconds(delay_us) for delay_us in (_median(one.delays_us), max(one.delays_us, default=None))),
        ]
        for one in results
    ]


def as_json_rows(results: Iterable[Tried]) -> list[dict[str, Any]]:
    """The same as plain values, with the names of the runs."""
    return [
        {
            "alert": one.alert.name,
            "detector": one.alert.detector,
            "fired": one.fired,
            "caught": one.caught,
            "missed": one.missed,
            "cut_off": one.cut_off,
            "false_alarms": one.false_alarms,
            "delays_us": one.delays_us,
        }
        for one in results
    ]


def _median(values: Sequence[int]) -> int | None:
    return sorted(values)[len(values) // 2] if values else None


def _seconds(value_us: int | None) -> str:
    return "" if value_us is None else duration(round(value_us / 1e6) * 1_000_000)
