"""The analysis as a library: one object over one database, whose methods give polars frames or pydantic models.

The command line and the notebooks are thin shells over it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from ingest.database import Database, duckdb_errors, open_for_read, open_for_write
from ingest.errors import UsageError
from ingest.seed import Origin, ReplaySeed
from timeline.blank import blank
from timeline.bundle import is_bundle, load_bundle
from timeline.diff import Stream
from timeline.drawn.activity import activity_of
from timeline.drawn.capacity import Capacity, capacity_of
from timeline.drawn.happened import Happened, happened_to
from timeline.drawn.lanes import Lanes, lanes_of
from timeline.drawn.led import Led, led_by
from timeline.explain import Explanation, explain_finding
from timeline.exports import Chosen
from timeline.findings import Finding, Report, detect
from timeline.gauges import Gauge, measure
from timeline.gauges.history import histories, history
from timeline.gauges.live import live_gauges
from timeline.judged import judged
from timeline.moment import moment_of
from timeline.objects import ids_of, kinds_of, runs_with
from timeline.published import view_of
from timeline.query import SECONDS as QUERY_SECONDS
from timeline.query import answer
from timeline.refresh import is_stale, refresh
from timeline.seeds import seed_of_run
from timeline.state import objects_of, states_at
from timeline.story import Story, decisions_about
from timeline.why import Why, parts_of, why_of, workloads_named

AROUND_US = 60_000_000
"""How far before and after a moment `show --around` looks."""

_RUNS = "SELECT run_id, events, start_us, end_us FROM log_bounds ORDER BY run_id"


class Timeline:
    """A log under analysis. Use it as a context manager, or call `close`."""

    def __init__(self, database: Database) -> None:
        """Take over an open database whose models are up to date."""
        self._database = database
        self._connection = database.connection

    @classmethod
    def open(cls, path: Path, tell: Callable[[str], None] = lambda message: None) -> Self:
        """Open the database at `path`, read-only, after bringing its models up to date where events came in.

        Where it is served, here or at the address `path`, it is read as it was last refreshed; of an address `tell` hears when that was.
        A bundle (`timeline export --bundle`) is loaded into memory. Raises DatabaseBusy, UpstreamUnavailable, DatabaseUnusable where it is
        none, damaged or of another version.
        """
        if is_bundle(path):
            return cls._of_bundle(path)
        if (view := view_of(path, tell)) is not None:
            return cls(view)
        database = open_for_read(path)
        try:
            if not is_stale(database.connection):
                return cls(database)
        except BaseException:
            database.close()
            raise
        database.close()
        with open_for_write(path) as writable, duckdb_errors("refreshing the models of", path):
            refresh(writable.connection)
        return cls(open_for_read(path))

    @classmethod
    def in_memory(cls, lines: Iterable[bytes] = (), asked: frozenset[str] | None = None) -> Self:
        """A timeline of those event lines, kept in memory only: for replays and tests. Raises InputRejected.

        With `asked`, such as `timeline.findings.read_by`, it has those models only: whoever reads another is told that it is not there.
        """
        from ingest.load import load

        database = blank(asked)
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            file.writelines(line.rstrip(b"\n") + b"\n" for line in lines)
            file.flush()
            load(database, [file.name]).check(is_strict=True)
        refresh(database.connection, asked)
        database.connection.execute("SET lock_configuration = true")
        return cls(database)

    @classmethod
    def _of_bundle(cls, path: Path) -> Self:
        database = blank()
        load_bundle(database, path)
        refresh(database.connection)
        database.connection.execute("SET lock_configuration = true")
        return cls(database)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        if isinstance(error, duckdb.Error):
            with duckdb_errors("reading", self._database.path):
                raise error

    # ---- what there is

    def runs(self) -> pl.DataFrame:
        """Every run: run_id, events, start_us, end_us (microseconds UTC)."""
        return pl.DataFrame(self._connection.sql(_RUNS))

    def run(self, run_id: str | None = None) -> str:
        """That run, or the only one. Raises UsageError where it is not there, or where several are and none was named."""
        known = self.runs()["run_id"].to_list()
        if run_id is not None:
            if run_id in known:
                return run_id
            raise UsageError(f"looking for the run {run_id!r}: it is not here; there are {_some(known)}")
        if len(known) == 1:
            return str(known[0])
        if not known:
            raise UsageError("choosing a run: the database holds no event yet; load some with `timeline ingest FILE`")
        raise UsageError(f"choosing a run: the database holds {len(known)}; name one with --run: {_some(known)}")

    def objects(self, kind: str | None = None, run: str | None = None) -> pl.DataFrame:
        """Every object that an event names.

        Columns: run_id, kind, id, events, first_us, last_us, last_event, state, since_us, owner, owner_state; the last four as
        the log ends, null where the models know no state.
        """
        return objects_of(self._connection, run and self.run(run), kind)

    def kinds(self, run: str | None = None) -> dict[str, int]:
        """The kinds of objects that a run names, and how many there are of each."""
        return kinds_of(self._connection, self.run(run))

    def ids(self, kind: str, run: str | None = None, part: str = "", first: Sequence[str] = (), most: int = 200) -> tuple[list[str], int]:
        """At most `most` objects of a kind whose id has `part` in it, those of `first` before the others; and how many there are."""
        return ids_of(self._connection, self.run(run), kind, part, first, most)

    def runs_with(self, kind: str, id_: str) -> list[str]:
        """The runs that name an object."""
        return runs_with(self._connection, kind, id_)

    def moment(self, text: str, run: str | None = None) -> int:
        """A moment as a person writes it (`timeline.moment.FORMS`), in microseconds UTC. Raises UsageError."""
        bounds = self.runs() if run is None else self.runs().filter(pl.col("run_id") == self.run(run))
        if bounds.is_empty():
            raise UsageError(f"reading the time {text!r}: the database holds no event yet")
        return moment_of(text, min(bounds["start_us"].to_list()), max(bounds["end_us"].to_list()))

    # ---- what happened

    def find(self, name: str, run: str | None = None) -> tuple[str, str, str]:
        """(run_id, kind, id) of the object that `kind/id` names; a part of the id will do where it fits one object only.

        Raises UsageError with the candidates where it fits none or several.
        """
        run_id = self.run(run)
        kind, slash, id_ = name.partition("/")
        if not slash or not kind or not id_:
            raise UsageError(f"looking for {name!r}: write KIND/ID, such as worker/w-1; `timeline objects` lists them")
        if run_id in runs_with(self._connection, kind, id_):
            return run_id, kind, id_
        ids = objects_of(self._connection, run_id, kind)["id"].to_list()
        near = [known for known in ids if known.startswith(id_) or known.endswith(id_)] or [known for known in ids if id_ in known]
        if len(near) == 1:
            return run_id, kind, near[0]
        if near:
            raise UsageError(f"looking for {name!r}: {len(near)} objects fit: {_some([f'{kind}/{known}' for known in near])}")
        there = _some([f"{kind}/{known}" for known in ids]) if ids else "no object of that kind; `timeline objects` lists what there is"
        raise UsageError(f"looking for {name!r}: it is not in the run {run_id}; there is {there}")

    def show(self, name: str, run: str | None = None, around_us: int | None = None) -> Story:
        """The decision timeline of the object `kind/id`; with `around_us` only a minute before and after that moment.

        Raises UsageError as `find` does.
        """
        run_id, kind, id_ = self.find(name, run)
        window_us = None if around_us is None else (around_us - AROUND_US, around_us + AROUND_US)
        bounds = self.runs().row(by_predicate=pl.col("run_id") == run_id, named=True)
        now = objects_of(self._connection, run_id, kind, id_).row(0, named=True)
        return Story(
            run_id=run_id,
            kind=kind,
            id=id_,
            **{field: now[field] for field in ("state", "since_us", "owner", "owner_state")},
            start_us=bounds["start_us"],
            end_us=bounds["end_us"],
            decisions=decisions_about(self._connection, run_id, kind, id_, window_us),
        )

    def state(self, at_us: int | None = None, run: str | None = None) -> pl.DataFrame:
        """Every object whose state the models know, at that moment or where the log ends.

        Columns: run_id, kind, id, state, since_us, owner, owner_state.
        """
        return states_at(self._connection, run and self.run(run), at_us)

    def why(self, workload: str, run: str | None = None) -> Why:
        """Where the time of a workload went, from submission to completion, by reason; the parts sum to the whole.

        `workload` is `kind/id`, an id, or the name that its events' envelopes give; a part will do where it fits one only.
        Raises UsageError with the candidates where it fits none or several.
        """
        run_id = self.run(run)
        fits, known = workloads_named(self._connection, run_id, workload)
        if len(fits) != 1:
            found = f"{len(fits)} workloads fit: {_some(fits)}" if fits else f"it is not in the run {run_id}; there are {_some(known)}"
            raise UsageError(f"looking for the workload {workload!r}: {found}")
        kind, _, id_ = fits[0].partition("/")
        return why_of(self._connection, run_id, kind, id_, self.moment("+0s", run_id))

    def waits(self, run: str | None = None) -> pl.DataFrame:
        """The parts of every workload's life, of all runs or one, in order.

        Columns: run_id, workload_kind, workload_id, reason, ts_us, dur_us, is_open, event_id, end_event_id.
        """
        return parts_of(self._connection, run and self.run(run))

    def capacity(self, run: str | None = None, at_us: int | None = None) -> Capacity:
        """How much room a run has, how much of it is taken, who waits for it and why; what is taken at `at_us`, or where the log ends.

        `timeline.pages.capacity_chart` draws it. Raises UsageError as `run` does.
        """
        return capacity_of(self._connection, self.run(run), at_us)

    def lanes(
        self,
        run: str | None = None,
        findings: Sequence[Finding] | None = None,
        window_us: tuple[int, int] | None = None,
        as_of_us: int | None = None,
    ) -> Lanes:
        """The lanes of a run in a window, with those findings, or with all where none are given.

        With `as_of_us` they are what the log gave when it had reached that moment.
        """
        run_id = self.run(run)
        return lanes_of(self._connection, run_id, self._proven(run_id, findings), window_us, as_of_us)

    def happened(
        self,
        name: str,
        run: str | None = None,
        findings: Sequence[Finding] | None = None,
        window_us: tuple[int, int] | None = None,
        as_of_us: int | None = None,
    ) -> Happened:
        """What happened to the object `kind/id` and to everything it touched, as `lanes`. Raises UsageError as `find` does."""
        run_id, kind, id_ = self.find(name, run)
        return happened_to(self._connection, run_id, kind, id_, self._proven(run_id, findings), window_us, as_of_us)

    def led(self, run: str | None = None, window_us: tuple[int, int] | None = None) -> Led:
        """Who led a run: leases, locks, loops, processes and missing events; its lanes in a window. Raises UsageError as `run` does."""
        return led_by(self._connection, self.run(run), window_us)

    def _proven(self, run_id: str, findings: Sequence[Finding] | None) -> list[Finding]:
        every = self.detect(run=run_id).findings if findings is None else findings
        return [finding for finding in every if finding.verdict == "found" and finding.run_id == run_id]

    def activity(self, run: str | None = None, name: str | None = None) -> pl.DataFrame:
        """How many decisions there were when, in stretches of one length: ts_us, until_us, decisions, own (of them about `kind/id`)."""
        run_id, *about = (self.run(run),) if name is None else self.find(name, run)
        return activity_of(self._connection, run_id, *about)

    def stream(self, run: str | None = None) -> Stream:
        """The decisions of a run, to be held against another stream (`timeline.diff`)."""
        return Stream(self._connection, self.run(run))

    # ---- what is wrong

    def detect(
        self,
        detectors: Sequence[str] = (),
        as_of_us: int | None = None,
        params: Mapping[str, int] | None = None,
        run: str | None = None,
    ) -> Report:
        """Judge the log. `params` are keyed `detector.parameter`. Raises UsageError for a name that is not there.

        With every detector as it is, a file that this process has judged before is not judged again (`timeline.judged`).
        """
        if not detectors and not params:
            return judged(self._database, run and self.run(run), as_of_us)
        return detect(self._connection, detectors=detectors, as_of_us=as_of_us, params=params or {}, run_id=run and self.run(run))

    def finding(self, finding_id: str) -> Finding:
        """The finding with that id, or the only one whose id begins so. Raises UsageError."""
        findings = self.detect().findings
        fits = [finding for finding in findings if finding.finding_id.startswith(finding_id)] if finding_id else []
        if len(fits) == 1:
            return fits[0]
        there = _some([finding.finding_id for finding in fits or findings])
        raise UsageError(f"looking for the finding {finding_id!r}: {len(fits) or 'none'} of that id; there are {there}")

    def explain(self, finding: str | Finding) -> Explanation:
        """The whole case for a finding, or for the one with that id, for which the log is judged again. Raises UsageError."""
        return explain_finding(self._connection, self.finding(finding) if isinstance(finding, str) else finding)

    # ---- how it stands

    def gauges(self, run: str | None = None, step_us: int | None = None) -> list[Gauge]:
        """Every gauge of a run: where the log ends, or with `step_us` its history at that step. Raises UsageError.

        In the history a finding counts from when it could first be known.
        """
        run_id = self.run(run)
        report = self.detect(run=run_id)
        return measure(self._connection, run_id, report) if step_us is None else history(self._connection, report, run_id, step_us)

    def histories(self, step_us: int, names: Collection[str]) -> list[Gauge]:
        """The history of these gauges in every run. Runs whose times overlap are judged at once as of each step. Raises UsageError."""
        return histories(self._connection, step_us, names)

    def live_gauges(self) -> list[Gauge]:
        """What a scrape says: the gauges of each live run (`timeline.gauges.live`) where its log ends, and those of the database."""
        return live_gauges(self._connection)

    # ---- what leaves

    def sql(self, query: str, seconds: float = QUERY_SECONDS) -> pl.DataFrame:
        """The answer to one SELECT over the tables, for at most so many seconds. Raises UsageError."""
        return answer(self._connection, query, seconds)

    def choose(self, finding_id: str | None = None, name: str | None = None, run: str | None = None) -> Chosen:
        """What is to be handed on: a finding, the object `kind/id`, or a run. Raises UsageError as `finding`, `find` and `run` do."""
        finding = None if finding_id is None else self.finding(finding_id)
        run_id, *about = self.find(name, run) if name is not None else (self.run(finding.run_id if finding else run),)
        if finding is not None:
            about = [finding.subject.kind, finding.subject.id]
        return Chosen(self._connection, run_id, self.detect(run=run_id), finding, (about[0], about[1]) if about else None)

    def export_run(self, run: str | None = None) -> ReplaySeed:
        """The replay seed of a run; every finding of it is expected again. Raises UsageError."""
        run_id = self.run(run)
        findings = [finding for finding in self.detect(run=run_id).findings if finding.verdict == "found"]
        return seed_of_run(self._connection, Origin(run_id=run_id), findings)

    def export_finding(self, finding_id: str) -> ReplaySeed:
        """The replay seed of the run of a finding; that finding is expected again. Raises UsageError."""
        finding = self.finding(finding_id)
        subject = f"{finding.subject.kind}/{finding.subject.id}"
        return seed_of_run(self._connection, Origin(run_id=finding.run_id, finding=finding.finding_id, subject=subject), [finding])

    def export_object(self, name: str, run: str | None = None) -> ReplaySeed:
        """The replay seed of the run of an object; the findings about it are expected again. Raises UsageError."""
        run_id, kind, id_ = self.find(name, run)
        about = [found for found in self.detect(run=run_id).findings if (found.subject.kind, found.subject.id) == (kind, id_)]
        findings = [finding for finding in about if finding.verdict == "found"]
        return seed_of_run(self._connection, Origin(run_id=run_id, subject=f"{kind}/{id_}"), findings)


def _some(names: Sequence[str], most: int = 10) -> str:
    """Some of the names, for a message."""
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
