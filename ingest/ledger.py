"""The ledger: what was read of each file, kept in the transaction of its events, so that the two never disagree.

A file is known by its device and inode, or by its path, and only resumed where its beginning and the bytes before the
offset are what they were. A copy of it, packed or not, is known by everything that was read of it. Otherwise a file is
read from its start, and the identity of events removes what is known. What it was before stays in the ledger.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb

from ingest.batch import Counts
from ingest.chunks import CompressedInputBroken
from ingest.database import first_row, number_of

FINGERPRINT_BYTES = 64 * 1024
"""The most of a file's beginning that tells it from others: a power of two, as every shorter beginning is."""
TAIL_BYTES = 4096
"""So many bytes before the place where reading stopped have to be what they were: more than the end of one line, which others may share."""
STDIN = "-"
PLACE_COLUMNS = 10
"""Columns of ingest_file before its counts."""
CANDIDATES = 16
"""Rows of the ledger that a file is held against, the newest first. Any limit is right: what is not known is read again."""
_INSERT = """INSERT INTO ingest_file BY NAME SELECT
    $file_id AS file_id, $path AS path, $device AS device, $inode AS inode, $format AS format,
    $fingerprint AS fingerprint, $offset_bytes AS offset_bytes,
    $disk_bytes AS disk_bytes, $tail_sha256 AS tail_sha256, $crc32 AS crc32, $lines AS lines, $events AS events, $duplicates AS duplicates,
    $conflicts AS conflicts, $quarantined AS quarantined, $blank AS blank"""


