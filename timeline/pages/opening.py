"""What a notebook opens at: the database, the run, and what its address asks for, as far as the log has it.

Nothing here raises for what a person typed or a link that is out of date says: the page tells it and opens without it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import timeline
from ingest.errors import TimelineError, UsageError
from timeline.api import Timeline
from timeline.findings import Finding, Report
from timeline.links import Place


@dataclass(frozen=True)
class Opening:
    """What can be shown; where nothing can, why not and what to do."""

    database: str
    log: Timeline | None = None
    runs: list[str] = field(default_factory=list)
    """All runs of the database; there is at least one where there is a log."""
    says: str = ""
    """Why nothing can be shown."""


def database_of(arguments: Mapping[str, object]) -> str:
    """The path that was given on the command line, else in TIMELINE_DB, else the usual one."""
    return str(arguments.get("db") or os.environ.get("TIMELINE_DB", "timeline.duckdb"))


def opening(database: str) -> Opening:
    """The log in a database."""
    load = f"Load a log with: timeline ingest FILE --db {database}"
    if not Path(database).is_file():
        return Opening(database, says=f"There is no database at {database}. {load}")
    try:
        log = timeline.open(database)
        runs = log.runs()["run_id"].to_list()
    except TimelineError as error:
        return Opening(database, says=f"The database cannot be shown: {error}")
    if not runs:
        return Opening(database, says=f"The database {database} holds no event yet. {load}")
    return Opening(database, log, runs)


def every(runs: list[str]) -> str:
    """The choice of all runs, where there are several."""
    return f"all {len(runs):,} runs" if len(runs) > 1 else ""


@dataclass(frozen=True)
class Asked:
    """What an address asks for, held against the log. What is not there is None, and told in `notes`."""

    run: str | None = None
    kind: str | None = None
    id: str | None = None
    finding: str | None = None
    as_of_us: int | None = None
    notes: tuple[str, ...] = ()


def asked_of(opened: Opening, place: Place) -> Asked:
    """The run, object and moment of an address, as far as the log has them; a finding is looked for by `finding_of`."""
    log, notes = opened.log, []
    if log is None:
        return Asked()
    run = place.get("run")
    if run is not None and run not in opened.runs:
        notes.append(f"The run {run} that the address names is not in this database.")
        run = None
    kind = id_ = as_of_us = None
    if name := place.get("object"):
        try:
            run, kind, id_ = _found(log, opened.runs if run is None else [run], name)
        except UsageError as error:
            notes.append(f"The object that the address names is not shown: {error}")
    if moment := place.get("as_of"):
        try:
            as_of_us = log.moment(str(moment), run)
        except UsageError as error:
            notes.append(f"The moment that the address names is not shown: {error}")
    return Asked(run, kind, id_, place.get("finding"), as_of_us, tuple(notes))


def finding_of(report: Report, finding_id: str | None) -> tuple[Finding | None, str]:
    """The finding whose id begins so, and what to say where there is none."""
    if not finding_id:
        return None, ""
    fits = [one for one in report.findings if one.finding_id.startswith(finding_id)]
    if len(fits) == 1:
        return fits[0], ""
    return None, f"The finding {finding_id} that the address names is not found in this log any more; all that is found is shown."


def _found(log: Timeline, runs: list[str], name: str) -> tuple[str, str, str]:
    """Run, kind and id of the object of an address. Raises UsageError where no run has it."""
    kind, _, id_ = name.partition("/")
    there = [run for run in log.runs_with(kind, id_) if run in runs]
    return log.find(name, there[0] if there else runs[0])
