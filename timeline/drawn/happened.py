"""What happened to one object: the lanes of it and of everything it touched, its decisions, what each had seen, what was true then."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from ingest.database import first_row
from ingest.duration import duration
from timeline.drawn.lanes import CAUSE, DECISION, LANE, OTHERS_MAX, Lanes, bounds_of, lanes_of, marks_of, vacancies_of
from timeline.drawn.stretches import Lane, panels, places, standing, stretches_of, stretches_sql
from timeline.findings import Finding
from timeline.story import Decided, decisions_about

TOUCHED_MAX = 16
"""Objects beside the one that is asked about which have a lane: those that share most decisions with it."""
CAUSES_MAX = 800
"""Lines from cause to effect that are drawn."""
DECISIONS_MAX = 200
"""Decisions that are listed at once."""

# Decisions about the object, and those that they led to or came from.
_PLACED = """
CREATE OR REPLACE TEMP TABLE placed AS
WITH
  about AS (SELECT DISTINCT event_no FROM event_object WHERE run_id = $run AND kind = $kind AND id = $id),
  own AS (SELECT event_id FROM event SEMI JOIN about USING (event_no)),
  cause AS (SELECT cause_id AS event_id FROM event_cause SEMI JOIN about USING (event_no)),
  linked AS (
    SELECT event_no, true AS is_own FROM about
    UNION ALL
    SELECT event_no, false FROM event_cause SEMI JOIN own ON own.event_id = cause_id WHERE run_id = $run
    UNION ALL
    SELECT event_no, false FROM event SEMI JOIN cause USING (event_id) WHERE run_id = $run AND NOT is_conflict
  )
SELECT event_no, event_id, time.at_us, time.position, event.kind, actor, subject_kind AS panel, subject_id AS id, is_own
FROM (SELECT event_no, bool_or(is_own) AS is_own FROM linked GROUP BY event_no) AS once
JOIN event USING (event_no)
JOIN event_time AS time USING (event_no)
"""

_TOUCHED = """
SELECT kind, id, count(DISTINCT event_no) AS shared, count(*) OVER () AS there
FROM event_object
WHERE event_no IN (SELECT event_no FROM placed) AND NOT (kind = $kind AND id = $id)
GROUP BY kind, id
ORDER BY kind <> 'lease', shared DESC, kind, id
LIMIT $most
"""

_LEASES = "SELECT DISTINCT lease FROM leadership_interval WHERE run_id = $run ORDER BY lease LIMIT $most"

_DECISIONS = """
SELECT
  panel, id, min(at_us) AS at_us, arg_min(kind, position) AS kind, arg_min(actor, position) AS actor,
  arg_min(event_id, position) AS event_id, bool_or(is_own) AS is_own, bool_or(list_contains($evidence::VARCHAR[], event_id)) AS is_evidence,
  count(*) AS pieces
FROM placed
SEMI JOIN (SELECT unnest($panels::VARCHAR[]) AS panel, unnest($ids::VARCHAR[]) AS id) AS wanted USING (panel, id)
WHERE at_us BETWEEN $from_us AND $until_us
GROUP BY panel, id, (at_us - $from_us) * $pixels // greatest($width_us, 1)
ORDER BY at_us, panel, id
"""

_CAUSES = """
WITH wanted AS (SELECT unnest($panels::VARCHAR[]) AS panel, unnest($ids::VARCHAR[]) AS id)
SELECT
  cause.panel, cause.id, min(cause.at_us) AS at_us, effect.panel AS to_panel, effect.id AS to_id, min(effect.at_us) AS to_us,
  count(*) AS pieces
FROM event_cause AS link
JOIN placed AS effect ON effect.event_no = link.event_no
JOIN placed AS cause ON cause.event_id = link.cause_id
SEMI JOIN wanted ON wanted.panel = cause.panel AND wanted.id = cause.id
SEMI JOIN wanted AS there ON there.panel = effect.panel AND there.id = effect.id
WHERE cause.at_us BETWEEN $from_us AND $until_us AND effect.at_us BETWEEN $from_us AND $until_us AND (cause.is_own OR effect.is_own)
GROUP BY
  cause.panel, cause.id, effect.panel, effect.id,
  (cause.at_us - $from_us) * $pixels // greatest($width_us, 1), (effect.at_us - $from_us) * $pixels // greatest($width_us, 1)
