"""One file on its way into the database, piece by piece; what is read and how far it was read are committed together."""

from __future__ import annotations

import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import duckdb
import pyarrow as pa

from ingest.batch import Counts, Known, load_chunk
from ingest.chunks import (
    BOM,
    READ_BYTES,
    Chunk,
    CompressedInputBroken,
    CompressedInputCut,
    NulRun,
    SkippedLine,
    Tail,
    chunks,
    is_packed,
    plain,
    unpacked,
)
from ingest.database import Database, duckdb_errors, readable_once
from ingest.documents import chunks_of_document
from ingest.errors import UsageError
from ingest.judging import Rejected
from ingest.ledger import STDIN, TAIL_BYTES, Entry, entry_for, twin_of
from ingest.sniff import DOCUMENT_BYTES_MAX, HEAD_BYTES, Source, refusal_of_encoding, sniff, source_named, sources
from ingest.strict import Refusal, parse_document

CHUNKS_COMMITTED = 1
"""Chunks in one transaction: what is not committed cannot all be spilled. Of 1.4 million events in 665 MB, with one thread of DuckDB,
256 MiB and chunks of 8 MiB: 37 s and a peak of 515 MiB; with 320 MiB and two chunks of 16 MiB 44 s and 663 MiB."""

_REJECTED_SCHEMA = pa.schema({
    "byte_offset": pa.int64(), "byte_length": pa.int64(), "line_no": pa.int64(),
    "reason": pa.string(), "detail": pa.string(), "raw": pa.large_binary(), "sha256": pa.string(),
})  # fmt: skip
CHUNK_LINES_MAX = 100_000
"""Lines that are judged at once: of very short ones, a chunk of bytes alone held so many that a million took 1.7 GiB."""


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


class Options(NamedTuple):
    """What holds for every file of an ingest."""

    forced: Source | None
    """The source that every file is taken for; None where the content decides."""
    run: str | None
    """run_id of lines that have none."""
    chunk_bytes: int
    """How much text is judged at once."""
    on_progress: Callable[[Progress], None]
    """Told after each chunk."""
    follows: bool = False
    """The files are still being written: what has no end yet waits, and lines that the ledger knows are not counted again."""
    is_enough: Callable[[], bool] = lambda: False
    """Asked after each chunk whether to leave the rest of a file for later."""


