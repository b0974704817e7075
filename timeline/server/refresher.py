"""The thread that keeps models and gauges up to date with the events, and leaves the machine to others most of the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ingest.database import Database
from timeline.api import Timeline
from timeline.gauges.openmetrics import exposition, scrape
from timeline.refresh import refreshed

REST = 3.0
"""Seconds of rest for each second of a processor: refreshing takes at most a quarter of one. By the processor's time and not by the
clock's, or else the gauges would get the older the more others have to do."""
REST_SECONDS_MIN = 0.25
INTERRUPT_SECONDS = 0.05
IDLE_SECONDS = 60.0
"""Without news it is measured again after so long: who scrapes can tell a quiet log from a measurement that hangs."""


class Refresher(threading.Thread):
    """Refreshes behind the writer: when there is news, and not before it has rested."""

    def __init__(self, database: Database, tell: Callable[[str], None]) -> None:
        super().__init__(name="refresher")
        self._path, self._connection, self._tell = database.path, database.connection.cursor(), tell
        self._news, self._stopping = threading.Event(), threading.Event()
        self.gauges = scrape([], None, is_up=False)
        """What the gauges say, as Prometheus reads it."""
        self.count = 0
        """Refreshes that were committed."""
        self.refreshed_at: float | None = None
        """When the last one was, by the monotonic clock."""
        self.error: str | None = None
        """Why the last one failed, where it did."""
        self._measured_us: int | None = None
        self._news.set()

    def run(self) -> None:
        """The thread."""
        while not self._stopping.is_set():
            self._news.wait(IDLE_SECONDS)
            self._news.clear()
            worked = time.thread_time()  # all of it: DuckDB has no threads of its own here
            if not self._stopping.is_set():
                self._refresh()
            is_first = self.count <= 1  # it makes the tables and reads our files, which is not done again
            self._stopping.wait(REST_SECONDS_MIN if is_first else max(REST_SECONDS_MIN, REST * (time.thread_time() - worked)))

    def age_seconds(self) -> float | None:
        """How long ago the last refresh ended; None before the first."""
        return None if self.refreshed_at is None else seconds_since(self.refreshed_at)

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    def end(self) -> None:
        """Break off what is being refreshed, and wait for the thread to end."""
        self._stopping.set()
        self._news.set()
        while self.is_alive():
            self._connection.interrupt()  # one query; there may be another behind it
            self.join(INTERRUPT_SECONDS)

    def _refresh(self) -> None:
        now_us = time.time_ns() // 1000
        try:
            with refreshed(self._connection):
                gauges = exposition(Timeline(Database(self._connection, self._path, None, is_writable=True)), now_us)
        except Exception as error:  # noqa: BLE001  whatever it was, events still come in, and the next refresh may succeed
            if not self._stopping.is_set():
                self._fail(error)
        else:
            self.gauges, self._measured_us, self.error = gauges, now_us, None
            self.refreshed_at, self.count = time.monotonic(), self.count + 1

    def _fail(self, error: Exception) -> None:
        """Old gauges would look as if all were well; say that there are none."""
        self.error = f"{type(error).__name__}: {error}".splitlines()[0]
        self.gauges = scrape([], self._measured_us, is_up=False)
        self._tell(f"refreshing the models failed: {self.error}")
        self._news.set()


def seconds_since(refreshed_at: float) -> float:
    """How long ago that was, by the monotonic clock."""
    return time.monotonic() - refreshed_at