ORDER BY to_us, at_us
"""

# How each object stood when a decision was taken: just before it, so that its own effect does not show.
_TRUE_THEN = """
WITH
  asked AS (
    SELECT DISTINCT
      unnest($events::VARCHAR[]) AS event_id, unnest($moments::BIGINT[]) AS at_us,
      unnest($kinds::VARCHAR[]) AS kind, unnest($ids::VARCHAR[]) AS id
  ),
  stretch AS ({stretches})
SELECT event_id, kind, asked.id, state, whom, at_us - ts_us AS for_us
FROM asked
JOIN stretch ON panel = kind AND stretch.id = asked.id AND ts_us < at_us AND (until_us >= at_us OR is_open)
WHERE NOT (kind = 'control_plane' AND state = 'alive')
ORDER BY event_id, kind, asked.id, ts_us
"""

_COUNTED = """
SELECT count(*), count(DISTINCT actor), min(at_us), max(at_us)
FROM placed WHERE is_own AND at_us BETWEEN $from_us AND $until_us
"""


@dataclass(frozen=True)
class Taken:
    """One decision of the list."""

    decided: Decided
    true_then: list[str]
    """How what it read or names stood just before it, one phrase an object of which the models know a state."""
    is_evidence: bool
    """It proves a finding about the object."""


@dataclass(frozen=True)
class Happened:
    """What is known of one object, in a window of the log."""

    kind: str
    id: str
    lanes: Lanes
    decisions: list[Taken]
    """The first DECISIONS_MAX in the window, in order."""
    there: int
    """Decisions about it that are in the window, listed or not."""
    actors: int
    """Who took them."""
    first_us: int | None
    last_us: int | None
    """The first and the last of them."""


@functools.cache
def _true_then() -> str:
    return _TRUE_THEN.format(stretches=stretches_sql())


def happened_to(
    connection: DuckDBPyConnection,
    run_id: str,
    kind: str,
    id_: str,
    findings: Sequence[Finding],
    window_us: tuple[int, int] | None = None,
    as_of_us: int | None = None,
) -> Happened:
    """What happened to the object in a window of the run's log; with `as_of_us` what the log said of it when it had reached that moment."""
    span_us = window_us or bounds_of(connection, run_id)
    with standing(connection, run_id, as_of_us):
        return _happened(connection, run_id, (kind, id_), findings, span_us, as_of_us)


def _happened(
    connection: DuckDBPyConnection,
    run_id: str,
    self: Lane,
    findings: Sequence[Finding],
    span_us: tuple[int, int],
    as_of_us: int | None,
) -> Happened:
    """The same, of the models that stand for the moment."""
    (kind, id_), (from_us, until_us) = self, span_us
    last_us = until_us if as_of_us is None else min(until_us, as_of_us)
    connection.execute(_PLACED, {"run": run_id, "kind": kind, "id": id_})
    counted = first_row(connection, _COUNTED, {"from_us": from_us, "until_us": last_us})
    evidence = {event for one in findings if (one.subject.kind, one.subject.id) == (kind, id_) for event in one.evidence}
    decided = decisions_about(connection, run_id, kind, id_, (from_us, last_us), DECISIONS_MAX)
    truths = _truths(connection, run_id, decided)
    return Happened(
        kind=kind,
        id=id_,
        lanes=_lanes(connection, run_id, self, findings, span_us, as_of_us),
        decisions=[Taken(one, truths.get(one.event.event_id, []), one.event.event_id in evidence) for one in decided],
        there=counted[0],
        actors=counted[1],
        first_us=counted[2],
        last_us=counted[3],
    )


