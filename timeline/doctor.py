"""What is installed and what is missing, and whether the database can be read and trusted."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, requires
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ingest.errors import TimelineError
from timeline.api import Timeline
from timeline.published import is_there
from timeline.remote import address_of
from timeline.version import DISTRIBUTION, installed_version

SKEW_US = 1_000_000
"""An actor's clock that is off by more is told about."""

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+).*?(?:extra == ['\"](?P<extra>[^'\"]+)['\"])?$")
_RUNS = "SELECT count(*) AS runs, coalesce(sum(events), 0)::BIGINT AS events FROM log_bounds"
_SKEWS = "SELECT run_id, actor, offset_us FROM actor_clock ORDER BY abs(offset_us) DESC, run_id, actor"
_GAPS = (
    "SELECT run_id, actor, incarnation, first_missing, last_missing FROM evidence_gap ORDER BY run_id, actor, incarnation, first_missing"
)
_REJECTED = "SELECT path, reason, count(*) AS lines FROM rejected_line GROUP BY path, reason ORDER BY path, reason"


class Part(BaseModel):
    """Base of the parts of an examination."""

    model_config = ConfigDict(frozen=True)


class Skew(Part):
    """An actor whose clock is off."""

    run_id: str
    actor: str
    offset_us: int


class Gap(Part):
    """Events that are missing from the stream of an actor incarnation."""

    run_id: str
    actor: str
    incarnation: str | None
    first_missing: int
    last_missing: int


class Rejected(Part):
    """Lines of a file that could not be read as events."""

    path: str
    reason: str
    lines: int


class Log(Part):
    """What the database holds."""

    runs: int
    events: int
    skews: list[Skew]
    """Clocks that are off by more than a second, the worst first."""
    gaps: list[Gap]
    rejected: list[Rejected]


class Examination(Part):
    """The state of this installation, and of a database."""

    version: str | None
    """null where it runs from a source tree."""
    python: str
    packages: dict[str, str | None]
    """What the core needs: name to version; null where it is missing."""
    extras: dict[str, list[str]]
    """Extra to the packages of it that are missing; an empty list where it is whole."""
    replayers: list[str]
    commands: list[str]
    """Commands that other packages add."""
    database: str
    exists: bool
    log: Log | None
    """null where there is no database, or where it cannot be read."""
    trouble: str | None
    """Why the database cannot be read; it names the process that holds it."""
    exit_code: int
    """0, or the exit code of that trouble."""


def examine(path: Path, tell: Callable[[str], None] = lambda message: None) -> Examination:
    """Look at the installation and at the database at `path`. Never raises for what it finds there. `tell`: as for `timeline.open`."""
    packages, extras = _packages()
    log, trouble, exit_code = None, None, 0
    if exists := is_there(path):
        try:
            log = _log(path, tell)
        except TimelineError as error:
            trouble, exit_code = str(error), error.exit_code
    return Examination(
        version=installed_version(),
        python=platform.python_version(),
        packages=packages,
        extras=extras,
        replayers=_entries("timeline.replayers"),
        commands=_entries("timeline.commands"),
        database=address_of(path) or str(path),
        exists=exists,
        log=log,
        trouble=trouble,
        exit_code=exit_code,
    )


def _log(path: Path, tell: Callable[[str], None]) -> Log:
    with Timeline.open(path, tell) as log:
        (size,) = log.sql(_RUNS).to_dicts()
        skews = [Skew(**row) for row in log.sql(_SKEWS).to_dicts() if abs(row["offset_us"]) > SKEW_US]
        gaps = [Gap(**row) for row in log.sql(_GAPS).to_dicts()]
        rejected = [Rejected(**row) for row in log.sql(_REJECTED).to_dicts()]
        return Log(runs=size["runs"], events=size["events"], skews=skews, gaps=gaps, rejected=rejected)


def _packages() -> tuple[dict[str, str | None], dict[str, list[str]]]:
    """What the core needs with its versions, and what each extra lacks."""
    core: dict[str, str | None] = {}
    extras: dict[str, list[str]] = {}
    try:
        declared = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        declared = []
    for requirement in declared:
        match = _REQUIREMENT.match(requirement)
        assert match is not None, f"{requirement!r} is no requirement"
        name, extra = match["name"], match["extra"]
        found = installed_version(name)
        if extra is None:
            core[name] = found
        else:
            missing = extras.setdefault(extra, [])
            missing += [name] if found is None else []
    return core, extras


def _entries(group: str) -> list[str]:
    return sorted({entry.name for entry in entry_points(group=group)})
