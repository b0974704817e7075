"""What happened to an object, in words: where to begin, the answer, the rows of its decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from timeline.drawn.happened import Happened, Taken
from timeline.findings import Finding, Report
from timeline.links import Link, notebook_link
from timeline.pages.opening import Asked, finding_of
from timeline.words import clock, count, short

DECISIONS = ("when, UTC", "who decided", "what", "in its words", "what it had seen", "what was true then")
"""Headings of the rows that `decisions` gives."""
STATES = ("object", "state", "with", "since, UTC", "for")
"""Headings of the rows that `states` gives."""


class Begin(NamedTuple):
    """The object that a page opens at, and what to say about that."""

    kind: str
    id: str
    note: str = ""


def begin(report: Report, asked: Asked, run: str) -> Begin:
    """What the address asks for, where it is of this run; else what the worst finding is about."""
    if asked.kind is not None and asked.id is not None and asked.run == run:
        return Begin(asked.kind, asked.id)
    finding, note = finding_of(report, asked.finding)
    finding = finding or next(iter(report.findings), None)
    return Begin(finding.subject.kind, finding.subject.id, note) if finding else Begin("", "", note)


def first(report: Report, kind: str, opens_at: Begin) -> list[str]:
    """The objects of a kind that stand first in a list: the one that the page opens at, then those with findings, the worst first."""
    found = [one.subject.id for one in report.findings if one.subject.kind == kind]
    return list(dict.fromkeys([*([opens_at.id] if opens_at.kind == kind else []), *found]))


def unlisted(listed: int, there: int, kind: str) -> list[str]:
    """What to say where not all objects are in the list."""
    if there > listed:
        return [f"{there - listed:,} more of {there:,} objects of the kind {kind} are not in the list: write a part of the name."]
    return [] if there else [f"No object of the kind {kind} has that in its name."]


def answer(told: Happened, findings: Sequence[Finding]) -> str:
    """What happened to it, in a sentence or two."""
    if told.first_us is None or told.last_us is None:
        return f"Nothing was decided about {told.kind} {told.id} in this stretch of the log."
    by_us = told.lanes.as_of_us
    about = [one for one in findings if (one.subject.kind, one.subject.id) == (told.kind, told.id) and one.verdict == "found"]
    so_far = [one for one in about if by_us is None or one.since <= by_us]
    spent = f"in {short(told.last_us - told.first_us)}" if told.last_us > told.first_us else f"at {clock(told.first_us)}"
    state = state_of(told)
    what = f"{told.kind} {told.id}: {count(told.there, 'decision')} by {count(told.actors, 'actor')} {spent}"
    now = f"; then it is {state}." if state else "."
    if by_us is not None:
        return f"As of {clock(by_us)}: {what}{now} {count(len(so_far), 'finding')} began by then."
    says = f" {count(len(so_far), 'finding')}: {so_far[0].says}." if so_far else " Nothing is found about it."
    return f"{what}{now}{says}"


def decisions(told: Happened) -> list[tuple[object, ...]]:
    """A row each, in order: when, who, what, what it had seen, what was true then; what proves a finding says so."""
    is_one_day = clock(told.lanes.start_us)[:10] == clock(told.lanes.end_us)[:10]
    return [_row(one, is_one_day) for one in told.decisions]


def _row(taken: Taken, is_one_day: bool) -> tuple[object, ...]:
    one = taken.decided
    subject = f"{one.event.subject.kind}/{one.event.subject.id}"
    words = " ".join(one.line.split(maxsplit=4)[4:])
    what = f"{one.event.kind}{' ◀ proves the finding' if taken.is_evidence else ''}"
    when = clock(one.at_us)[11 if is_one_day else 0 :]
    return (when, one.event.actor, what, f"{subject} {words}", "; ".join(one.seen) or "—", "; ".join(taken.true_then) or "—")


def more(told: Happened) -> list[str]:
    """What to say where not all decisions are listed."""
    rest = told.there - len(told.decisions)
    return [f"{rest:,} more decisions: brush a shorter stretch above to list them."] if rest > 0 else []


def states(told: Happened, run: str) -> list[tuple[object, ...]]:
    """How everything that has a lane stands at the end of what is shown: object, state, with whom, since when, for how long."""
    last_us = told.lanes.end_us if told.lanes.as_of_us is None else min(told.lanes.as_of_us, told.lanes.end_us)
    rows: list[tuple[object, ...]] = []
    for panel, id_ in told.lanes.lanes.select("panel", "id").iter_rows():
        of = told.lanes.stretches.filter(panel=panel, id=id_).sort("ts_us")
        now = next(
            (one for one in reversed(of.to_dicts()) if one["is_open"] or one["until_us"] >= last_us or one["ts_us"] == one["until_us"]),
            None,
        )
        kind = "control_plane" if panel == "memory" else panel
        name = Link(
            f"{panel}/{id_}" if panel != "memory" else f"in memory of {id_}",
            notebook_link("", "what_happened", run=run, object=f"{kind}/{id_}"),
        )
        if now is None:
            rows.append((name, "nobody" if panel == "lease" else "" if of.is_empty() else "ended", "", "", ""))
        else:
            rows.append((name, now["state"], now["whom"] or "", clock(now["ts_us"]), short(last_us - now["ts_us"])))
    return rows


def state_of(told: Happened) -> str | None:
    """How the object itself stands at the end of what is shown; None where the models know no state."""
    row = next(
        row
        for row, (panel, id_) in zip(states(told, ""), told.lanes.lanes.select("panel", "id").iter_rows(), strict=True)
        if (panel, id_) == (told.kind, told.id)
    )
    return str(row[1]) or None


# ---- the stretch and the moment that are looked at

STEPS = 500
"""Steps of the slider; the last is the end of the log."""

Span = tuple[int, int]


def bounds(runs: pl.DataFrame, run: str) -> Span:
    """Where the log of a run begins and ends."""
    row = runs.row(by_predicate=pl.col("run_id") == run, named=True)
    return row["start_us"], row["end_us"]


def step_of(at_us: int | None, bounds_us: Span) -> int:
    """The step of the slider at a moment, or its last one."""
    start_us, end_us = bounds_us
    if at_us is None or at_us >= end_us:
        return STEPS
    return max(0, (at_us - start_us) * STEPS // max(end_us - start_us, 1))


def moment_of(step: int, bounds_us: Span, asked_us: int | None = None) -> int | None:
    """The moment at a step of the slider: the very one that was asked for, where that lies at the step; None at the last one."""
    start_us, end_us = bounds_us
    if asked_us is not None and step == step_of(asked_us, bounds_us) < STEPS:
        return asked_us
    return None if step >= STEPS else start_us + (end_us - start_us) * step // STEPS


def window_of(selections: Mapping[str, Any], bounds_us: Span) -> Span | None:
    """The stretch that is brushed in the overview, at least a millisecond; None where none is."""
    brushed = (selections.get("range") or {}).get("from_ms")
    if not brushed:
        return None
    start_us, end_us = bounds_us
    from_us = min(max(int(min(brushed) * 1000), start_us), end_us)
    return from_us, max(min(int(max(brushed) * 1000), end_us), from_us + 1_000)


def as_of(at_us: int | None, bounds_us: Span) -> str:
    """Where one stands, beside the slider."""
    if at_us is None:
        return f"the end of the log, {clock(bounds_us[1])} UTC"
    return f"{clock(at_us)} UTC, {short(at_us - bounds_us[0])} after the log begins"


def leads(run: str) -> Callable[[str, str], str]:
    """Where a lane leads: to what happened to its object."""
    return lambda kind, id_: notebook_link("", "what_happened", run=run, object=f"{kind}/{id_}")


def links(findings: Iterable[Finding], told: Happened, run: str) -> list[Link]:
    """Where to go on: each finding about the object on the board, and who led meanwhile."""
    about = [one for one in findings if (one.subject.kind, one.subject.id) == (told.kind, told.id)]
    found = [Link(f"{one.severity}: {one.detector}", notebook_link("", "what_leaked", run=run, finding=one.finding_id)) for one in about]
    return [*found, *pages(run)]


def pages(run: str | None) -> list[Link]:
    """The other questions about a run."""
    names = ("what_leaked", "what_happened", "who_led", "capacity_and_queues")
    return [Link(name.replace("_", " "), notebook_link("", name, run=run)) for name in names]
