"""What a report says, as plain values: the templates only lay it out."""

from __future__ import annotations

import base64
import importlib.util
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup

from ingest.database import first_row
from ingest.duration import duration
from ingest.events import Event
from timeline import notation
from timeline.drawn.happened import lanes_about
from timeline.explain import Runbook, explain_finding, runbook_of
from timeline.exports import Chosen
from timeline.findings import SEVERITIES, VERDICTS, Finding
from timeline.moment import shown
from timeline.pages import board
from timeline.story import Decided
from timeline.version import installed_version

ROWS_MAX = 200
"""Findings that have a row."""
FULL_MAX = 3
"""Findings of one detector whose evidence is told."""
PICTURES_MAX = 4
"""Pictures of what a finding is about, beside that of the whole run."""
LED_MAX = 60
"""Stretches of leadership that are told: the last ones."""
NO_PICTURE = "Pictures need the extra notebooks: pip install 'decision-timeline[notebooks]'."
NO_LANES = "The log has nothing that a model has intervals of, so there is no picture."

_LED = """
SELECT
  lease, holder, term, ts_us, dur_us, ended_by, is_open,
  coalesce(lead(ts_us) OVER (PARTITION BY lease ORDER BY ts_us, term), end_us) - (ts_us + dur_us) AS vacant_us
FROM leadership_interval JOIN log_bounds USING (run_id)
WHERE run_id = $run
ORDER BY lease, ts_us, term
"""


@dataclass(frozen=True)
class Row:
    """A finding in one line. Times are UTC and offsets from where the log begins."""

    finding: Finding
    since: str
    offset: str
    until: str
    cost: str
    share: int
    """Its part of what all of them cost in that unit, in per cent."""


@dataclass(frozen=True)
class Told:
    """A decision."""

    offset: str
    event: Event
    rest: str
    """What it says beside its actor, kind and subject, in the notation."""
    seen: Sequence[str]
    left_out: int
    """Decisions of the same kind by the same actor that follow it and are left out."""


@dataclass(frozen=True)
class Case:
    """A finding with what speaks for it."""

    row: Row
    evidence: Sequence[Told]
    chain: Sequence[Told]
    missing_causes: Sequence[str]
    commands: Sequence[str]
    picture: Markup | None


@dataclass(frozen=True)
class Section:
    """What a detector found."""

    detector: str
    severity: str
    runbook: Runbook
    cases: Sequence[Case]
    rest: Sequence[Row]
    """Findings beyond FULL_MAX."""


@dataclass(frozen=True)
class Led:
    """Who held a lease, and how long nobody did afterwards."""

    lease: str
    holder: str
    term: int | None
    since: str
    lasted: str
    ended_by: str
    vacant: str


@dataclass(frozen=True)
class Page:
    """A whole report."""

    run_id: str
    answer: str
    limits: str
    began: str
    ended: str
    lasted: str
    events: int
    version: str
    verdicts: Sequence[tuple[str, Sequence[str]]]
    """Verdict to the detectors that gave it, the strongest first."""
    costs: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    rows_left_out: int
    sections: Sequence[Section]
    unproven: Sequence[Row]
    """The log ends too early to know, or lacks something."""
    led: Sequence[Led]
    led_left_out: int
    picture: Markup | None
    no_picture: str
    commands: Sequence[str]


def page_of(chosen: Chosen, *, is_drawn: bool = True) -> Page:
    """The report about a run, or about one finding of it; with pictures if it `is_drawn`, which takes longer than all the rest."""
    bounds = first_row(chosen.connection, "SELECT start_us, end_us, events FROM log_bounds WHERE run_id = $run", {"run": chosen.run_id})
    start_us, end_us, events = bounds or (0, 0, 0)
    told = [chosen.finding] if chosen.finding else sorted(chosen.report.findings, key=_urgency)
    found = [one for one in told if one.verdict == "found" or one == chosen.finding]
    rows = list(_rows(found, start_us))
    picture = _picture(chosen, None) if is_drawn else None
    led = list(_led(chosen, start_us))
    return Page(
        run_id=chosen.run_id,
        answer=board.headline(chosen.report) if chosen.finding is None else chosen.finding.says,
        limits=board.limits(chosen.report),
        began=_clock(start_us),
        ended=_clock(end_us),
        lasted=_span(end_us - start_us),
        events=events,
        version=installed_version() or "from a source tree",
        verdicts=[(verdict, names) for verdict in reversed(VERDICTS) if (names := _that_say(chosen, verdict))],
        costs=[(unit, f"{amount:,.0f}") for unit, amount in board.costs(found).items()],
        rows=rows[:ROWS_MAX],
        rows_left_out=len(rows[ROWS_MAX:]),
        sections=list(_sections(chosen, rows, start_us, PICTURES_MAX if is_drawn else 0)),
        unproven=list(_rows([one for one in told if one not in found], start_us))[:ROWS_MAX],
        led=led[-LED_MAX:],
        led_left_out=len(led[:-LED_MAX]),
        picture=picture,
        no_picture="" if picture else NO_LANES if _can_draw() else NO_PICTURE,
        commands=[
            f"timeline detect --run {shlex.quote(chosen.run_id)}",
            f"timeline export --run {shlex.quote(chosen.run_id)} --bundle incident.bundle",
            "timeline notebook what_leaked",
        ],
    )


