"""Judges a log for somebody who is about to ask: while a browser still loads the scripts of a page, whose answer needs it."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import duckdb

from ingest.database import Database, open_for_read
from ingest.errors import TimelineError
from timeline.judged import judged
from timeline.published import view_of
from timeline.refresh import is_stale

POLL_SECONDS = 0.05


class Foresight:
    """One thread at most. What goes wrong in it goes wrong again for who asks, and is told then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = threading.Thread()
        self._database: Database | None = None
        self._is_over = False

    def begin(self) -> None:
        """Judge, if nobody does so already."""
        if not self._thread.is_alive():
            self._thread = threading.Thread(target=self._judge, name="foresight")
            self._thread.start()

    def end(self) -> None:
        """Break off: a thread that asks DuckDB when the process ends would bring it down."""
        self._is_over = True
        while self._thread.is_alive():
            if (database := self._database) is not None:
                with suppress(duckdb.Error):  # it has just been closed
                    database.connection.interrupt()
            self._thread.join(POLL_SECONDS)

    def _judge(self) -> None:
        with suppress(TimelineError, duckdb.Error), view_of(self._path) or open_for_read(self._path) as database:
            self._database = database
            # Models that are out of date are for who asks to build: meanwhile nobody could read.
            if not self._is_over and not is_stale(database.connection):
                judged(database)
        self._database = None
