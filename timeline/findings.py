"""Findings: what the detectors say about a log, as sentences with evidence.

A detector is one file below `detectors/`; its rows become findings here. Its first columns are
`run_id, subject_kind, subject_id, ts_us, dur_us, is_open, verdict, evidence`; the rest are its own and go to `data`, except
`cost_<unit>`, which is the finding's cost, and `severity`, which stands in for the one of the header.

A verdict is never a guess. `found` is proven by events that are here; `pending` says that the log ends before it can be
known; `unknown` says that the log lacks what the detector needs. Only a detector with none of these is clean.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple, get_args

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from ingest.database import first_row
from ingest.duration import duration
from ingest.errors import UsageError
from ingest.events.control_loop import Timings
from ingest.schema import family_table
from timeline import catalog
from timeline.catalog import CatalogError, Query, present
from timeline.moment import moment_us, shown
from timeline.refresh import as_of, models

Severity = Literal["info", "warning", "critical", "invariant"]
Verdict = Literal["clean", "unknown", "pending", "found"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the worst; an `invariant` must never be found, whatever fails."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""From the weakest to the strongest; a detector has the strongest that any of its rows has."""

LEADING = ("run_id", "subject_kind", "subject_id", "ts_us", "dur_us", "is_open", "verdict", "evidence")
VALUE_MAX = 2**62


def _moment_us(value: object) -> object:
    return moment_us(value) if isinstance(value, str) else value


Moment = Annotated[int, BeforeValidator(_moment_us), PlainSerializer(shown, return_type=str, when_used="json")]
"""A moment in microseconds UTC; in JSON it is RFC 3339."""


class Part(BaseModel):
    """Base of a finding and its parts: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(Part):
    """What a finding is about."""

    kind: str
    id: str


class Cost(Part):
    """What it wasted, where the events say so."""

    unit: str
    """Such as vcpu_seconds."""
    amount: float


class Finding(Part):
    """One leak, or one broken rule, with the events that prove it."""

    finding_id: str
    """Stays the same when the same log, or a longer one, is judged again."""
    run_id: str
    detector: str
    """Name of the file that found it: family/name."""
    severity: Severity
    verdict: Literal["found", "pending", "unknown"]
    subject: Subject
    since: Moment
    until: Moment | None
    """None while it lasts."""
    evidence: list[str]
    """Ids of the events that prove it."""
    says: str
    """The finding as one sentence."""
    cost: Cost | None
    data: dict[str, str | int | float | bool | None]
    """The detector's own columns."""


class Report(Part):
    """The judgement of a log."""

    as_of: Moment | None
    """The moment that was judged: the one asked for, else the end of the log; none for an empty log."""
    detectors: list[str]
    """The detectors that judged."""
    findings: list[Finding]
    """Certain ones first, the worst of them first, then in order of time."""
    verdicts: dict[str, Verdict]
    """Detector to its verdict."""


def detect(
    connection: DuckDBPyConnection,
    detectors: Sequence[str] = (),
    params: Mapping[str, int] | None = None,
    as_of_us: int | None = None,
    run_id: str | None = None,
) -> Report:
    """Judge the log with these detectors, or all; the models must be up to date.

    `params` are keyed `detector.parameter`. With `as_of_us` the log is judged as it was at that moment, with `run_id` only that
    run. Raises UsageError for a detector or parameter that is not there, or a value that no parameter can have.
    """
    chosen = _chosen(detectors)
    bound = _bound(chosen, params or {})
    with nullcontext() if as_of_us is None else as_of(connection, as_of_us, run_id, _read_by(chosen)):
        applying = _applying(connection, chosen, run_id)
        findings = _weighed(connection, [one for query in applying for one in _findings(connection, query, bound[query.name], run_id)])
        return _report(connection, chosen, applying, findings, as_of_us, run_id)


def detect_each(connection: DuckDBPyConnection, run_ids: Iterable[str]) -> Iterator[tuple[str, Report]]:
    """Each of these runs with what `detect` says of it alone, where the log ends; every detector is asked once for all of them."""
    everywhere = detect(connection)
    for run_id in run_ids:
        yield run_id, report_on(connection, run_id, everywhere)


