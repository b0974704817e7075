"""Files into the database: every line counted, every event once.

A file is read in chunks. Each chunk is one transaction that holds its events, its rejected lines and how far the file
was read; a kill at any moment costs at most the chunk, and the next run goes on from there.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from ingest.batch import Counts, Rejected, load_chunk
from ingest.chunks import CHUNK_BYTES, READ_BYTES, Chunk, CompressedInputBroken, SkippedLine, Tail, chunks, is_packed, plain, unpacked
from ingest.database import Database, duckdb_errors
from ingest.documents import items_as_lines
from ingest.errors import InputRejected, StorageFailed, UsageError
from ingest.ledger import STDIN, Entry, entry_for
from ingest.sniff import DOCUMENT_BYTES_MAX, HEAD_BYTES, Source, refusal_of_encoding, sniff, source_named
from ingest.strict import Refusal, parse_document

_OWN_SUFFIXES = (".duckdb", ".duckdb.wal", ".duckdb.lock", ".duckdb.new")


class Report(BaseModel):
    """What an ingest did. `lines` is the sum of events, duplicates, conflicts, quarantined, blank and pending."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    files: int = 0
    """Files that were read, or known already."""
    lines: int = 0
    """Lines in those files; the items of a document count as lines."""
    events: int = 0
    """Lines that became events, or recordings."""
    duplicates: int = 0
    """Lines whose event was here already."""
    conflicts: int = 0
    """Lines whose event id is here with other content; both are kept and marked."""
    quarantined: int = 0
    """Lines in rejected_line."""
    blank: int = 0
    """Lines with nothing on them."""
    pending: int = 0
    """Last lines that are not complete yet; they load when they are."""
    seconds: float = 0.0
    """How long it took."""
    unreadable: list[str] = Field(default=[], exclude=True)
    """Sources that could not be read, with the reason."""

    def check(self, is_strict: bool = False) -> None:
        """Raise StorageFailed where a source could not be read, InputRejected where `is_strict` and a line was refused."""
        if self.unreadable:
            raise StorageFailed("reading sources: " + "; ".join(self.unreadable) + "; everything else is loaded")
        if is_strict and self.quarantined:
            raise InputRejected(f"{self.quarantined} of {self.lines} lines are no events; the others are loaded. See table rejected_line.")


class Progress(NamedTuple):
    """Where an ingest stands."""

    path: str
    """File that is being read."""
    done_bytes: int
    """Bytes of it that were read, as they lie on disk."""
    total_bytes: int | None
    """Its size; None for standard input."""
    events: int
    """Events loaded so far, of all files."""


def load(
    database: Database,
    sources: Sequence[str | Path],
    *,
    format: str | None = None,
    run: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Report:
    """Load files, globs, folders and `-` into a database.

    `format` forces a source of `ingest/sources`; else the content decides. `run` is the run_id of lines that have none.
    A source that cannot be read is told about in the report and the others load. Raises UsageError, StorageFailed.
    """
    started = time.perf_counter()
    forced = source_named(format) if format else None
    report, total = Report(), Counts()
    for path in _expanded(sources, database.path):
        reading = _Reading(database, path, forced, run, chunk_bytes, on_progress)
        try:
            pending = reading.load(total)
        except OSError as error:
            report.unreadable.append(f"{path}: {error.strerror or error}")
            continue
        report.files += 1
        report.pending += pending
    for name, value in vars(total).items():
        setattr(report, name, value)
    report.lines += report.pending
    total.check()
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _expanded(sources: Sequence[str | Path], database: Path | None) -> Iterator[str]:
    """Every file once, in order of the sources, each folder and glob in order of names."""
    seen: set[tuple[int, int]] = set()
    for source in map(str, sources):
        if source == STDIN:
            yield source
            continue
        found = [source] if os.path.exists(source) or not glob.has_magic(source) else sorted(glob.glob(source, recursive=True))
        if not found:
            raise UsageError(f"ingesting {source}: no file matches")
        for path in chain.from_iterable(_files(Path(item)) for item in found):
            if database is not None and path.name.startswith(database.name) and path.resolve().parent == database.resolve().parent:
                raise UsageError(f"ingesting {path}: that is the database itself")
            try:
                status = path.stat()
            except OSError:
                yield str(path)  # told about as unreadable when it is opened
                continue
            if (identity := (status.st_dev, status.st_ino)) not in seen:
                seen.add(identity)
                yield str(path)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in inside if not file.name.startswith(".") and not file.name.endswith(_OWN_SUFFIXES))