def _lanes(
    connection: DuckDBPyConnection,
    run_id: str,
    self: Lane,
    findings: Sequence[Finding],
    window_us: tuple[int, int],
    as_of_us: int | None,
) -> Lanes:
    """The lanes of the object and of what it touched, leadership above; `placed` holds its decisions."""
    kind, id_ = self
    from_us, until_us = window_us
    last_us = until_us if as_of_us is None else min(until_us, as_of_us)
    touched = connection.execute(_TOUCHED, {"kind": kind, "id": id_, "most": TOUCHED_MAX}).fetchall()
    leases = connection.execute(_LEASES, {"run": run_id, "most": OTHERS_MAX}).fetchall()
    others: list[Lane] = [("lease", lease) for (lease,) in leases] + [(of, other) for of, other, *_ in touched]
    every = list(dict.fromkeys(one for one in others if one != self))
    order = panels(panel for panel, _ in every)
    every.sort(key=lambda one: (one[0] != kind, order.index(one[0])))
    above = [one for one in every if one[0] == "lease"]
    below = [one for one in every if one[0] != "lease"]
    drawn = [*above, self, *below]
    remembered = id_ if kind == "worker" else None
    stretches = stretches_of(connection, run_id, [*drawn, *_memories(connection, run_id, remembered)], window_us, as_of_us, remembered)
    memories = stretches.filter(panel="memory")["id"].unique(maintain_order=True).to_list()
    lanes = [*above, self, *(("memory", plane) for plane in memories), *below]
    subjects = {(one.subject.kind, one.subject.id) for one in findings}
    marked = marks_of(findings, lanes, (from_us, last_us))
    bound = {
        "panels": [panel for panel, _ in drawn],
        "ids": [one for _, one in drawn],
        "from_us": from_us,
        "until_us": last_us,
        "width_us": until_us - from_us,
        "pixels": places(len(drawn)),
    }
    evidence = [event for one in findings for event in one.evidence]
    decisions = connection.execute(_DECISIONS, bound | {"evidence": evidence}).pl().select(*DECISION)
    causes = connection.execute(_CAUSES, bound).pl().select(*CAUSE)
    placed = first_row(
        connection, "SELECT count(*) FROM placed WHERE at_us BETWEEN $from_us AND $until_us", {"from_us": from_us, "until_us": last_us}
    )
    return Lanes(
        start_us=from_us,
        end_us=until_us,
        lanes=pl.DataFrame([(panel, one, (panel, one) in subjects) for panel, one in lanes], schema=LANE, orient="row"),
        stretches=stretches,
        vacancies=vacancies_of(connection, run_id, (from_us, last_us)),
        findings=marked,
        workers=0,
        folded=max((there for *_, there in touched), default=0) - len(touched),
        elsewhere=len(findings) - len(marked),
        decisions=decisions,
        causes=causes.head(CAUSES_MAX),
        folded_decisions=placed[0] - len(decisions),
        folded_causes=int(causes["pieces"].sum()) - min(len(causes), CAUSES_MAX),
        as_of_us=as_of_us,
    )


def _memories(connection: DuckDBPyConnection, run_id: str, worker: str | None) -> list[Lane]:
    """A lane for each control plane that remembers the worker."""
    query = "SELECT DISTINCT control_plane FROM worker_memory_interval WHERE run_id = $run AND worker = $worker ORDER BY control_plane"
    return [("memory", plane) for (plane,) in connection.execute(query, {"run": run_id, "worker": worker}).fetchall()]


def _truths(connection: DuckDBPyConnection, run_id: str, decided: Sequence[Decided]) -> dict[str, list[str]]:
    """For each decision how its subject, what it names and what it read stood just before it."""
    asked = [
        (one.event.event_id, one.at_us, kind, id_)
        for one in decided
        for kind, id_ in dict.fromkeys(
            [
                (one.event.subject.kind, one.event.subject.id),
                *((read.kind, read.id) for read in one.event.inputs),
                *((ref.kind, ref.id) for ref in one.event.refs),
            ]
        )
    ]
    columns = dict(zip(("events", "moments", "kinds", "ids"), map(list, zip(*asked, strict=True)), strict=True)) if asked else None
    if columns is None:
        return {}
    found: dict[str, list[str]] = {}
    for event_id, kind, id_, state, whom, for_us in connection.execute(
        _true_then(), {"run": run_id, "remembered": None, **columns}
    ).fetchall():
        held = f" by {whom}" if kind == "lease" and whom else f" with {whom}" if whom else ""
        step_us = 1_000_000 if for_us >= 60_000_000 else 1_000
        found.setdefault(event_id, []).append(
            f"{kind}/{id_} {'held' if kind == 'lease' else state}{held} for {duration(for_us - for_us % step_us)}"
        )
    return found


def lanes_about(connection: DuckDBPyConnection, run_id: str, findings: Sequence[Finding], subject: Lane | None) -> Lanes:
    """The lanes of an object and of what it touched, or of a whole run where there is none."""
    return lanes_of(connection, run_id, findings) if subject is None else happened_to(connection, run_id, *subject, findings).lanes
