"""Files into the database: every line counted, every event once.

A file is read in chunks. A transaction holds the events of some chunks, their rejected lines and how far their files were
read; a kill at any moment costs at most those chunks, and the next run goes on from there.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import BaseModel, Field

from ingest.batch import Counts
from ingest.chunks import CHUNK_BYTES, READ_BYTES, CompressedInputBroken, unpacked
from ingest.database import Database
from ingest.errors import InputRejected, StorageFailed, UsageError
from ingest.ledger import STDIN
from ingest.mapping import mapping_source
from ingest.reading import Options, Progress, Reading, Transaction
from ingest.sniff import HEAD_BYTES, Source, source_named, taken_for

_OWN_SUFFIXES = (".duckdb", ".duckdb.wal", ".duckdb.lock", ".duckdb.new")


class Report(BaseModel):
    """What an ingest did. `lines` is the sum of events, duplicates, conflicts, quarantined, blank and pending."""

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
    """Lines with nothing on them, or that a mapping passes over."""
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
            raise InputRejected(f"{self.quarantined} of {self.lines} lines are no events; the others are loaded: `timeline rejected`")


class Taken(NamedTuple):
    """What a file is taken for."""

    path: str
    format: str
    because: str
    """What in its beginning speaks for that, or why it cannot be read."""


def explain(sources: Sequence[str | Path], *, format: str | None = None, mapping: str | None = None) -> list[Taken]:
    """What each file would be taken for, and why; nothing is loaded. Raises UsageError."""
    if STDIN in map(str, sources):
        raise UsageError(f"explaining {STDIN}: standard input can be read only once; give a file")
    forced = forced_source(format, mapping)
    return [Taken(path, forced.name, "it was asked for") if forced else _taken(path) for path in expanded(sources, None)]


def _taken(path: str) -> Taken:
    try:
        with open(path, "rb") as stream:
            source, because = taken_for(next(unpacked(stream, READ_BYTES), b"")[:HEAD_BYTES])
    except (OSError, CompressedInputBroken) as error:
        return Taken(path, "", str(error))
    return Taken(path, source.name, because)


def load(
    database: Database,
    sources: Sequence[str | Path],
    *,
    format: str | None = None,
    mapping: str | None = None,
    run: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Report:
    """Load files, globs, folders and `-` into a database.

    `format` forces a source of `ingest/sources`, `mapping` (a file, or the name of a shipped one) describes a format of your own;
    else the content decides. `run` is the run_id of lines that have none.
    A source that cannot be read is told about in the report and the others load. Raises UsageError, StorageFailed.
    """
    started = time.perf_counter()
    report, total = Report(), Counts()
    options = Options(forced_source(format, mapping), run, chunk_bytes, on_progress)
    with Transaction(database) as transaction:
        for path in expanded(sources, database.path):
            try:
                report.pending += Reading(transaction, path, options, total).load()
            except OSError as error:
                report.unreadable.append(f"{path}: {error.strerror or error}")
            else:
                report.files += 1
    return _told(report, total, started)


def load_stream(database: Database, name: str, stream: BinaryIO, *, source: Source | None = None, run: str | None = None) -> Report:
    """Load what is no file, such as an answer of somebody else's server. `name` stands in the ledger and beside refused lines.

    `source` is what its lines are; else the content decides. Raises StorageFailed.
    """
    started = time.perf_counter()
    report, total = Report(files=1), Counts()
    with Transaction(database) as transaction:
        options = Options(source, run, CHUNK_BYTES, lambda progress: None)
        report.pending = Reading(transaction, name, options, total).load_stream(stream)
    return _told(report, total, started)


def _told(report: Report, total: Counts, started: float) -> Report:
    """The report with what was counted."""
    for name, value in vars(total).items():
        setattr(report, name, value)
    report.lines += report.pending
    total.check()
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def forced_source(format: str | None, mapping: str | None) -> Source | None:
    """The source that every file is taken for; None where the content decides. Raises UsageError."""
    if format and mapping:
        raise UsageError(f"--format {format} and --mapping {mapping}: give one; a mapping file says the format itself")
    if mapping:
        return mapping_source(mapping)
    return source_named(format) if format else None


def expanded(sources: Sequence[str | Path], database: Path | None, waits: bool = False) -> Iterator[str]:
    """Every file once, in order of the sources, each folder and glob in order of names. A glob must match unless it `waits` for a file."""
    seen: set[tuple[int, int]] = set()
    for source in map(str, sources):
        if source == STDIN:
            yield source
            continue
        found = [source] if os.path.exists(source) or not glob.has_magic(source) else sorted(glob.glob(source, recursive=True))
        if not found and not waits:
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
