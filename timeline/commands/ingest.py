"""`timeline ingest`: logs into the database."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.safe import printable
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from ingest.reading import Progress


_ALSO = {"duplicates": "known already", "conflicts": "in conflict", "quarantined": "refused", "blank": "blank", "pending": "pending"}


def command(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Files, globs, folders; - is standard input.")],
    db: Database = DEFAULT_DATABASE,
    format: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="Say what it is, instead of looking.")] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", metavar="FILE", help="A TOML file that describes the format, or the name of a shipped one.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="ID", help="The run of lines that name none.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where a line was refused; good lines load all the same.")] = False,
    lock_timeout: Annotated[float, typer.Option("--lock-timeout", metavar="SECONDS", help="How long to wait for another process.")] = 10.0,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each file is taken for and why, and load nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load logs into the database, every event once; what cannot be read as an event is kept in rejected_line, with the reason.

    Loading the same file again, a copy of it or a packed one adds nothing. A file that grew is read on from where it ended.

    Example:
        timeline ingest events.jsonl more/*.jsonl.gz
        timeline ingest app.log --mapping app.toml
        timeline ingest --explain unknown.log
        kubectl get events -A -o json | timeline ingest -
    """
    from ingest.database import INGEST_LIMITS, open_for_write
    from ingest.load import explain as explained
    from ingest.load import load

    if explain:
        taken = explained(sources, format=format, mapping=mapping)
        if as_json:
            print_json([each._asdict() for each in taken])
        else:
            print_table(["file", "format", "because"], [list(each) for each in taken])
        return
    with open_for_write(db, INGEST_LIMITS, lock_timeout, note) as database, _shown() as show:
        report = load(database, sources, format=format, mapping=mapping, run=run, on_progress=show)
    if as_json:
        print_json(report.model_dump())
    else:
        rest = "".join(f", {getattr(report, name)} {words}" for name, words in _ALSO.items() if getattr(report, name))
        print_line(f"{report.events} events from {report.lines} lines of {report.files} files in {report.seconds:.1f} s{rest}")
        if report.quarantined and not strict:
            query = "SELECT path, line_no, reason, detail FROM rejected_line"
            note(f"what was refused, where and why: timeline sql --db {shlex.quote(str(db))} '{query}'")
    report.check(is_strict=strict)


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TextColumn("{task.fields[events]} events"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("ingest", events=0)
        yield lambda at: bar.update(task, description=printable(at.path), completed=at.done_bytes, total=at.total_bytes, events=at.events)