class Transaction:
    """Pieces of files that are committed together. Leaving it commits; an error takes back what is not committed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.known = Known(database.connection)
        self.pieces = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._commit()
        elif self.pieces:
            self.database.connection.interrupt()  # a query that a signal broke off still runs, and would be waited for
            with suppress(duckdb.Error):  # a dead connection has rolled back already
                self.database.connection.execute("ROLLBACK")

    def begin(self) -> duckdb.DuckDBPyConnection:
        """The connection, inside a transaction."""
        if not self.pieces:
            self.database.connection.execute("BEGIN")
        self.pieces += 1
        return self.database.connection

    def end(self) -> None:
        """A piece is complete: commit it, or leave it for the commit of a later one."""
        if self.pieces >= CHUNKS_COMMITTED:
            self._commit()

    def _commit(self) -> None:
        if self.pieces:
            self.pieces = 0
            with duckdb_errors("committing to", self.database.path):
                self.database.connection.execute("COMMIT")


class Reading:
    """One file, from the place where its ledger says that reading stopped."""

    def __init__(self, transaction: Transaction, path: str, options: Options, total: Counts) -> None:
        self.transaction = transaction
        self.path = path
        self.options = options
        self.total = total

    def load(self) -> int:
        """Load what is new of the file, add its lines to the total, give the number of pending lines. Raises OSError."""
        if self.path == STDIN:
            return self.load_stream(sys.stdin.buffer)
        with open(self.path, "rb", opener=open_regular) as stream:
            return self.load_open(stream)

    def load_stream(self, stream: BinaryIO) -> int:
        """The same for what is no file, from where it stands to its end. It is another each time, whatever its name is."""
        return self._load(stream, None, entry_for(self.transaction.database.connection, self.path, None))

    def load_open(self, stream: BinaryIO) -> int:
        """The same for a file that is open, whatever its name is now; it stands at its start."""
        descriptor = stream.fileno()
        return self._load(stream, descriptor, entry_for(self.transaction.database.connection, os.path.abspath(self.path), descriptor))

    def _load(self, stream: BinaryIO, descriptor: int | None, entry: Entry) -> int:
        self.descriptor, self.entry = descriptor, entry
        self.size = None if descriptor is None else os.fstat(descriptor).st_size
        self.is_packed = descriptor is not None and is_packed(os.pread(descriptor, 4, 0))
        forced = self.options.forced
        is_known = bool(entry.disk_bytes) and not (forced and forced.name != entry.format)
        reads_on = is_known and not self._may_be_another_run()
        if reads_on and self.size == entry.disk_bytes:
            self._count_again()
            return 0
        read_bytes = min(READ_BYTES, self.options.chunk_bytes)
        if is_known and not self.is_packed and not (source := forced or self._known_source()).is_document and reads_on:
            self._count_again()
            stream.seek(entry.offset_bytes)
            self.source = source
            return self._load_lines(plain(stream, read_bytes))
        entry.restart()
        if descriptor is not None and self._is_copy(unpacked(stream, read_bytes)):
            self._count_again()
            stream.seek(0)
            return self._load_lines(_behind(entry.offset_bytes, unpacked(stream, read_bytes)))
        if descriptor is not None:
            stream.seek(0)
        return self._load_from_start(unpacked(stream, read_bytes))

    def _is_copy(self, blocks: Iterator[bytes]) -> bool:
        """Whether the file begins with all that was read of another, so that reading goes on behind it."""
        if self._may_be_another_run():
            return False
        twin = twin_of(self.transaction.database.connection, blocks)
        source = (self.options.forced or sources().get(twin.format)) if twin else None
        if twin is None or source is None or source.name != twin.format:
            return False
        self.source = source
        self.entry.go_on_from(twin)
        self._keep_place(self.entry.offset_bytes)
        return True

    def _may_be_another_run(self) -> bool:
        """Whether lines that were read may be wanted again, as another run."""
        return bool(self.options.run) and not self.options.follows

    def _known_source(self) -> Source:
        """The source that the file was read with before. Raises UsageError where that was a mapping file."""
        if self.entry.format not in sources():
            raise UsageError(f"reading on in {self.path}: it was read with the {self.entry.format}; give it again with --mapping")
        return source_named(self.entry.format)

    def _count_again(self) -> None:
        """Lines that the ledger knows: what became events then is a duplicate now."""
        if self.options.follows:
            return
        known = self.entry.counts
        self.total.add(Counts(known.lines, 0, known.events + known.duplicates, known.conflicts, known.quarantined, known.blank))

    def _load_from_start(self, blocks: Iterator[bytes]) -> int:
        begun: list[bytes] = []
        broken = None
        try:
            while sum(map(len, begun)) < HEAD_BYTES and (block := next(blocks, b"")):
                begun.append(block)
        except CompressedInputBroken as error:
            broken = error
        head = b"".join(begun)[:HEAD_BYTES]
        self.source = self.options.forced or sniff(head)
        if refusal := refusal_of_encoding(head):
            self._store(None, [Rejected.of(head, 0, 1, refusal)], 0)
            return self._finish(0)
        blocks = chain(begun, blocks, _raising(broken))
        return self._load_document(blocks) if self.source.is_document else self._load_lines(blocks)

    def _load_lines(self, blocks: Iterator[bytes]) -> int:
        pending = 0
        try:
            for piece in chunks(blocks, self.entry.offset_bytes, self.entry.counts.lines + 1, self.options.chunk_bytes):
                pending += self._load_piece(piece)
                if not self.is_packed and self.options.is_enough():
                    break
        except CompressedInputBroken as error:
            if self.options.follows and isinstance(error, CompressedInputCut):
                return 1
            self._reject_rest(Refusal("compressed", str(error)))
        return self._finish(pending)

    def _load_piece(self, piece: Chunk | SkippedLine | NulRun | Tail) -> int:
        """Load one piece of a file; 1 where it is a last line that may not be complete.

        A last line without line end is complete where the input is over: a packed file or a pipe was read to its end. A plain
        file may still be written. Of JSON its text says whether it is whole: one that is, or that nothing can make an object of,
        is taken. Half a line of any other text may look whole and say something wrong, so it waits; the report counts it as
        pending each time. Where such a file is finished, reading it through a pipe adds this line and no other.
        """
        if isinstance(piece, SkippedLine | NulRun):
            if self.options.follows and not piece.is_over:
                return 1
            is_line = isinstance(piece, SkippedLine)
            self._store(None, [_skipped(piece)], piece.offset + piece.length + (is_line and piece.is_over))
        elif isinstance(piece, Chunk):
            for part in piece.parts(CHUNK_LINES_MAX):
                self._store(part, [], part.offset + len(part.text) + 1)
        elif self._may_go_on(piece.text):
            return 1
        else:
            self._store(Chunk(piece.number, piece.offset, piece.text), [], piece.offset + len(piece.text))
        return 0

    def _may_go_on(self, last: bytes) -> bool:
        """Whether a last line without line end may be half of one."""
        is_over = self.is_packed or self.descriptor is None
        if not is_over and (self.options.follows or not self.source.is_json):
            return True
        return self.source.is_json and last.lstrip().startswith(b"{") and isinstance(parse_document(last), Refusal)

    def _load_document(self, blocks: Iterator[bytes]) -> int:
        document, refusal = bytearray(), None
        try:
            for block in blocks:
                document += block
                if len(document) > DOCUMENT_BYTES_MAX:
                    refusal = Refusal("size", f"the document has more than {DOCUMENT_BYTES_MAX} bytes")
                    break
        except CompressedInputBroken as error:
            refusal = Refusal("compressed", str(error))
        pieces: Iterable[Chunk | Refusal] = chunks_of_document(bytes(document), self.source, self.options.chunk_bytes)
        if self.options.follows and not refusal:
            pieces = list(pieces)
            if any(isinstance(piece, Refusal) for piece in pieces):
                return 1  # not written to its end
        for piece in pieces:
            if isinstance(piece, Chunk):
                self._store(piece, [], len(document))
            else:
                refusal = refusal or piece
        if refusal:
            self._reject_rest(refusal)
        return self._finish(0)

    def _reject_rest(self, refusal: Refusal) -> None:
        """Note that a file could not be read any further, as one rejected line at the place where it stopped."""
        self._store(None, [Rejected.of(b"", self.entry.offset_bytes, self.entry.counts.lines + 1, refusal)], self.entry.offset_bytes)

    def _store(self, chunk: Chunk | None, rejected: list[Rejected], offset_bytes: int) -> None:
        """Put the chunk's events, the rejected lines and the new place in the ledger into one transaction."""
        entry = self.entry
        entry.format = self.source.name
        last = self._take(chunk, offset_bytes) if chunk and not self.source.is_document else b""
        if not last:
            entry.crc32 = None
        entry.stop_at(self.descriptor, offset_bytes, None if self.is_packed else offset_bytes, b"" if self.is_packed else last)
        with duckdb_errors(f"loading {self.path} into", self.transaction.database.path):
            connection = self.transaction.begin()
            counts = Counts(lines=len(rejected), quarantined=len(rejected))
            if chunk:
                loaded, refused = load_chunk(connection, self.transaction.known, self.source, chunk, entry.file_id, self.options.run)
                counts.add(loaded)
                rejected = rejected + refused
            insert_rejected(connection, entry, rejected)
            entry.counts.add(counts)
            entry.save(connection)
        self.transaction.end()
        self.total.add(counts)
        self.options.on_progress(Progress(self.path, self._done_bytes(), self.size, self.total.events))

    def _take(self, chunk: Chunk, offset_bytes: int) -> bytes:
        """Count the chunk's bytes into the checksum of the file; its last bytes."""
        if self.entry.offset_bytes == 0 and chunk.offset == len(BOM):
            self.entry.took(BOM, 0)
            self.entry.offset_bytes = len(BOM)
        self.entry.took(chunk.text, chunk.offset)
        end = b"\n" * (offset_bytes - chunk.offset - len(chunk.text))
        self.entry.crc32 = None if self.entry.crc32 is None else zlib.crc32(end, self.entry.crc32)
        return chunk.text[-TAIL_BYTES + len(end) :] + end

    def _keep_place(self, disk_bytes: int | None) -> None:
        """Put the place where reading stands into the ledger, without a line."""
        self.entry.stop_at(self.descriptor, self.entry.offset_bytes, None if self.is_packed else disk_bytes)
        self._save_entry()

    def _save_entry(self) -> None:
        with duckdb_errors(f"loading {self.path} into", self.transaction.database.path):
            self.entry.save(self.transaction.begin())
        self.transaction.end()

    def _finish(self, pending: int) -> int:
        """Note that a packed file or a document was read to its end, so that it need not be read again."""
        if self.descriptor is not None and (self.is_packed or self.source.is_document) and not pending:
            self.entry.stop_at(self.descriptor, self.entry.offset_bytes, self.size)
            self._save_entry()
        return pending

    def _done_bytes(self) -> int:
        if self.is_packed and self.descriptor is not None:
            return os.lseek(self.descriptor, 0, os.SEEK_CUR)
        return self.entry.offset_bytes


