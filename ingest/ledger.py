"""The ledger: what was read of each file, kept in the transaction of its events, so that the two never disagree.

A file is only resumed where its beginning and the bytes before the offset are what they were; otherwise it is read
from its start, and the identity of events removes what is known.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

import duckdb

from ingest.batch import Counts
from ingest.database import first_row

FINGERPRINT_BYTES = 64 * 1024
TAIL_BYTES = 256
STDIN = "-"
_INSERT = """INSERT INTO ingest_file BY NAME SELECT
    $file_id AS file_id, $path AS path, $format AS format, $fingerprint AS fingerprint, $offset_bytes AS offset_bytes,
    $disk_bytes AS disk_bytes, $tail_sha256 AS tail_sha256, $lines AS lines, $events AS events, $duplicates AS duplicates,
    $conflicts AS conflicts, $quarantined AS quarantined, $blank AS blank"""


@dataclass
class Entry:
    """One row of ingest_file."""

    file_id: int
    path: str
    format: str = ""
    fingerprint: str = ""
    offset_bytes: int = 0
    disk_bytes: int | None = 0
    tail_sha256: str = ""
    counts: Counts = field(default_factory=Counts)

    def is_continued_by(self, descriptor: int) -> bool:
        """Whether an open file still begins as it did, up to the place where reading stopped."""
        if not self.disk_bytes or os.fstat(descriptor).st_size < self.disk_bytes:
            return False
        return (self.fingerprint, self.tail_sha256) == _marks(descriptor, self.disk_bytes)

    def stop_at(self, descriptor: int | None, offset_bytes: int, disk_bytes: int | None) -> None:
        """Note how far the file was read."""
        self.offset_bytes, self.disk_bytes = offset_bytes, disk_bytes
        if descriptor is not None and disk_bytes is not None:
            self.fingerprint, self.tail_sha256 = _marks(descriptor, disk_bytes)

    def restart(self) -> None:
        """The file will be read from its start."""
        self.offset_bytes, self.disk_bytes, self.counts = 0, 0, Counts()

    def save(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the row, replacing the file's former one."""
        connection.execute("DELETE FROM ingest_file WHERE file_id = ?", [self.file_id])
        values = vars(self) | vars(self.counts)
        del values["counts"]
        connection.execute(_INSERT, values)


def entry_for(connection: duckdb.DuckDBPyConnection, path: str) -> Entry:
    """The row of a path, or a new one. Standard input is another file each time."""
    row = first_row(connection, "FROM ingest_file WHERE path = $path AND path <> $stdin", {"path": path, "stdin": STDIN})
    if row is not None:
        file_id, path, source, fingerprint, offset_bytes, disk_bytes, tail_sha256, *counts = row
        return Entry(file_id, path, source, fingerprint, offset_bytes, disk_bytes, tail_sha256, Counts(*counts))
    last = first_row(connection, "SELECT coalesce(max(file_id), 0) FROM ingest_file")
    assert last is not None
    return Entry(last[0] + 1, path)


def _marks(descriptor: int, disk_bytes: int) -> tuple[str, str]:
    head = os.pread(descriptor, min(FINGERPRINT_BYTES, disk_bytes), 0)
    start = max(0, disk_bytes - TAIL_BYTES)
    return hashlib.sha256(head).hexdigest(), hashlib.sha256(os.pread(descriptor, disk_bytes - start, start)).hexdigest()
