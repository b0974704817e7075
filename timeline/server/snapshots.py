"""What readers of a served database read: a copy of its file as it was a moment ago, in a folder beside it.

A reader opens the copy read-only and shut off from everything else, as it would open any database. So nobody's query runs
where events are written, takes the memory that a commit needs, or keeps old rows alive. A copy is made when somebody
wants to read and there was a refresh since the last one; it is removed when a newer one is there and nobody opens it any more.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from ingest.database import Database, Limits, beside, duckdb_errors, open_for_read, storage_errors
from ingest.errors import StorageFailed

READ_LIMITS = Limits(memory_mib=256)
"""What one copy may use of this process, however many read it."""


class Copy(NamedTuple):
    """A copy, and what it has."""

    path: Path
    version: int
    """The refreshes that it has at least."""
    refreshed_at: float
    """When the last of them was, by the monotonic clock."""


class Snapshots:
    """Copies of a database, each while it is of use."""

    def __init__(self, database: Database, path: Path, writing: AbstractContextManager[object]) -> None:
        self._connection, self._path, self._writing = database.connection.cursor(), path, writing
        self._folder = beside(path, ".snapshots")
        shutil.rmtree(self._folder, ignore_errors=True)  # of a process that was killed
        self._folder.mkdir(mode=0o700)
        self._turn = threading.Lock()
        self._readers: dict[Path, int] = {}
        self._newest: Copy | None = None

    @contextmanager
    def held(self, version: int, refreshed_at: float) -> Iterator[Copy]:
        """A copy that has at least this version of the models; it stays for as long as the `with` lasts. Raises StorageFailed."""
        with self._turn:
            if self._newest is None or self._newest.version < version:
                self._newest = Copy(self._copied(version), version, refreshed_at)
            copy = self._newest
            self._readers[copy.path] = self._readers.get(copy.path, 0) + 1
            self._sweep()
        try:
            yield copy
        finally:
            with self._turn:
                self._readers[copy.path] -= 1
                self._sweep()

    def open(self, version: int, refreshed_at: float) -> Database:
        """The same, opened for reading: the open file stays when its name is gone."""
        with self.held(version, refreshed_at) as copy:
            return open_for_read(copy.path, READ_LIMITS)

    def close(self) -> None:
        """Remove all copies."""
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _copied(self, version: int) -> Path:
        """Copy the file while nobody writes it. Another process copies: one that opened the file here would lose DuckDB's lock on it."""
        path, draft = self._folder / f"{version}.duckdb", self._folder / "draft"
        with self._writing, storage_errors("copying", self._path), duckdb_errors("copying", self._path):
            self._connection.execute("CHECKPOINT")
            copy = ["cp", "--", str(self._path), str(draft)]
            done = subprocess.run(copy, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            draft.unlink(missing_ok=True)
            raise StorageFailed(f"copying {self._path} for those who read: {done.stderr.strip()}; what was committed is safe")
        return draft.rename(path)

    def _sweep(self) -> None:
        """Remove the copies that are not the newest, and that nobody is about to open."""
        for path in [path for path, readers in self._readers.items() if not readers and self._newest and path != self._newest.path]:
            del self._readers[path]
            path.unlink(missing_ok=True)
            beside(path, ".lock").unlink(missing_ok=True)
