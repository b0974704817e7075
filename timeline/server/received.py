"""Bodies of requests into the tables: many in one transaction, each with its own accounting.

Small bodies are loaded together as one chunk, because a chunk has a price of its own. Where that leaves open which body a
duplicate is of, it is taken back, and each body is loaded alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import groupby

import duckdb

from ingest.batch import Counts, Known, load_chunk
from ingest.chunks import BOM, CHUNK_BYTES, Chunk
from ingest.database import Database, duckdb_errors
from ingest.documents import chunks_of_document
from ingest.judging import Rejected
from ingest.ledger import entry_for
from ingest.reading import Transaction, insert_rejected
from ingest.sniff import HEAD_BYTES, NATIVE, Source, refusal_of_encoding, sniff, source_named
from ingest.strict import Refusal
from timeline.server.intake import Answer, Body, Refused

PATH = "http"
"""What stands for the path of a file in the ledger: all that one process received."""
REFUSED_MAX = 10


class _LeftOpen(Exception):
    """A chunk of several bodies has duplicates, and nobody knows whose."""


class Received:
    """What this process received, as one file of the ledger that has no end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entry = entry_for(database.connection, PATH, None)
        self._entry.format = NATIVE
        with Transaction(database) as transaction:
            self._entry.save(transaction.begin())

    def load(self, bodies: Sequence[Body]) -> Iterator[tuple[Body, Answer | Exception]]:
        """Commit bodies, together where possible; each with what became of it. Raises StorageFailed, with nothing half done."""
        try:
            yield from zip(bodies, self._load(bodies), strict=True)
        except (_LeftOpen, duckdb.Error) as error:
            if len(bodies) == 1:
                yield bodies[0], error
            else:
                for body in bodies:
                    yield from self.load([body])

    def _load(self, bodies: Sequence[Body]) -> list[Answer]:
        before = deepcopy(self._entry)
        try:
            with duckdb_errors("loading into", self._database.path), Transaction(self._database) as transaction:
                connection = transaction.begin()
                answers: list[Answer] = []
                for (_, together), group in groupby(bodies, _kind_of):
                    same = list(group)
                    answers += self._load_lines(connection, same) if together else [self._load_other(connection, body) for body in same]
                self._entry.save(connection)
        except BaseException:
            self._entry = before
            raise
        return answers

    def _load_lines(self, connection: duckdb.DuckDBPyConnection, bodies: Sequence[Body]) -> list[Answer]:
        """Load bodies of native lines as one chunk."""
        texts = [_lines_of(body) for body in bodies]
        chunk = Chunk(self._entry.counts.lines + 1, self._entry.offset_bytes, b"\n".join(texts))
        counts, rejected = self._store(connection, source_named(NATIVE), chunk, bodies[0].run)
        if len(bodies) == 1:
            return [_answer(counts, rejected, chunk.first_number)]
        if counts.duplicates or counts.conflicts:
            raise _LeftOpen
        return list(_shares(texts, chunk.first_number, rejected))

    def _load_other(self, connection: duckdb.DuckDBPyConnection, body: Body) -> Answer:
        """Load a body of another format: a document, or lines of it."""
        head = body.text[:HEAD_BYTES]
        source = sniff(head)
        if refusal := refusal_of_encoding(head) or _refusal_of(source):
            return self._refuse(connection, body, refusal)
        if not source.is_document:
            chunk = Chunk(self._entry.counts.lines + 1, self._entry.offset_bytes, _lines_of(body))
            counts, rejected = self._store(connection, source, chunk, body.run)
            return _answer(counts, rejected, chunk.first_number)
        total, refused = Counts(), list[Refused]()
        for piece in chunks_of_document(body.text, source, CHUNK_BYTES):
            if isinstance(piece, Refusal):
                answer = self._refuse(connection, body, piece)
            else:
                answer = _answer(*self._store(connection, source, piece, body.run), piece.first_number)
            total.add(answer.counts)
            refused += answer.refused
        return Answer(total, refused[:REFUSED_MAX])

    def _store(self, connection: duckdb.DuckDBPyConnection, source: Source, chunk: Chunk, run: str | None) -> tuple[Counts, list[Rejected]]:
        counts, rejected = load_chunk(connection, Known(connection), source, chunk, self._entry.file_id, run)
        insert_rejected(connection, self._entry, rejected)
        self._entry.counts.add(counts)
        self._entry.offset_bytes += len(chunk.text) + 1
        return counts, rejected

    def _refuse(self, connection: duckdb.DuckDBPyConnection, body: Body, refusal: Refusal) -> Answer:
        """Keep a body that cannot be read, or what is left of it, as one refused line."""
        first = self._entry.counts.lines + 1
        rejected = [Rejected.of(body.text, self._entry.offset_bytes, first, refusal)]
        insert_rejected(connection, self._entry, rejected)
        counts = Counts(lines=1, quarantined=1)
        self._entry.counts.add(counts)
        self._entry.offset_bytes += len(body.text) + 1
        return _answer(counts, rejected, first)


def _kind_of(body: Body) -> tuple[str | None, bool]:
    """The run that its lines are of where they say none, and whether it can be loaded together with others of that run."""
    head = body.text[:HEAD_BYTES]
    return body.run, sniff(head).name == NATIVE and not refusal_of_encoding(head)


def _lines_of(body: Body) -> bytes:
    return body.text.removeprefix(BOM).removesuffix(b"\n")


def _refusal_of(source: Source) -> Refusal | None:
    if source.records or not source.is_json:
        return Refusal("document", f"{source.title}: only JSON is taken over HTTP; load the file with `timeline ingest`")
    return None


def _answer(counts: Counts, rejected: Sequence[Rejected], first_number: int) -> Answer:
    return Answer(counts, [Refused(line.line_no - first_number + 1, line.reason, line.detail) for line in rejected[:REFUSED_MAX]])


def _shares(texts: Sequence[bytes], first_number: int, rejected: Sequence[Rejected]) -> Iterator[Answer]:
    """What became of each of several bodies that were loaded as one chunk, where no line of it was a duplicate."""
    for text in texts:
        lines = text.count(b"\n") + 1
        own = [line for line in rejected if first_number <= line.line_no < first_number + lines]
        blank = sum(not line.strip() for line in text.split(b"\n"))
        counts = Counts(lines=lines, events=lines - len(own) - blank, quarantined=len(own), blank=blank)
        counts.check()
        yield _answer(counts, own, first_number)
        first_number += lines