def report_on(connection: DuckDBPyConnection, run_id: str, everywhere: Report) -> Report:
    """What `detect` says of that run alone, out of what it says of the whole log with every detector."""
    chosen = _chosen(())
    applying = _applying(connection, chosen, run_id)
    names = {query.name for query in applying}
    own = [one for one in everywhere.findings if one.run_id == run_id and one.detector in names]
    return _report(connection, chosen, applying, own, None, run_id)


def _report(
    connection: DuckDBPyConnection,
    chosen: Iterable[Query],
    applying: Sequence[Query],
    findings: Iterable[Finding],
    as_of_us: int | None,
    run_id: str | None,
) -> Report:
    """The judgement by the chosen detectors, of which those that apply found this."""
    lacking = {query.name for query in chosen if query not in applying} | _lacking(connection, applying, run_id)
    verdicts: dict[str, Verdict] = {query.name: "unknown" if query.name in lacking else "clean" for query in chosen}
    for one in findings:
        verdicts[one.detector] = max(verdicts[one.detector], one.verdict, key=VERDICTS.index)
    ended = first_row(connection, "SELECT max(end_us) FROM log_bounds WHERE run_id = coalesce($run, run_id)", {"run": run_id})
    return Report(
        as_of=as_of_us if as_of_us is not None or ended is None else ended[0],
        detectors=list(verdicts),
        findings=sorted(findings, key=_urgency),
        verdicts=verdicts,
    )