@dataclass
class Entry:
    """One row of ingest_file."""

    file_id: int
    path: str
    device: int | None = None
    inode: int | None = None
    format: str = ""
    fingerprint: str = ""
    offset_bytes: int = 0
    disk_bytes: int | None = 0
    tail_sha256: str = ""
    crc32: int | None = 0
    counts: Counts = field(default_factory=Counts)

    def is_continued_by(self, descriptor: int) -> bool:
        """Whether an open file still begins as it did, up to the place where reading stopped."""
        if not self.disk_bytes or os.fstat(descriptor).st_size < self.disk_bytes:
            return False
        return (self.fingerprint, self.tail_sha256) == _marks(descriptor, self.disk_bytes)

    def ends_as_it_did(self, descriptor: int) -> bool:
        """Whether the bytes before the place where reading stopped are what they were; cheaper than all of `is_continued_by`."""
        return not self.disk_bytes or self.tail_sha256 == _tail_mark(descriptor, self.disk_bytes)

    def took(self, text: bytes, offset_bytes: int) -> None:
        """Count bytes that were read at an offset into the checksum. Where bytes are missing there is none any more."""
        is_next = self.crc32 is not None and offset_bytes == self.offset_bytes
        self.crc32 = zlib.crc32(text, self.crc32 or 0) if is_next else None

    def stop_at(self, descriptor: int | None, offset_bytes: int, disk_bytes: int | None, last: bytes = b"") -> None:
        """Note how far the file was read. Where the `last` bytes that were read are not there, it changed meanwhile: never resume it."""
        self.offset_bytes, self.disk_bytes = offset_bytes, disk_bytes
        if descriptor is not None and disk_bytes is not None:
            self.fingerprint, self.tail_sha256 = _marks(descriptor, disk_bytes)
            if last and os.pread(descriptor, len(last), disk_bytes - len(last)) != last:
                self.disk_bytes, self.crc32 = 0, None

    def restart(self) -> None:
        """The file will be read from its start."""
        self.offset_bytes, self.disk_bytes, self.crc32, self.counts = 0, 0, 0, Counts()

    def go_on_from(self, twin: Entry) -> None:
        """The file begins with all that was read of another: its lines are duplicates, and reading goes on behind them."""
        known = twin.counts
        self.format, self.offset_bytes, self.crc32 = twin.format, twin.offset_bytes, twin.crc32
        self.counts = Counts(known.lines, 0, known.events + known.duplicates, known.conflicts, known.quarantined, known.blank)

    def settle(self, left: int, became: Counts) -> None:
        """Note that `left` of the refused lines were tried again, and left rejected_line for what they `became`."""
        counts = self.counts
        for name in ("events", "conflicts", "duplicates", "blank"):
            moved = min(left, counts.quarantined, getattr(became, name))
            setattr(counts, name, getattr(counts, name) + moved)
            counts.quarantined, left = counts.quarantined - moved, left - moved

    def save(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the row, replacing the file's former one."""
        connection.execute("DELETE FROM ingest_file WHERE file_id = ?", [self.file_id])
        values = vars(self) | vars(self.counts)
        del values["counts"]
        connection.execute(_INSERT, values)


def entry_for(connection: duckdb.DuckDBPyConnection, path: str, descriptor: int | None) -> Entry:
    """The row of the file that an open one continues, or a new one, with nothing read. Standard input is another file each time."""
    next_id = number_of(connection, "SELECT coalesce(max(file_id), 0) + 1 FROM ingest_file")
    if descriptor is None:
        return Entry(next_id, path)
    status = os.fstat(descriptor)
    rows = connection.execute(
        """FROM ingest_file WHERE (device = $device AND inode = $inode) OR path = $path
        ORDER BY device = $device AND inode = $inode DESC, file_id DESC LIMIT $most""",
        {"device": status.st_dev, "inode": status.st_ino, "path": path, "most": CANDIDATES},
    ).fetchall()
    for entry in map(_entry_of, rows):
        is_same = (entry.device, entry.inode) == (status.st_dev, status.st_ino)
        if entry.is_continued_by(descriptor) or (is_same and entry.disk_bytes is None):  # a packed file that was not read to its end
            entry.path, entry.device, entry.inode = path, status.st_dev, status.st_ino
            return entry
    return Entry(next_id, path, status.st_dev, status.st_ino)


def twin_of(connection: duckdb.DuckDBPyConnection, blocks: Iterator[bytes]) -> Entry | None:
    """The row of the file of which most was read and all of it is what these unpacked blocks begin with."""
    head, found, checksum, offset = b"", None, 0, 0
    with suppress(CompressedInputBroken):
        while len(head) < FINGERPRINT_BYTES and (block := next(blocks, b"")):
            head += block
        digests = [hashlib.sha256(head[: 1 << power]).hexdigest() for power in range(FINGERPRINT_BYTES.bit_length()) if len(head) >> power]
        rows = connection.execute(
            """FROM (FROM ingest_file WHERE crc32 IS NOT NULL AND disk_bytes > 0 AND list_contains($digests, fingerprint)
                ORDER BY file_id DESC LIMIT $most) ORDER BY offset_bytes""",
            {"digests": digests, "most": CANDIDATES},
        ).fetchall()
        waiting, block = [_entry_of(row) for row in rows], head
        while waiting and block:
            while waiting and waiting[0].offset_bytes <= offset + len(block):
                twin = waiting.pop(0)
                found = twin if zlib.crc32(block[: twin.offset_bytes - offset], checksum) == twin.crc32 else found
            checksum, offset, block = zlib.crc32(block, checksum), offset + len(block), next(blocks, b"")
    return found


def _entry_of(row: tuple[Any, ...]) -> Entry:
    entry = Entry(*row[:PLACE_COLUMNS])
    entry.counts = Counts(*row[PLACE_COLUMNS:])
    return entry


def entry_numbered(connection: duckdb.DuckDBPyConnection, file_id: int) -> Entry:
    """The row of a file that was read."""
    row = first_row(connection, "FROM ingest_file WHERE file_id = ?", [file_id])
    assert row is not None, f"the ledger has no file {file_id}"
    return _entry_of(row)


def _marks(descriptor: int, disk_bytes: int) -> tuple[str, str]:
    length = 1 << (min(FINGERPRINT_BYTES, disk_bytes).bit_length() - 1) if disk_bytes else 0
    return hashlib.sha256(os.pread(descriptor, length, 0)).hexdigest(), _tail_mark(descriptor, disk_bytes)


def _tail_mark(descriptor: int, disk_bytes: int) -> str:
    start = max(0, disk_bytes - TAIL_BYTES)
    return hashlib.sha256(os.pread(descriptor, disk_bytes - start, start)).hexdigest()
