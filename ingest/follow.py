"""Follow files while they grow: look at them often, load what is new, give the database back in between.

A file is known by its device and inode and kept open while it changes, so that it is read to its end when a rotation
renames or deletes it. The ledger says how far it was read, so that a kill at any moment loses nothing and doubles
nothing. What was destroyed before a look is a hole in the `seq` of its actor, and shows as an evidence gap.

The database is open only while a batch is loaded: a reader that meets one waits for `open_for_read`'s few seconds, and
while readers have it the follower waits and its lag grows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb

from ingest.batch import Counts
from ingest.database import Database
from ingest.errors import DatabaseBusy, UsageError
from ingest.ledger import STDIN, Entry
from ingest.load import Report, expanded, forced_source
from ingest.reading import Options, Reading, Transaction, open_regular

POLL_SECONDS = 0.25
BATCH_EVENTS = 50_000
"""After so many events the database is given back, whatever is left to read."""
CHUNK_BYTES = 4 * 1024 * 1024
"""Smaller than that of a plain ingest: a signal waits for the chunk at hand."""
OPEN_MAX = 128
"""Files that are kept open. Others are found again by name."""
QUIET_SECONDS = 60.0
"""A file that has not changed for so long is closed."""
_LAG = """INSERT INTO follow_lag BY NAME SELECT $path AS path, $device AS device, $inode AS inode,
    $lag_bytes AS lag_bytes, $lag_us AS lag_us, $committed_us AS committed_us"""


class Clock(Protocol):
    """The time, handed in so that a test need not wait for it."""

    def now_us(self) -> int:
        """Microseconds UTC."""

    def monotonic(self) -> float:
        """Seconds from some moment on, never backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until it is time to stop."""


class Identity(NamedTuple):
    """What a rename leaves as it is."""

    device: int
    inode: int


Signature = tuple[int, int, int]
"""Size and times of change and of metadata: a file where they are the same, and the last bytes too, has not changed."""


@dataclass
class Watched:
    """A file that is followed, by whatever name it has now."""

    path: str
    read: Signature | None = None
    """How it was when it was last read to its end."""
    seen: Signature | None = None
    """How it is now."""
    changed: float = 0.0
    """When it was last seen to change, by the monotonic clock."""
    descriptor: int | None = None
    entry: Entry | None = None
    is_pending: bool = False
    """Its last line has no end yet."""

    def look(self, status: os.stat_result, now: float) -> None:
        """Note how the file is now."""
        seen = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        is_rewritten = self.descriptor is not None and self.entry is not None and not self.entry.ends_as_it_did(self.descriptor)
        if seen != self.seen or (is_rewritten and self.read):  # two changes within one tick of the file system's clock look like one
            self.changed = now if self.seen == self.read else self.changed
            self.seen, self.read = seen, None if is_rewritten else self.read

    def close(self) -> None:
        """Give its descriptor back."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Follower:
    """A set of files that are read on while they grow."""

    def __init__(
        self,
        open_database: Callable[[], AbstractContextManager[Database]],
        sources: Sequence[str | Path],
        clock: Clock,
        *,
        own: Path | None = None,
        format: str | None = None,
        mapping: str | None = None,
        run: str | None = None,
        batch_events: int = BATCH_EVENTS,
        is_stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda message: None,
    ) -> None:
        if STDIN in map(str, sources):
            raise UsageError(f"following {STDIN}: standard input is read to its end without --follow; give files, globs or folders")
        self.open_database, self.sources, self.clock, self.own = open_database, sources, clock, own
        self.batch_events, self.is_stopped, self.tell = batch_events, is_stopped, tell
        self.options = Options(forced_source(format, mapping), run, CHUNK_BYTES, lambda progress: None, True, self._is_enough)
        self.watched: dict[Identity, Watched] = {}
        self.total, self.files, self.batch_end = Counts(), set[Identity](), 0
        self.told: set[str] = set()
        self.started = clock.monotonic()

    def follow(self, poll_seconds: float = POLL_SECONDS) -> Report:
        """Look and load until it is time to stop; what was loaded is committed then. Raises UsageError, StorageFailed."""
        try:
            while not self.is_stopped():
                self.poll()
                self.clock.sleep(poll_seconds)
        finally:
            self.close()
        return self.report()

    def poll(self) -> None:
        """Look at every file once, and load one batch of what is new."""
        self._look()
        news = [watched for watched in self.watched.values() if watched.seen != watched.read]
        if news:
            try:
                with self.open_database() as database:
                    self._load(database, sorted(news, key=lambda watched: (watched.changed, watched.path)))
            except DatabaseBusy as error:
                self._tell_once(f"{error}; following goes on when it is free")
            else:
                self.told.clear()
        self._close_quiet()

    def report(self) -> Report:
        """What was read so far. Lines that the ledger knew from before are not counted again."""
        self.total.check()
        report = Report(files=len(self.files), **vars(self.total))
        report.pending = sum(watched.is_pending for watched in self.watched.values())
        report.lines += report.pending
        report.seconds = round(self.clock.monotonic() - self.started, 3)
        return report

    def close(self) -> None:
        """Give all descriptors back."""
        for watched in self.watched.values():
            watched.close()

    def _look(self) -> None:
        now, named = self.clock.monotonic(), set[Identity]()
        for path in expanded(self.sources, self.own, waits=True):
            with suppress(OSError):  # gone since it was listed
                status = Path(path).stat()
                identity = Identity(status.st_dev, status.st_ino)
                watched = self.watched.setdefault(identity, Watched(path))
                watched.path = path
                named.add(identity)
                if watched.descriptor is None:
                    watched.look(status, now)
                    if watched.seen != watched.read and self._open_count() < OPEN_MAX:
                        self._open(identity, watched)
        for identity, watched in list(self.watched.items()):
            if watched.descriptor is not None:
                watched.look(os.fstat(watched.descriptor), now)
            elif identity not in named:
                del self.watched[identity]

    def _open(self, identity: Identity, watched: Watched) -> None:
        try:
            watched.descriptor = open_regular(watched.path, os.O_RDONLY)
        except OSError as error:
            self._tell_once(f"{watched.path}: {error.strerror or error}")
            watched.read = watched.seen
            return
        status = os.fstat(watched.descriptor)
        if Identity(status.st_dev, status.st_ino) != identity:  # another file has the name by now: the next look finds it
            watched.close()

    def _load(self, database: Database, news: list[Watched]) -> None:
        """Load what is new of these files, until there is enough for one batch."""
        self.batch_end = self.total.events + self.batch_events
        with Transaction(database) as transaction:
            for watched in news:
                if self._is_enough():
                    break
                if watched.descriptor is not None:
                    self._load_file(transaction, watched, watched.descriptor)

    def _load_file(self, transaction: Transaction, watched: Watched, descriptor: int) -> None:
        reading = Reading(transaction, watched.path, self.options, self.total)
        try:
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                stream.seek(0)
                watched.is_pending = bool(reading.load_open(stream))
        except OSError as error:
            self._tell_once(f"reading {watched.path}: {error.strerror or error}")
            watched.read = watched.seen
            return
        watched.entry = reading.entry
        self.files.add(Identity(reading.entry.device or 0, reading.entry.inode or 0))
        if not self._is_enough():
            watched.read = watched.seen
        self._note_lag(transaction.begin(), watched, reading)
        transaction.end()

    def _note_lag(self, connection: duckdb.DuckDBPyConnection, watched: Watched, reading: Reading) -> None:
        entry, size = reading.entry, reading.size or 0
        place = {"device": entry.device, "inode": entry.inode}
        connection.execute("DELETE FROM follow_lag WHERE device = $device AND inode = $inode", place)
        lag_us = max(0, int((self.clock.monotonic() - watched.changed) * 1_000_000))
        lag_bytes = max(0, size - (size if reading.is_packed else entry.disk_bytes or 0))
        stamps = {"lag_bytes": lag_bytes, "lag_us": lag_us, "committed_us": self.clock.now_us()}
        connection.execute(_LAG, {"path": entry.path, **place, **stamps})

    def _open_count(self) -> int:
        return sum(watched.descriptor is not None for watched in self.watched.values())

    def _is_enough(self) -> bool:
        return self.is_stopped() or self.total.events >= self.batch_end

    def _close_quiet(self) -> None:
        """Close what has not changed for long, and what is more than may be open; never a file with news."""
        idle = [watched for watched in self.watched.values() if watched.descriptor is not None and watched.seen == watched.read]
        waiting = sum(watched.descriptor is None and watched.seen != watched.read for watched in self.watched.values())
        many = self._open_count() + waiting - OPEN_MAX
        for rank, watched in enumerate(sorted(idle, key=lambda watched: watched.changed)):
            if rank < many or self.clock.monotonic() - watched.changed > QUIET_SECONDS:
                watched.close()

    def _tell_once(self, message: str) -> None:
        if message not in self.told:
            self.told.add(message)
            self.tell(message)
