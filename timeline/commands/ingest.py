"""`timeline ingest`: logs into the database."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from timeline.safe import printable
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from ingest.database import Database as DatabaseFile
    from ingest.load import Report
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
    lock_timeout: Annotated[
        float, typer.Option("--lock-timeout", metavar="SECONDS", help="Without --follow: how long to wait for another process.")
    ] = 10.0,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each file is taken for and why, and load nothing.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on reading what is written, until a signal ends it.")] = False,
    poll: Annotated[float, typer.Option("--poll", metavar="SECONDS", min=0.01, help="With --follow: time between two looks.")] = 0.25,
    batch: Annotated[int, typer.Option("--batch", metavar="EVENTS", min=1, help="With --follow: events until readers may in.")] = 50_000,
    as_json: AsJson = False,
) -> None:
    """Load logs into the database, every event once; what cannot be read as an event is kept in rejected_line, with the reason.

    Loading the same file again, a copy of it or a packed one adds nothing. A file that grew is read on from where it ended.

    With --follow it looks at the files again and again and loads what is new, through rotation, truncation and packing. SIGINT
    and SIGTERM end it with everything committed, a report, and exit code 130 or 143. It has the database only while it loads:
    a command that reads meanwhile waits up to 3 seconds, and while one reads the follower waits. Table follow_lag says how far it is.

    Example:
        timeline ingest events.jsonl more/*.jsonl.gz
        timeline ingest app.log --mapping app.toml
        timeline ingest --explain unknown.log
        timeline ingest --follow '/var/log/scheduler/*.jsonl*'
        kubectl get events -A -o json | timeline ingest -
    """
    from ingest.database import INGEST_LIMITS, open_for_write
    from ingest.errors import UsageError
    from ingest.load import explain as explained
    from ingest.load import load

    if follow and strict:
        raise UsageError("--follow and --strict: following ends with the exit code of a signal; give one of the two")
    if explain:
        taken = explained(sources, format=format, mapping=mapping)
        if as_json:
            print_json([each._asdict() for each in taken])
        else:
            print_table(["file", "format", "because"], [list(each) for each in taken])
        return
    if follow:
        _follow(sources, db, poll, format=format, mapping=mapping, run=run, batch_events=batch, is_json=as_json)
    with open_for_write(db, INGEST_LIMITS, lock_timeout, note) as database, _shown() as show:
        report = load(database, sources, format=format, mapping=mapping, run=run, on_progress=show)
    _print(report, as_json)
    if not as_json and report.quarantined and not strict:
        note(f"what was refused, where and why: timeline rejected --db {shlex.quote(str(db))}")
    if not as_json and report.pending:
        note("pending: a last line without line end may be half of one; a text log that is finished loads whole through a pipe, with -")
    report.check(is_strict=strict)


def _print(report: Report, is_json: bool) -> None:
    if is_json:
        print_json(report.model_dump())
        return
    rest = "".join(f", {getattr(report, name)} {words}" for name, words in _ALSO.items() if getattr(report, name))
    print_line(f"{report.events} events from {report.lines} lines of {report.files} files in {report.seconds:.1f} s{rest}")


class _SystemClock:
    """The clock of this machine; its sleep ends with the first signal."""

    now_us, monotonic = staticmethod(lambda: time.time_ns() // 1000), staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.stopped_by = 0
        self._stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _on_signal(self, number: int, _: object) -> None:
        if self.stopped_by:
            sys.exit(128 + number)  # asked twice: do not wait for the chunk at hand
        self.stopped_by = number
        self._stop.set()


def _follow(sources: list[str], db: Path, poll_seconds: float, *, is_json: bool, **options: Any) -> NoReturn:
    """Follow the sources until a signal comes; exits with its code."""
    from ingest.database import INGEST_LIMITS, open_for_write
    from ingest.follow import Follower

    clock = _SystemClock()

    def opened() -> DatabaseFile:
        return open_for_write(db, INGEST_LIMITS, 0.0)

    follower = Follower(opened, sources, clock, own=db, is_stopped=lambda: bool(clock.stopped_by), tell=note, **options)
    _print(follower.follow(poll_seconds), is_json)
    raise typer.Exit(128 + clock.stopped_by)


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