def at_least(severity: str, least: str) -> bool:
    """Whether a severity is `least` or worse. Raises UsageError where `least` is no severity."""
    if least not in SEVERITIES:
        raise UsageError(f"comparing severities: {least!r} is none; they are {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


def _urgency(one: Finding) -> tuple[Any, ...]:
    ranks = (-VERDICTS.index(one.verdict), -SEVERITIES.index(one.severity))
    return (*ranks, one.since, one.run_id, one.detector, one.subject.kind, one.subject.id, one.finding_id)


# ---- which detectors, with which parameters


@functools.cache
def all_detectors() -> dict[str, Query]:
    """Every detector by name; the files are read once in the life of the process."""
    return catalog.read(catalog.DETECTORS)


def _chosen(names: Sequence[str]) -> list[Query]:
    known = all_detectors()
    for name in names:
        if name not in known:
            raise UsageError(f"choosing detectors: there is no {name!r}; {_nearest(name, known)}")
    return [query for name, query in known.items() if not names or name in names]


def _bound(chosen: Iterable[Query], params: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What is bound for each detector: its defaults, and what was asked for instead."""
    bound = {query.name: dict(query.defaults) for query in chosen}
    places = [f"{detector}.{param}" for detector, values in bound.items() for param in values]
    for place, value in params.items():
        detector, _, param = place.rpartition(".")
        if param not in bound.get(detector, {}):
            raise UsageError(f"setting the parameter {place!r}: no chosen detector has it; {_nearest(place, places)}")
        if not 0 <= value <= VALUE_MAX:
            raise UsageError(f"setting the parameter {place!r} to {value!r}: write a whole number from 0 to 2^62, microseconds for _us")
        bound[detector][param] = value
    return bound


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4) or sorted(known)
    return f"there are {', '.join(near)}" if near else "there is none at all"


# ---- rows to findings


def _findings(connection: DuckDBPyConnection, query: Query, bound: Mapping[str, int], run_id: str | None) -> Iterator[Finding]:
    cursor = connection.execute(query.sql, dict(bound))
    names = [column[0] for column in cursor.description or ()]
    if tuple(names[: len(LEADING)]) != LEADING:
        raise CatalogError(f"{query.path}:1: the columns begin with {names[: len(LEADING)]}; a detector's begin with {list(LEADING)}")
    twins: Counter[tuple[str, ...]] = Counter()
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        if run_id is not None and row["run_id"] != run_id:
            continue
        evidence = list(dict.fromkeys(event_id for event_id in row["evidence"] if event_id is not None))
        first = evidence[0] if evidence else str(row["ts_us"])
        key = (query.name, row["run_id"], row["subject_kind"], row["subject_id"], first)
        yield _finding(query, row, evidence, _id(key, twins[key]))
        twins[key] += 1


def _finding(query: Query, row: Mapping[str, Any], evidence: list[str], finding_id: str) -> Finding:
    own = {name: value for name, value in row.items() if name not in LEADING}
    costs = [(name.removeprefix("cost_"), value) for name, value in own.items() if name.startswith("cost_") and value]
    return Finding(
        finding_id=finding_id,
        run_id=row["run_id"],
        detector=query.name,
        severity=own.pop("severity", query.fields.get("severity")),
        verdict=row["verdict"],
        subject=Subject(kind=row["subject_kind"], id=row["subject_id"]),
        since=row["ts_us"],
        until=None if row["is_open"] else row["ts_us"] + row["dur_us"],
        evidence=evidence,
        says=_sentence(query.fields.get("says", query.title), row),
        cost=Cost(unit=costs[0][0], amount=round(float(costs[0][1]), 3)) if costs else None,
        data={name: value for name, value in own.items() if not name.startswith("cost_")},
    )


def _id(key: tuple[str, ...], twin: int) -> str:
    """Twelve hex digits of what a finding is about; rows that agree in all of it are told apart by their order.

    `since` is not in it: where a clock is learned from causes, a longer log places the same event some milliseconds off.
    """
    return hashlib.sha256("\0".join((*key, *([str(twin)] if twin else []))).encode()).hexdigest()[:12]


def _sentence(says: str, row: Mapping[str, Any]) -> str:
    """`says` with each `{column}` filled in; `{subject}` is kind and id."""
    words = {name: _word(name, value) for name, value in row.items()} | {"subject": f"{row['subject_kind']} {row['subject_id']}"}
    return re.sub(r"\{(\w+)\}", lambda match: words[match[1]], says)


def _word(name: str, value: object) -> str:
    if name.endswith("_us") and isinstance(value, int):
        step_us = 1_000_000 if abs(value) >= 60_000_000 else 1000 if abs(value) >= 1_000_000 else 1
        return duration(value - value % step_us)
    return "nobody" if value is None else str(value)


def _weighed(connection: DuckDBPyConnection, findings: list[Finding]) -> list[Finding]:
    """The findings, `unknown` in place of `found` where events are missing that may say otherwise.

    Those are the missing events of a component that has to do with objects of the subject's kind (`_HOLES`), in the stretch that the
    finding spans.
    """
    by_subject: dict[tuple[str, str], list[Hole]] = {}
    for run, subject_kind, *hole in connection.execute(_HOLES).fetchall():
        by_subject.setdefault((run, subject_kind), []).append(Hole._make(hole))
    return [_doubted(one, by_subject.get((one.run_id, one.subject.kind), [])) for one in findings]


_HOLES = """
    WITH hole AS (
        SELECT g.*, split_part(actor, '/', 2) AS component, coalesce(g.before_us, b.start_us) AS since_us
        FROM evidence_gap AS g JOIN log_bounds AS b USING (run_id)
    ), touched AS (
        SELECT DISTINCT split_part(e.actor, '/', 2) AS component, o.kind
        FROM event AS e JOIN event_object AS o USING (event_no)
        WHERE component IN (SELECT component FROM hole)
        -- A loop that sweeps has to do with everything: what it leaves alone it does not name.
        UNION SELECT h.component, o.kind
        FROM (FROM hole SEMI JOIN sweep_started USING (actor)) AS h, (SELECT DISTINCT kind FROM event_object) AS o
    )
    SELECT run_id, kind, actor, since_us, after_us, first_missing, last_missing FROM hole JOIN touched USING (component) ORDER BY ALL
"""
"""Run, kind of object, and the hole in the stream of a component that, anywhere in the log, had to do with objects of that kind."""


class Hole(NamedTuple):
    """Missing events of an actor, and the moments of the events around them."""

    actor: str
    before_us: int
    after_us: int
    first: int
    last: int


def _doubted(one: Finding, holes: Iterable[Hole]) -> Finding:
    inside = (hole for hole in holes if hole.after_us >= one.since and (one.until is None or hole.before_us <= one.until))
    hole = next(inside, None) if one.verdict == "found" else None
    if hole is None:
        return one
    says = f"{one.says}; but events {hole.first} to {hole.last} of {hole.actor} are missing there"
    return one.model_copy(update={"verdict": "unknown", "says": says})


# ---- what a detector needs


def _applying(connection: DuckDBPyConnection, chosen: Iterable[Query], run_id: str | None) -> list[Query]:
    """The detectors whose family has events here. The others have nothing to judge: they are unknown, and cost nothing."""
    there = present(connection, run_id)
    return [query for query in chosen if (family := family_of(query)) is None or family in there]


def family_of(query: Query) -> str | None:
    """The family of events that a detector judges: that of its folder, if what it needs is of it; None for one that judges any log."""
    folder = query.name.partition("/")[0]
    return folder if folder in _families()[query.name] else None


@functools.cache
def _families() -> dict[str, frozenset[str]]:
    """For each detector the families of what it is blind without."""
    blind = {
        query.name: replace(query, inputs=tuple(sorted({need.partition(".")[0] for need in _told_needs(query)})))
        for query in all_detectors().values()
    }
    return catalog.families({model.name: model for model in models()} | blind)


def _lacking(connection: DuckDBPyConnection, chosen: Iterable[Query], run_id: str | None) -> set[str]:
    """The detectors that cannot judge some run of their family: a table that they need has no row of it, or a timing was never declared."""
    needs = {query.name: {(need, family_of(query)) for need in needed(query)} for query in chosen}
    asked = sorted(set().union(*needs.values()), key=str)
    answers = " UNION ALL ".join(f"SELECT {index} WHERE {_is_missing(*one)}" for index, one in enumerate(asked))
    missing = set() if not asked else {asked[index] for (index,) in connection.execute(answers, {"run": run_id}).fetchall()}
    return {name for name, each in needs.items() if each & missing}


def needed(query: Query) -> set[str]:
    """What a detector is blind without: the tables of its header, and `run_config.timing` for each timing that it reads.

    A timing that nobody declared makes every comparison with it null, which must not look like a clean log.
    """
    timings = set(re.findall(r"\w+", query.sql)) & set(Timings.model_fields) if "run_config" in query.inputs else set()
    return _told_needs(query) | {f"run_config.{timing}" for timing in timings}


def _told_needs(query: Query) -> set[str]:
    """What the header names: tables, and a column as `table.column` where a row of the table may lack it."""
    return {need.strip() for need in query.fields["needs"].split(",")}


def _is_missing(need: str, family: str | None) -> str:
    """A condition in SQL: some run lacks it. A detector of a family is not asked about runs that have no event of that family."""
    table, _, column = need.partition(".")
    runs = identifier(family_table(family) if family else "log_bounds")
    return f"""(
        SELECT count(*) = 0 OR count(*) FILTER (WHERE there.run_id IS NULL) > 0
        FROM (SELECT DISTINCT run_id FROM {runs} WHERE run_id = coalesce($run, run_id)) AS run
        LEFT JOIN (
            SELECT DISTINCT run_id FROM {identifier(table)} WHERE {identifier(column or "run_id")} IS NOT NULL
        ) AS there USING (run_id)
    )"""


def read_by(detectors: Sequence[str]) -> frozenset[str]:
    """The tables that `detect` reads with these detectors, or all. Raises UsageError for a name that is not there."""
    return _read_by(_chosen(detectors))


def _read_by(chosen: Sequence[Query]) -> frozenset[str]:
    told = frozenset(need.partition(".")[0] for query in chosen for need in needed(query))
    return told.union({"log_bounds", "evidence_gap"}, *(query.inputs for query in chosen))


def identifier(name: str) -> str:
    """A name of our schema, quoted."""
    return '"' + name.replace('"', '""') + '"'
