"""`timeline db migrate`: a database of an older version."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from timeline import signals
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line


def command(db: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Make a database that an older version made one of this version, with all its events, refused lines, and places in files.

    A new one is made beside it and takes its name when it is whole; the old one stays beside it under another name and can be
    removed. Events keep their numbers; timelines and findings are the same. One of this version stays as it is; one that a newer
    version made is refused, and nothing is changed. It takes as much room again as the old one has.

    Example:
        timeline db migrate --db timeline.duckdb
    """
    from ingest.migrate import migrate
    from timeline.refresh import model_tables

    with _shown() as on_progress:
        told = migrate(db, model_tables(), on_wait=note, on_progress=on_progress)
    if as_json:
        print_json(told.model_dump())
        return
    if told.kept is None:
        print_line(f"{db}: it is of this version, {told.now}; nothing was to be done")
        return
    print_line(f"{db}: was {told.was}, is {told.now}")
    print_line(f"events: {told.events}")
    print_line(f"kept: {shlex.quote(told.kept)}")
    for left in told.left:
        print_line(f"only there, because this version has no place for it: {left.what}, rows: {left.rows}")


@contextmanager
def _shown() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, where that is a terminal; and a look whether a signal came that was lost."""
    if not sys.stderr.isatty():
        yield lambda events, of: signals.end_if_asked()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("migrate", total=None)

        def show(events: int, of: int) -> None:
            signals.end_if_asked()
            bar.update(task, completed=events, total=of)

        yield show
