"""What a log is handed on as: each module of this folder is one format, and an option of `timeline export` of the same name.

A module has

    HELP                    what the option does, in a sentence
    METAVAR                 what is named: FILE, or DIR
    write(chosen, path)     writes it, whole or not at all, and gives the files that it wrote; raises UsageError, StorageFailed

The same database gives the same bytes. A format never asks what time it is, and nothing of the log becomes the name of a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from duckdb import DuckDBPyConnection

from timeline.findings import Finding, Report


@dataclass(frozen=True)
class Chosen:
    """What is handed on: a run, and in it perhaps one object or one finding."""

    connection: DuckDBPyConnection
    """The database, its models up to date."""
    run_id: str
    report: Report
    """The judgement of that run."""
    finding: Finding | None = None
    """The finding that was asked for."""
    subject: tuple[str, str] | None = None
    """Kind and id of the object that was asked for, or that the finding is about."""

    @property
    def found(self) -> list[Finding]:
        """What is proven about the run, the most urgent first."""
        return [one for one in self.report.findings if one.verdict == "found"]


class Format(Protocol):
    """What a module of this folder is."""

    HELP: str
    METAVAR: str

    def write(self, chosen: Chosen, path: Path) -> list[Path]:
        """Write it."""
        ...


def formats() -> dict[str, Format]:
    """Every format by name, in order of name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}