def _urgency(one: Finding) -> tuple[Any, ...]:
    """The worst first; of equals what costs most."""
    return (-SEVERITIES.index(one.severity), -(one.cost.amount if one.cost else 0.0), one.since, one.detector, one.finding_id)


def _that_say(chosen: Chosen, verdict: str) -> list[str]:
    return [detector for detector, said in chosen.report.verdicts.items() if said == verdict]


# ---- findings


def _rows(findings: Sequence[Finding], start_us: int) -> Iterator[Row]:
    totals: dict[str, float] = {}
    for one in findings:
        if one.cost is not None:
            totals[one.cost.unit] = totals.get(one.cost.unit, 0.0) + one.cost.amount
    for one in findings:
        yield Row(
            finding=one,
            since=_clock(one.since),
            offset=_span(one.since - start_us),
            until=_clock(one.until) if one.until is not None else "lasts" if one.verdict == "found" else one.verdict,
            cost="" if one.cost is None else f"{one.cost.amount:,.0f} {board.unit_words(one.cost.unit)}",
            share=0 if one.cost is None else round(100 * one.cost.amount / (totals[one.cost.unit] or 1)),
        )


def _sections(chosen: Chosen, rows: Sequence[Row], start_us: int, pictures: int) -> Iterator[Section]:
    for number, detector in enumerate(dict.fromkeys(row.finding.detector for row in rows)):
        of_it = [row for row in rows if row.finding.detector == detector]
        cases = [_case(chosen, row, start_us, is_drawn=row is of_it[0] and number < pictures) for row in of_it[:FULL_MAX]]
        yield Section(detector, of_it[0].finding.severity, runbook_of(detector), cases, of_it[FULL_MAX:])


def _case(chosen: Chosen, row: Row, start_us: int, *, is_drawn: bool) -> Case:
    why = explain_finding(chosen.connection, row.finding)
    return Case(
        row=row,
        evidence=list(_told(why.evidence, start_us)),
        chain=list(_told(why.chain, start_us)),
        missing_causes=why.missing_causes,
        commands=[f"timeline explain {row.finding.finding_id}", *why.commands],
        picture=_picture(chosen, row.finding) if is_drawn else None,
    )


def _told(decisions: Sequence[Decided], start_us: int) -> Iterator[Told]:
    """Of a stretch of decisions of one kind by one actor the first and the last are told."""
    for _, group in groupby(decisions, key=lambda decided: (decided.event.actor, decided.event.kind)):
        first, *others = group
        yield _decision(first, start_us, left_out=max(0, len(others) - 1))
        yield from (_decision(last, start_us, left_out=0) for last in others[-1:])


def _decision(decided: Decided, start_us: int, left_out: int) -> Told:
    bare = decided.event.model_copy(update={"inputs": (), "caused_by": ()})
    rest = notation.fields(bare, at_us=decided.at_us)
    return Told(f"+{_span(decided.at_us - start_us, 1000)}", bare, rest, decided.seen, left_out)


# ---- who led, and the picture


def _led(chosen: Chosen, start_us: int) -> Iterator[Led]:
    held = chosen.connection.execute(_LED, {"run": chosen.run_id}).fetchall()
    for lease, holder, term, ts_us, dur_us, ended_by, is_open, vacant_us in held:
        vacant = "" if is_open or vacant_us <= 0 else _span(vacant_us, 1000)
        yield Led(lease, holder, term, f"+{_span(ts_us - start_us)}", _span(dur_us), "still leads" if is_open else ended_by, vacant)


def _can_draw() -> bool:
    return all(importlib.util.find_spec(name) for name in ("altair", "vl_convert"))


def _picture(chosen: Chosen, about: Finding | None) -> Markup | None:
    """The lanes as the address of an image that holds them; None where nothing can be drawn."""
    subject = None if about is None else (about.subject.kind, about.subject.id)
    lanes = lanes_about(chosen.connection, chosen.run_id, chosen.found, subject)
    if lanes.lanes.is_empty() or not _can_draw():
        return None
    from timeline.pages.charts import svg, swim_lanes

    letters = base64.b64encode(svg(swim_lanes(lanes)).encode()).decode("ascii")
    return Markup("data:image/svg+xml;base64,") + Markup(letters)  # noqa: S704  base64 has no character that means anything in HTML


# ---- times


def _clock(at_us: int) -> str:
    return shown(at_us)[:19].replace("T", " ")


def _span(us: int, step_us: int = 1_000_000) -> str:
    """A duration without what is smaller than `step_us`, where that leaves something."""
    return duration(us - us % step_us if us >= step_us else us)
