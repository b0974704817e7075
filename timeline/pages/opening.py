"""How every page begins: what it was given, the log, its runs, and what its address asks for, as far as the log has it.

Nothing here raises for what a person typed or a link that is out of date says: the page tells it and opens without it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timeline
from ingest.errors import TimelineError, UsageError
from timeline.api import Timeline
from timeline.findings import Finding, Report
from timeline.links import Place, place_of


@dataclass(frozen=True)
class Given:
    """What a page was started with."""

    database: str
    """Its path, or the address of a server."""
    place: Place = field(default_factory=Place)
    """Where it is to open."""
    flags: Mapping[str, object] = field(default_factory=dict)
    """The command line of a script, as marimo reads it."""

    @property
    def seed_file(self) -> Path | None:
        """The seed file of a command line; an address opens no file by its path."""
        return Path(str(self.flags["seed"])) if "seed" in self.flags else None


def given(flags: Mapping[str, Any], query: Mapping[str, Any]) -> Given:
    """From a command line and the parameters of an address, which go before it; without `--db`, TIMELINE_DB, else the usual path."""
    database = str(flags.get("db") or os.environ.get("TIMELINE_DB", "timeline.duckdb"))
    return Given(database, place_of({**flags, **query}), flags)


@dataclass(frozen=True)
class Asked:
    """What an address asks for, held against the log. What is not there is None, and told in `notes`."""

    run: str | None = None
    kind: str | None = None
    id: str | None = None
    finding: str | None = None
    as_of_us: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """`kind/id` of the object; None where none is asked for."""
        return None if self.id is None else f"{self.kind}/{self.id}"


@dataclass(frozen=True)
class Opening:
    """What can be shown; where nothing can, why not and what to do."""

    runs: list[str] = field(default_factory=list)
    """All runs of the database; there is at least one where there is a log."""
    asked: Asked = field(default_factory=Asked)
    says: str = ""
    """Why nothing can be shown; empty where there is a log."""
    there: Timeline | None = None

    @property
    def log(self) -> Timeline:
        """The log, which is there where `says` is empty."""
        assert self.there is not None, self.says
        return self.there


def opening(given: Given) -> Opening:
    """The log of a page, and what it is asked for."""
    load = f"Load a log with: timeline ingest FILE --db {given.database}"
    if not Path(given.database).is_file():
        return Opening(says=f"There is no database at {given.database}. {load}")
    try:
        log = timeline.open(given.database)
        runs = log.runs()["run_id"].to_list()
    except TimelineError as error:
        return Opening(says=f"The database cannot be shown: {error}")
    if not runs:
        return Opening(says=f"The database {given.database} holds no event yet. {load}")
    return Opening(runs, _asked(log, runs, given.place), there=log)


def every(runs: list[str]) -> str:
    """The choice of all runs, where there are several."""
    return f"all {len(runs):,} runs" if len(runs) > 1 else ""


def finding_of(report: Report, finding_id: str | None) -> tuple[Finding | None, str]:
    """The finding whose id begins so, and what to say where there is none."""
    if not finding_id:
        return None, ""
    fits = [one for one in report.findings if one.finding_id.startswith(finding_id)]
    if len(fits) == 1:
        return fits[0], ""
    return None, f"The finding {finding_id} that the address names is not found in this log any more; all that is found is shown."


def _asked(log: Timeline, runs: list[str], place: Place) -> Asked:
    """The run, object and moment of an address, as far as the log has them; a finding is looked for by `finding_of`."""
    notes = []
    run = place.get("run")
    if run is not None and run not in runs:
        notes.append(f"The run {run} that the address names is not in this database.")
        run = None
    kind = id_ = as_of_us = None
    if name := place.get("object"):
        try:
            run, kind, id_ = _found(log, runs if run is None else [run], name)
        except UsageError as error:
            notes.append(f"The object that the address names is not shown: {error}")
    if moment := place.get("as_of"):
        try:
            as_of_us = log.moment(str(moment), run)
        except UsageError as error:
            notes.append(f"The moment that the address names is not shown: {error}")
    return Asked(run, kind, id_, place.get("finding"), as_of_us, tuple(notes))


def _found(log: Timeline, runs: list[str], name: str) -> tuple[str, str, str]:
    """Run, kind and id of the object of an address. Raises UsageError where no run has it."""
    kind, _, id_ = name.partition("/")
    there = [run for run in log.runs_with(kind, id_) if run in runs]
    return log.find(name, there[0] if there else runs[0])
