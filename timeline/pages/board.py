"""The board of findings: the answer in a sentence, the sums, the rows. Plain values; pages and stories show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl

from timeline.findings import SEVERITIES, Finding, Report
from timeline.links import Link, Place, notebook_link
from timeline.moment import shown
from timeline.words import count, short

Field = Literal["severity", "detector"]
FIELDS: tuple[Field, ...] = ("severity", "detector")
"""What the board is filtered by."""
RUNS = ("run", "decisions", "lasts", "findings", "the worst", "wasted")
"""Headings of the values that `runs` gives."""
HEADINGS = ("severity", "since, UTC", "until", "what", "detector", "cost", "finding")
"""Of the values that `row` gives."""
COLUMNS = {"severity": 78, "cost": 134, "what": 304, "since, UTC": 142, "until": 142, "detector": 212}
"""Of the values that `cells` gives, and how many pixels each takes."""


def found(report: Report) -> list[Finding]:
    """The findings that are proven, the most urgent first."""
    return [one for one in report.findings if one.verdict == "found"]


def costs(findings: Iterable[Finding]) -> dict[str, float]:
    """What they wasted together, by unit in words (`vCPU-seconds`), in order of unit."""
    total: dict[str, float] = {}
    for one in findings:
        if one.cost is not None:
            unit = unit_words(one.cost.unit)
            total[unit] = total.get(unit, 0.0) + one.cost.amount
    return dict(sorted(total.items()))


def answer(report: Report, judged: int = 1) -> str:
    """What leaks now and what it costs, and how far that can be known, in a few sentences; so many runs were judged."""
    return " ".join(sentence for sentence in (headline(report, judged), limits(report)) if sentence)


def headline(report: Report, judged: int = 1) -> str:
    """What leaks now and what it costs."""
    proven = found(report)
    lasting = [one for one in proven if one.until is None]
    if not proven:
        clean = sum(verdict == "clean" for verdict in report.verdicts.values())
        return f"Nothing is found: {clean} of {count(len(report.verdicts), 'detector')} are clean."
    severities = Counter(one.severity for one in lasting)
    by_severity = ", ".join(f"{severities[name]} {name}" for name in reversed(SEVERITIES) if severities[name])
    now = (
        f"{count(len(lasting), 'finding')} last to the end of the log: {by_severity}."
        if lasting
        else "Nothing lasts to the end of the log."
    )
    past = f" {count(len(proven) - len(lasting), 'finding')} ended before." if len(proven) > len(lasting) else ""
    among = f" They are in {len({one.run_id for one in proven})} of {count(judged, 'run')}." if judged > 1 else ""
    wasted = "".join(f" {amount:,.0f} {unit} are wasted so far." for unit, amount in costs(proven).items())
    return f"{now}{past}{among}{wasted}"


def limits(report: Report) -> str:
    """How many detectors cannot say; empty where all can."""
    cannot = sum(verdict in {"pending", "unknown"} for verdict in report.verdicts.values())
    return f"{count(cannot, 'detector')} cannot judge this log yet." if cannot else ""


def chosen(report: Report, severities: Sequence[str] = (), detectors: Sequence[str] = ()) -> list[Finding]:
    """The findings of every verdict that a filter lets through; an empty filter lets everything through."""
    return [
        one for one in report.findings if (not severities or one.severity in severities) and (not detectors or one.detector in detectors)
    ]


def row(one: Finding) -> tuple[str, ...]:
    """A finding as values under HEADINGS."""
    cost = "" if one.cost is None else f"{one.cost.amount:,.0f} {unit_words(one.cost.unit)}"
    until = _clock(one.until) if one.until is not None else "lasts" if one.verdict == "found" else one.verdict
    return (one.severity, _clock(one.since), until, one.says, one.detector, cost, one.finding_id)


def cells(one: Finding) -> list[tuple[object, Any]]:
    """A finding as values under COLUMNS, each with what it is sorted by."""
    shown = dict(zip(HEADINGS, row(one), strict=True))
    keys = {
        "severity": SEVERITIES.index(one.severity),
        "cost": one.cost.amount if one.cost else 0.0,
        "since, UTC": one.since,
        "until": one.until if one.until is not None else 2**62,
    }
    return [(shown[name], keys.get(name, shown[name])) for name in COLUMNS]


def place_of(findings: Sequence[Finding], finding: Finding | None) -> int:
    """The row of a finding, or the first."""
    return next((place for place, one in enumerate(findings) if finding is not None and one.finding_id == finding.finding_id), 0)


def values(report: Report, field: Field) -> list[str]:
    """The severities or the detectors that findings have."""
    return sorted({one.severity if field == "severity" else one.detector for one in report.findings})


def known(report: Report, field: Field, place: Place) -> list[str]:
    """The severity or detector that an address asks for, where a finding has it."""
    return [value for value in values(report, field) if value == place.get(field)]


def unknown(report: Report, place: Place) -> list[str]:
    """What to say where an address names a severity or a detector that nothing here has."""
    return [
        f"The {field} {asked} that the address names has no finding here; all that is found is shown."
        for field in FIELDS
        if (asked := place.get(field)) and not known(report, field, place)
    ]


def runs(report: Report, bounds: pl.DataFrame) -> list[tuple[object, ...]]:
    """Each run under RUNS, those with the worst findings first, then those that wasted most."""
    by_run: dict[str, list[Finding]] = {}
    for one in found(report):
        by_run.setdefault(one.run_id, []).append(one)

    def urgency(row: dict[str, Any]) -> tuple[Any, ...]:
        of = by_run.get(row["run_id"], [])
        return (-max((SEVERITIES.index(one.severity) for one in of), default=-1), -sum(costs(of).values()), -len(of), row["run_id"])

    return [
        (
            Link(row["run_id"], notebook_link("", "what_leaked", run=row["run_id"])),
            f"{row['events']:,}",
            short(row["end_us"] - row["start_us"]),
            len(of) or "none",
            max((one.severity for one in of), key=SEVERITIES.index, default=""),
            ", ".join(f"{amount:,.0f} {unit}" for unit, amount in costs(of).items()),
        )
        for row in sorted(bounds.to_dicts(), key=urgency)
        for of in [by_run.get(row["run_id"], [])]
    ]


def onward(one: Finding) -> list[Link]:
    """Where to go on from a finding."""
    subject = f"{one.subject.kind}/{one.subject.id}"
    return [
        Link(f"what happened to {subject}", notebook_link("", "what_happened", run=one.run_id, object=subject)),
        Link("who led meanwhile", notebook_link("", "who_led", run=one.run_id)),
        Link("replay it", notebook_link("", "replay_a_seed", run=one.run_id, finding=one.finding_id)),
    ]


def judged_at(as_of_us: int | None) -> list[str]:
    """What to say where the log is not judged at its end."""
    return (
        []
        if as_of_us is None
        else [f"Judged as the log stood at {_clock(as_of_us)} UTC, which the address asks for; what came later is not in it."]
    )


def label(one: Finding) -> str:
    """A finding in one line, to choose it by: the id tells twins apart."""
    return f"{one.severity} · {one.subject.kind}/{one.subject.id} · {one.detector} · {one.finding_id}"


def _clock(at_us: int) -> str:
    return shown(at_us)[:19].replace("T", " ")


def unit_words(name: str) -> str:
    """A unit of cost as it is read: `vCPU-seconds`."""
    return name.replace("vcpu", "vCPU").replace("_", "-")
