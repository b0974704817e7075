"""Owns a database while it is served: the threads that write and refresh it, and what others may read of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from ingest.database import Database, Limits, open_for_write
from ingest.errors import DatabaseBusy, TimelineError
from timeline import published
from timeline.server.intake import Intake
from timeline.server.refresher import Refresher
from timeline.server.snapshots import Copy, Snapshots
from timeline.server.writer import Writer

LIMITS = Limits(memory_mib=512, threads=1)
"""What writing and refreshing may use: whatever does not fit is spilled beside the database. Each of the two does its work in its own
thread, so that a refresh never has more than one processor and whoever sends or asks finds another."""


class Owner:
    """A database that is served. Use it as a context manager; leaving it commits what was accepted and closes the database."""

    def __init__(self, path: Path, sources: Sequence[str | Path] = (), *, tell: Callable[[str], None]) -> None:
        """Open the database alone, making it where there is none. Raises DatabaseBusy, DatabaseUnusable, StorageFailed, UsageError."""
        self.path = path
        self.intake = Intake()
        self.failure: Exception | None = None
        """Why nothing can be written any more."""
        self._on_failure: Callable[[], None] = lambda: None
        self._database = open_for_write(path, LIMITS, 0.0)
        try:
            self._writing = threading.Lock()
            self.refresher = Refresher(self._database, tell)
            self.writer = Writer(
                self._database, path, self._writing, self.intake, sources, on_commit=self.refresher.wake, on_failure=self._fail, tell=tell
            )
            self._snapshots = Snapshots(self._database, path, self._writing)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        published.publish(self.path, self.opened)
        self.writer.start()
        self.refresher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        published.withdraw(self.path)
        self.writer.stop()
        self.refresher.end()
        self.writer.join()
        self._snapshots.close()
        with suppress(*[TimelineError, duckdb.Error] if self.failure else []):
            self._database.close()

    def announce(self, address: str, on_failure: Callable[[], None]) -> None:
        """Let others who find the database busy know the address; be told where nothing can be written any more."""
        self._on_failure = on_failure
        self._database.announce(address)

    def opened(self) -> Database:
        """The database for reading, as it was at the last refresh or later. Raises DatabaseBusy before the first one, StorageFailed."""
        return self._snapshots.open(*self._refreshed())

    def held(self) -> AbstractContextManager[Copy]:
        """The same as a file, for another process; it stays for as long as the `with` lasts. Raises as `opened` does."""
        return self._snapshots.held(*self._refreshed())

    def _refreshed(self) -> tuple[int, float]:
        """How many refreshes there were, and when the last one was. A new database has no models before the first."""
        count, at = self.refresher.count, self.refresher.refreshed_at
        if at is None:
            why = f"; refreshing it failed: {self.refresher.error}" if self.refresher.error else ""
            raise DatabaseBusy(f"reading {self.path}: it was not refreshed yet{why}; run again in a moment")
        return count, at

    def at_rest(self) -> AbstractContextManager[object]:
        """While the `with` lasts, nobody writes events: what arrives waits."""
        return self._writing

    def is_alive(self) -> bool:
        """Whether the threads run. If not, only another process will help."""
        return self.writer.is_alive() and self.refresher.is_alive()

    def unready(self) -> list[str]:
        """Why no events should be sent here now, or no gauges believed; empty where all is well."""
        reasons = {
            "the database cannot be written": self.failure is not None or not self.writer.is_alive(),
            "the queue is full": self.intake.is_full,
            "the models were not refreshed yet": self.refresher.refreshed_at is None,
            "the last refresh failed": self.refresher.error is not None,
        }
        return [reason for reason, holds in reasons.items() if holds]

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        self._on_failure()