def _behind(offset_bytes: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the first bytes of some blocks."""
    for block in blocks:
        if len(block) > offset_bytes:
            yield block[offset_bytes:]
        offset_bytes = max(0, offset_bytes - len(block))


def open_regular(path: str, flags: int) -> int:
    """Open a file that is one; never wait for a pipe. Raises OSError."""
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


def _skipped(piece: SkippedLine | NulRun) -> Rejected:
    """What was passed over without being held whole, as a refused line."""
    if isinstance(piece, SkippedLine):
        return Rejected(piece.offset, piece.length, piece.number, "line_too_long", f"{piece.length} bytes", piece.head, piece.sha256)
    detail = f"a run of {piece.length} bytes 0, as a writer leaves that goes on at its old place in a file that was cut"
    return Rejected(piece.offset, piece.length, piece.number, "nul", detail, b"", "")


def insert_rejected(connection: duckdb.DuckDBPyConnection, entry: Entry, rejected: list[Rejected]) -> None:
    """Keep refused lines, a line once for each reason, by one statement: one for each line took all of DuckDB's memory at 5,000."""
    if not rejected:
        return
    once = {(line.byte_offset, line.sha256, line.reason): line._asdict() for line in reversed(rejected)}
    with readable_once(connection, "refused_line", pa.Table.from_pylist(list(once.values()), _REJECTED_SCHEMA)):
        connection.execute(
            """INSERT INTO rejected_line BY NAME SELECT $file AS file_id, $path AS path, * FROM refused_line AS line
            WHERE NOT EXISTS (
                FROM rejected_line AS known WHERE known.path = $path AND known.byte_offset = line.byte_offset
                    AND known.sha256 = line.sha256 AND known.reason = line.reason
                    AND known.byte_offset BETWEEN $first AND $last
            )""",
            {"file": entry.file_id, "path": entry.path, "first": min(once)[0], "last": max(once)[0]},
        )