class _Reading:
    """One file on its way into the database."""

    def __init__(
        self,
        database: Database,
        path: str,
        forced: Source | None,
        run: str | None,
        chunk_bytes: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.database = database
        self.path = path
        self.forced = forced
        self.run = run
        self.chunk_bytes = chunk_bytes
        self.on_progress = on_progress

    def load(self, total: Counts) -> int:
        """Load what is new of the file, add its lines to `total`, give the number of pending lines. Raises OSError."""
        if self.path == STDIN:
            return self._load(sys.stdin.buffer, None, entry_for(self.database.connection, STDIN), total)
        with open(self.path, "rb", opener=_open_regular) as stream:
            entry = entry_for(self.database.connection, os.path.abspath(self.path))
            return self._load(stream, stream.fileno(), entry, total)

    def _load(self, stream: BinaryIO, descriptor: int | None, entry: Entry, total: Counts) -> int:
        self.descriptor = descriptor
        self.size = None if descriptor is None else os.fstat(descriptor).st_size
        self.is_packed = descriptor is not None and is_packed(os.pread(descriptor, 4, 0))
        is_known = descriptor is not None and entry.is_continued_by(descriptor) and not (self.forced and self.forced.name != entry.format)
        source = source_named(entry.format) if is_known else None
        can_resume = is_known and not self.is_packed and not (source and source.document_kinds)
        if is_known and (can_resume or self.size == entry.disk_bytes):
            _count_again(entry.counts, total)
            if self.size == entry.disk_bytes:
                return 0
            stream.seek(entry.offset_bytes)
        else:
            entry.restart()
            source = None
        size = min(READ_BYTES, self.chunk_bytes)
        return self._load_blocks(plain(stream, size) if entry.offset_bytes else unpacked(stream, size), source, entry, total)

    def _load_blocks(self, blocks: Iterator[bytes], source: Source | None, entry: Entry, total: Counts) -> int:
        begun: list[bytes] = []
        broken = None
        try:
            while sum(map(len, begun)) < HEAD_BYTES and (block := next(blocks, b"")):
                begun.append(block)
        except CompressedInputBroken as error:
            broken = error
        head = b"".join(begun)[:HEAD_BYTES]
        entry.format = (source := self.forced or source or sniff(head)).name
        if refusal := refusal_of_encoding(head):
            self._commit(entry, total, source, None, [Rejected.of(head, 0, 1, refusal)], entry.offset_bytes)
            return self._finish(entry, source, 0)
        blocks = chain(begun, blocks, _raising(broken))
        if source.document_kinds:
            return self._load_document(blocks, source, entry, total)
        pending = 0
        try:
            for piece in chunks(blocks, entry.offset_bytes, entry.counts.lines + 1, self.chunk_bytes):
                pending += self._load_piece(piece, source, entry, total)
        except CompressedInputBroken as error:
            self._reject_rest(entry, total, source, Refusal("compressed", str(error)))
        return self._finish(entry, source, pending)

    def _load_piece(self, piece: Chunk | SkippedLine | Tail, source: Source, entry: Entry, total: Counts) -> int:
        """Load one piece of a file; 1 where it is a last line that is not complete."""
        if isinstance(piece, SkippedLine):
            detail = f"{piece.length} bytes"
            line = Rejected(piece.offset, piece.length, piece.number, "line_too_long", detail, piece.head, piece.sha256)
            self._commit(entry, total, source, None, [line], piece.offset + piece.length + 1)
        elif isinstance(piece, Chunk):
            self._commit(entry, total, source, piece, [], piece.offset + len(piece.text) + 1)
        elif isinstance(parse_document(piece.text), Refusal):
            return 1
        else:
            self._commit(entry, total, source, Chunk(piece.number, piece.offset, piece.text), [], piece.offset + len(piece.text))
        return 0

    def _load_document(self, blocks: Iterator[bytes], source: Source, entry: Entry, total: Counts) -> int:
        document, refusal = bytearray(), None
        try:
            for block in blocks:
                document += block
                if len(document) > DOCUMENT_BYTES_MAX:
                    refusal = Refusal("size", f"the document has more than {DOCUMENT_BYTES_MAX} bytes")
                    break
        except CompressedInputBroken as error:
            refusal = Refusal("compressed", str(error))
        chunk, broken = items_as_lines(bytes(document))
        if chunk:
            self._commit(entry, total, source, chunk, [], len(document))
        if refusal := refusal or broken:
            self._reject_rest(entry, total, source, refusal)
        return self._finish(entry, source, 0, len(document))

    def _reject_rest(self, entry: Entry, total: Counts, source: Source, refusal: Refusal) -> None:
        """Note that a file could not be read any further, as one rejected line at the place where it stopped."""
        rest = Rejected.of(b"", entry.offset_bytes, entry.counts.lines + 1, refusal)
        self._commit(entry, total, source, None, [rest], entry.offset_bytes)

    def _commit(
        self, entry: Entry, total: Counts, source: Source, chunk: Chunk | None, rejected: list[Rejected], offset_bytes: int
    ) -> None:
        """One transaction: the chunk's events, the rejected lines, the ledger."""
        connection = self.database.connection
        with duckdb_errors(f"loading {self.path} into", self.database.path):
            connection.execute("BEGIN")
            try:
                counts = Counts(lines=len(rejected), quarantined=len(rejected))
                if chunk:
                    loaded, refused = load_chunk(connection, source, chunk, entry.file_id, self.run)
                    counts.add(loaded)
                    rejected = rejected + refused
                _insert_rejected(self.database, entry, rejected)
                entry.counts.add(counts)
                entry.stop_at(self.descriptor, offset_bytes, None if self.is_packed else offset_bytes)
                entry.save(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(self.database)
                raise
        total.add(counts)
        self.on_progress(Progress(self.path, self._done_bytes(offset_bytes), self.size, total.events))

    def _finish(self, entry: Entry, source: Source, pending: int, offset_bytes: int | None = None) -> int:
        """Note that a packed file or a document was read to its end, so that it need not be read again."""
        is_whole = self.is_packed or bool(source.document_kinds)
        if self.descriptor is not None and is_whole and not pending:
            entry.stop_at(self.descriptor, offset_bytes or entry.offset_bytes, self.size)
            with duckdb_errors(f"loading {self.path} into", self.database.path):
                entry.save(self.database.connection)
        return pending

    def _done_bytes(self, offset_bytes: int) -> int:
        if self.is_packed and self.descriptor is not None:
            return os.lseek(self.descriptor, 0, os.SEEK_CUR)
        return offset_bytes


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"not a regular file; to read a pipe, give it as standard input with `{STDIN}`")
    return descriptor


def _raising(error: CompressedInputBroken | None) -> Iterator[bytes]:
    """No blocks, and then the error, if there is one."""
    yield from ()
    if error:
        raise error


def _count_again(known: Counts, total: Counts) -> None:
    """Lines that the ledger knows: what became events then is a duplicate now."""
    total.add(Counts(known.lines, 0, known.events + known.duplicates, known.conflicts, known.quarantined, known.blank))


def _insert_rejected(database: Database, entry: Entry, rejected: list[Rejected]) -> None:
    for line in rejected:
        database.connection.execute(
            """INSERT INTO rejected_line SELECT $file, $path, $offset, $length, $number, $reason, $detail, $raw, $sha
            WHERE NOT EXISTS (FROM rejected_line WHERE path = $path AND byte_offset = $offset AND sha256 = $sha AND reason = $reason)""",
            {
                "file": entry.file_id, "path": entry.path, "offset": line.byte_offset, "length": line.byte_length, "number": line.line_no,
                "reason": line.reason, "detail": line.detail, "raw": line.raw, "sha": line.sha256,
            },
        )  # fmt: skip


def _roll_back(database: Database) -> None:
    with suppress(duckdb.Error):  # a dead connection has rolled back already
        database.connection.execute("ROLLBACK")
