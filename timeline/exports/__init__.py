"""What a log is handed on as: each module of this folder is one format, and an option of `timeline export` of the same name.

A module has

    HELP                    what the option does, in a sentence: a literal
    METAVAR                 what is named, FILE or DIR: a literal
    write(chosen, path)     writes it, whole or not at all, and gives the files that it wrote; raises UsageError, StorageFailed

The same database gives the same bytes. A format never asks what time it is, and nothing of the log becomes the name of a file.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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


class Format(NamedTuple):
    """A module of this folder."""

    name: str
    help: str
    metavar: str

    def write(self, chosen: Chosen, path: Path) -> list[Path]:
        """Write it; the files that were written."""
        written: list[Path] = importlib.import_module(f"{__name__}.{self.name}").write(chosen, path)
        return written


def formats() -> dict[str, Format]:
    """Every format by name, in order of name. The modules are read and not imported: a command line has no time for all of them."""
    files = sorted(file for file in Path(__file__).parent.glob("*.py") if file.stem != "__init__")
    return {file.stem: Format(file.stem, *_literals(file, "HELP", "METAVAR")) for file in files}


def _literals(file: Path, *names: str) -> list[str]:
    """What those names are bound to in a module."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    bound = {
        target.id: node.value for node in body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)
    }
    return [str(ast.literal_eval(bound[name])) for name in names]
