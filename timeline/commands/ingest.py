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
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from timeline import signals
from timeline.safe import printable
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from ingest.database import Database as DatabaseFile
    from ingest.load import Report
    from ingest.reading import Progress


_ALSO = {"duplicates": "known already", "conflicts": "in conflict", "quarantined": "refused", "blank": "blank", "pending": "pending"}


def command(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Files, globs, folders; - is standard input; or `prometheus` with --url.")
    ],
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
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Prometheus: http://HOST:PORT of the server.")] = None,
    query: Annotated[str | None, typer.Option("--query", metavar="PROMQL", help="Prometheus: what to ask.")] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", help="Prometheus: from when, in RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="TIME", help="Prometheus: until when.")] = None,
    step: Annotated[str, typer.Option("--step", metavar="DURATION", help="Prometheus: its scrape interval, or longer.")] = "1m",
    as_json: AsJson = False,
) -> None:
    r"""Load logs into the database, every event once; what cannot be read as an event is kept in rejected_line, with the reason.

    Loading the same file again, a copy of it or a packed one adds nothing. A file that grew is read on from where it ended.

    With --follow it looks at the files again and again and loads what is new, through rotation, truncation and packing. SIGINT
    and SIGTERM end it with everything committed, a report, and exit code 130 or 143. It has the database only while it loads:
    a command that reads meanwhile waits up to 3 seconds, and while one reads the follower waits. Table follow_lag says how far it is.

    With --url the source is `prometheus`: changes of the gauges that --query asks for become events, by the mapping `prometheus`
    unless --mapping names another, such as the shipped `duckgres`. Nothing is loaded unless all was answered; a window that
    overlaps one that is here adds only what is new. A bearer token is read from the file that PROMETHEUS_TOKEN_FILE names.

    Example:
        timeline ingest events.jsonl more/*.jsonl.gz
        timeline ingest app.log --mapping app.toml
        timeline ingest --explain unknown.log
        timeline ingest --follow '/var/log/scheduler/*.jsonl*'
        kubectl get events -A -o json | timeline ingest -
        timeline ingest prometheus --url http://localhost:9090 --query 'duckgres_control_plane_janitor_is_leader' \
            --start 2026-01-31T00:00:00Z --end 2026-02-01T00:00:00Z --mapping duckgres
    """
    from ingest.database import INGEST_LIMITS, open_for_write
    from ingest.errors import UsageError
    from ingest.load import explain as explained
    from ingest.load import load

    if follow and strict:
        raise UsageError("--follow and --strict: following ends with the exit code of a signal; give one of the two")
    if any(given is not None for given in (url, query, start, end)):
        is_alone = sources == ["prometheus"] and not (follow or explain or format)
        report = _from_prometheus(_Asked(is_alone, url, query, start, end, step), db, lock_timeout, mapping, run)
        _finish(report, db, is_strict=strict, is_json=as_json)
        return
    if explain:
        taken = explained(sources, format=format, mapping=mapping)
        if as_json:
            print_json([each._asdict() for each in taken])
        else:
            print_table(["file", "format", "because"], [list(each) for each in taken])
        return
    if follow:
        _follow(sources, db, poll, format=format, mapping=mapping, run=run, batch_events=batch, is_json=as_json)
    with _shown() as show, open_for_write(db, INGEST_LIMITS, lock_timeout, note) as database:
        report = load(database, sources, format=format, mapping=mapping, run=run, on_progress=show)
    _finish(report, db, is_strict=strict, is_json=as_json)


def _finish(report: Report, db: Path, *, is_strict: bool, is_json: bool) -> None:
    """Print the report and what to do about it. Raises StorageFailed, InputRejected."""
    _print(report, is_json)
    if not is_json and report.quarantined and not is_strict:
        note(f"what was refused, where and why: timeline rejected --db {shlex.quote(str(db))}")
    if not is_json and report.pending:
        note("pending: a last line without line end may be half of one; a text log that is finished loads whole through a pipe, with -")
    report.check(is_strict=is_strict)


def _print(report: Report, is_json: bool) -> None:
    if is_json:
        print_json(report.model_dump())
        return
    rest = "".join(f", {getattr(report, name)} {words}" for name, words in _ALSO.items() if getattr(report, name))
    print_line(f"{report.events} events from {report.lines} lines of {report.files} files in {report.seconds:.1f} s{rest}")


class _Asked(NamedTuple):
    """What is to be asked of Prometheus, as it was typed."""

    is_alone: bool
    """Prometheus is the only source, and nothing was given that goes with files only."""
    url: str | None
    query: str | None
    start: str | None
    end: str | None
    step: str


def _from_prometheus(asked: _Asked, db: Path, lock_timeout: float, mapping: str | None, run: str | None) -> Report:
    """Ask for everything, then load it. Raises UsageError, UpstreamUnavailable, StorageFailed."""
    from ingest.database import INGEST_LIMITS, open_for_write
    from ingest.duration import positive_us
    from ingest.errors import UsageError
    from ingest.prometheus import Prometheus, Window, load_rows, spooled
    from timeline.moment import moment_us

    if not asked.is_alone:
        raise UsageError("--url, --query, --start, --end: for `timeline ingest prometheus`; not with --follow, --explain, --format")
    if not (asked.url and asked.query and asked.start and asked.end):
        raise UsageError("`timeline ingest prometheus` needs --url, --query, --start and --end")
    try:
        start_us, end_us, step_us = moment_us(asked.start.upper()), moment_us(asked.end.upper()), positive_us(asked.step)
    except (ValueError, TypeError):
        raise UsageError("--start and --end: write 2026-01-31T12:00:00Z; --step: write 15s or 1m") from None
    window, prometheus = Window.around(start_us, end_us, step_us), Prometheus(asked.url)
    with spooled(prometheus.rows(asked.query, window)) as rows, open_for_write(db, INGEST_LIMITS, lock_timeout, note) as database:
        return load_rows(database, prometheus, asked.query, rows, mapping=mapping, run=run)


class _SystemClock:
    """The clock of this machine; its sleep ends with the first signal."""

    now_us, monotonic = staticmethod(lambda: time.time_ns() // 1000), staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.stopped_by = 0
        self._stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        signals.end_if_asked()

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
    """A progress bar on standard error, where that is a terminal; and a look whether a signal came that was lost."""
    if not sys.stderr.isatty():
        yield lambda progress: signals.end_if_asked()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TextColumn("{task.fields[events]} events"))
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("ingest", events=0)

        def show(at: Progress) -> None:
            signals.end_if_asked()
            bar.update(task, description=printable(at.path), completed=at.done_bytes, total=at.total_bytes, events=at.events)

        yield show
