"""The board of findings: the answer in a sentence, the sums, the rows. Plain values; pages and stories show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from timeline.findings import SEVERITIES, Finding, Report
from timeline.moment import shown

HEADINGS = ("severity", "since, UTC", "until", "what", "detector", "cost", "finding")
"""Of the values that `row` gives."""


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


def answer(report: Report) -> str:
    """What leaks now and what it costs, and how far that can be known, in a few sentences."""
    return " ".join(sentence for sentence in (headline(report), limits(report)) if sentence)


def headline(report: Report) -> str:
    """What leaks now and what it costs."""
    proven = found(report)
    lasting = [one for one in proven if one.until is None]
    if not proven:
        clean = sum(verdict == "clean" for verdict in report.verdicts.values())
        return f"Nothing is found: {clean} of {_count(len(report.verdicts), 'detector')} are clean."
    severities = Counter(one.severity for one in lasting)
    by_severity = ", ".join(f"{severities[name]} {name}" for name in reversed(SEVERITIES) if severities[name])
    now = (
        f"{_count(len(lasting), 'finding')} last to the end of the log: {by_severity}."
        if lasting
        else "Nothing lasts to the end of the log."
    )
    past = f" {_count(len(proven) - len(lasting), 'finding')} ended before." if len(proven) > len(lasting) else ""
    wasted = "".join(f" {amount:,.0f} {unit} are wasted so far." for unit, amount in costs(proven).items())
    return f"{now}{past}{wasted}"


def limits(report: Report) -> str:
    """How many detectors cannot say; empty where all can."""
    cannot = sum(verdict in {"pending", "unknown"} for verdict in report.verdicts.values())
    return f"{_count(cannot, 'detector')} cannot judge this log yet." if cannot else ""


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


def label(one: Finding) -> str:
    """A finding in one line, to choose it by: the id tells twins apart."""
    return f"{one.severity} · {one.subject.kind}/{one.subject.id} · {one.detector} · {one.finding_id}"


def _clock(at_us: int) -> str:
    return shown(at_us)[:19].replace("T", " ")


def unit_words(name: str) -> str:
    """A unit of cost as it is read: `vCPU-seconds`."""
    return name.replace("vcpu", "vCPU").replace("_", "-")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
