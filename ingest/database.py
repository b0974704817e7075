"""The database file: who may open it, how it is made, and how it is closed.

One process owns the file while it writes. The lock is a `flock(2)` on a side-car, `<database>.lock`, because DuckDB's
own lock is lost as soon as this process opens and closes the same path by any other means; for the same reason the
database path is never given to `open()`. A new database is made under another name and renamed, so that a kill at any
moment leaves either none or a whole one. One of another schema or engine is not opened: `ingest.migrate` makes a new one of it.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from ingest import schema
from ingest.envelope import text_of
from ingest.errors import DatabaseBusy, DatabaseUnusable, StorageFailed, UsageError
from ingest.maker import maker_of, sign, this_program

if TYPE_CHECKING:
    import pyarrow as pa

LOCK_TIMEOUT_SECONDS = 10.0
LOCK_POLL_SECONDS = 0.05
READ_TIMEOUT_SECONDS = 3.0
"""How long a reader waits for a writer. One that follows files gives the database back after each batch, well within it."""
PID_BYTES, ADDRESS_BYTES = 20, 200
"""What the holder of a lock says of itself in the lock file."""
_WAY_OUT = "The database is a cache of the log: move it away and ingest the log again."
_MIGRATE = "`timeline db migrate` makes one of this version of it, and keeps the old one."
_MEND = "`timeline db recover` keeps it aside, opens what can be opened, and says what to ingest again."

# DuckDB looks for pandas at each value that is bound. Where there is none, that is a search of all folders of packages: a third of
# the time of a small statement, and a signal that comes meanwhile is lost, because DuckDB drops every error of the search.
if "pandas" not in sys.modules and find_spec("pandas") is None:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # how Python is told that there is no such module


class DatabaseDamaged(DatabaseUnusable):
    """It is a database, and it, or its log of changes, cannot be read. `ingest.recover` mends that."""


@dataclass(frozen=True)
class Limits:
    """What a connection may use."""

    memory_mib: int | None = None
    """Memory for DuckDB's buffers; None for DuckDB's own choice."""
    threads: int | None = None
    """Threads; None for one a core, and a single one where the database is small."""

    def config(self) -> dict[str, str | bool | int | float | list[str]]:
        """As DuckDB settings, with everything shut that reaches outside the database file."""
        found: dict[str, str | bool | int | float | list[str]] = {
            "allow_community_extensions": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_access": "false",
        }
        if self.memory_mib is not None:
            found["memory_limit"] = f"{self.memory_mib}MiB"
        if self.threads is not None:
            found["threads"] = str(self.threads)
        return found


SMALL_BYTES = 16 * 1024 * 1024
"""Below this size of the file a second thread costs a third more of the processor, and saves no time."""
INGEST_LIMITS = Limits(memory_mib=256, threads=1)
"""Bounded whatever the input: what does not fit is spilled beside the database."""


class Database:
    """An open database. Use it as a context manager; leaving it writes everything to the file and gives the lock back."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None, lock: int | None, is_writable: bool) -> None:
        self.connection = connection
        """The DuckDB connection."""
        self.path = path
        """The file; None for a database in memory."""
        self.is_writable = is_writable
        self.edition: tuple[int, ...] | None = None
        """Tells the file from any other, and from itself before and after a change; None where it may change while this is open."""
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except (StorageFailed, DatabaseUnusable):
            if error is None:
                raise

    def announce(self, address: str) -> None:
        """Let whoever finds the database busy know where it can be read meanwhile."""
        if self._lock is not None:
            _sign(self._lock, address)

    def close(self) -> None:
        """Write the log of changes into the file, close it, give the lock back. Raises StorageFailed."""
        try:
            self.connection.interrupt()  # a query that a signal broke off still runs, and would be waited for
            if self.path is not None and self.is_writable:
                with duckdb_errors("closing", self.path):
                    (has_changes,) = first_row(self.connection, "SELECT wal_size <> '0 bytes' FROM pragma_database_size()")
                    self.connection.execute("CHECKPOINT")
                    self.connection.close()
                wal = beside(self.path, ".wal")
                if has_changes and wal.exists():  # without any it is one that a crash cut at once: the next change replaces it
                    raise StorageFailed(f"closing {self.path}: its log of changes {wal} is left; run again, or `timeline db recover`")
        finally:
            with suppress(duckdb.Error):
                self.connection.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def first_row(connection: duckdb.DuckDBPyConnection, query: str, bound: object = None) -> Any:
    """The first row of an answer, or None. The answer is read to its end: DuckDB 2 does nothing else on a connection before that."""
    return next(iter(connection.execute(query, bound).fetchall()), None)


def number_of(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number with which a query answers."""
    number: int = first_row(connection, query)[0]
    return number


@contextmanager
def readable_once(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """An Arrow table under a name, for one statement that reads it once; DuckDB refuses to read it again.

    As a stream, because DuckDB reads the table itself through threads of pyarrow: that takes twice the time of the processor for a
    small one, and waits for ever where there is no memory to start a thread with.
    """
    connection.register(name, table.__arrow_c_stream__())
    yield
    connection.unregister(name)


def open_for_write(
    path: Path,
    limits: Limits = Limits(),
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    on_wait: Callable[[str], None] = lambda message: None,
) -> Database:
    """Open a database alone, making it where there is none.

    Waits up to `lock_timeout_seconds` for another process and says so through `on_wait`. Raises DatabaseBusy,
    DatabaseUnusable, StorageFailed, UsageError.
    """
    if path.parts[:1] in {("http:",), ("https:",)}:
        raise UsageError(f"opening {path}: a database that is served elsewhere is only read from here; send events to it (POST /events)")
    with storage_errors("opening", path):
        lock = locked(path, fcntl.LOCK_EX, lock_timeout_seconds, on_wait)
    try:
        with storage_errors("creating", path):
            if not path.exists():
                if beside(path, ".wal").exists():
                    raise DatabaseDamaged(f"opening {path}: its log of changes is there without it; nothing was changed. {_MEND}")
                create(path)
        return Database(connected(path, limits, is_writable=True), path, lock, is_writable=True)
    except BaseException:
        os.close(lock)
        raise


def open_for_read(path: Path, limits: Limits = Limits(), lock_timeout_seconds: float = READ_TIMEOUT_SECONDS) -> Database:
    """Open a database that nobody writes, beside other readers: read-only, nothing outside of it, settings locked.

    Waits a little for somebody who writes. Raises DatabaseBusy, DatabaseUnusable where there is none.
    """
    if not path.exists():
        raise DatabaseUnusable(f"opening {path}: there is no such database; `timeline ingest` makes one")
    lock = None
    with suppress(OSError):  # a folder that we may not write to has no writer either; DuckDB's own lock is left
        lock = locked(path, fcntl.LOCK_SH, lock_timeout_seconds, lambda message: None)
    try:
        there = path.stat()
        database = Database(connected(path, limits, is_writable=False), path, lock, is_writable=False)
        database.edition = (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns)
        return database
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise


def beside(path: Path, suffix: str) -> Path:
    """A file beside the database, named after it."""
    return path.with_name(path.name + suffix)


def locked(path: Path, mode: int, timeout_seconds: float, on_wait: Callable[[str], None]) -> int:
    """The lock of a database, as a descriptor that gives it back when it is closed. Raises DatabaseBusy, OSError."""
    place = beside(path, ".lock")
    lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + timeout_seconds
    has_told = False
    while True:
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            signed = os.pread(lock, PID_BYTES + ADDRESS_BYTES, 0).decode("ascii", "replace")
            holder, address = signed[:PID_BYTES].strip() or "unknown", signed[PID_BYTES:].strip()
            if time.monotonic() >= deadline:
                os.close(lock)
                served = f" and serves it at {address}: read it with --db {address}; else" if address else ";"
                says = f"opening {path}: process {holder} holds it{served} wait for that process, or stop it, and run again"
                raise DatabaseBusy(says) from None
            if not has_told:
                on_wait(f"waiting for process {holder}, which holds {path}")
                has_told = True
            time.sleep(LOCK_POLL_SECONDS)  # flock has no time-out of its own
    _sign(lock)
    return lock


def _sign(lock: int, address: str = "") -> None:
    """Say in the lock file who holds it, and where the database can be read meanwhile."""
    os.pwrite(lock, f"{os.getpid():<{PID_BYTES}}{address:<{ADDRESS_BYTES}}".encode("ascii", "replace")[: PID_BYTES + ADDRESS_BYTES], 0)


def create(path: Path) -> None:
    """Make a whole database under another name, then give it its own: a kill in between leaves no half of one."""
    draft = draft_of(path)
    with duckdb_errors("creating", path), new_file(draft):
        pass
    put_in_place(draft, path)


def draft_of(path: Path) -> Path:
    """The name under which a database is made that will stand at `path`; what a killed one left there is cleared away."""
    draft = beside(path, ".new")
    for leftover in (draft, beside(draft, ".wal")):
        leftover.unlink(missing_ok=True)
    return draft


def put_in_place(draft: Path, path: Path) -> None:
    """Give a whole draft the name of the database, on the disk too. Raises StorageFailed, OSError."""
    if beside(draft, ".wal").exists():
        raise StorageFailed(f"creating {path}: its log of changes is not in it; nothing was changed, run again")
    sync(draft)
    draft.replace(path)
    sync(path.parent)


@contextmanager
def new_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database file with the tables of events, complete when the `with` is left."""
    with made_in(duckdb.connect(str(path), config=Limits(threads=1).config())) as connection:
        yield connection


@contextmanager
def made_in(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same in an empty file that is open already; it is closed then."""
    try:
        _make_tables(connection)
        yield connection
        sign(connection)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def sync(path: Path) -> None:
    """Have a file or a folder on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    connection.execute(";\n".join(schema.statements()))
    connection.execute("COMMIT")


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what every writing connection needs, and define the macros of the checks."""
    connection.execute("SET preserve_insertion_order = false")
    # In a worker process of a sweep DuckDB sees no main program, takes that for a prompt, and draws its bar into what is printed.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    # A checkpoint rewrites the row groups that are not full yet: at DuckDB's 16 MiB it cost more than the rest of the writing.
    connection.execute("SET checkpoint_threshold = '1GB'")
    connection.execute(text_of("macros.sql"))


def connected(path: Path, limits: Limits, is_writable: bool, may_be_older: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to a database of ours, whose lock the caller holds. Raises DatabaseUnusable, StorageFailed."""
    if path.stat().st_size == 0:
        raise DatabaseUnusable(f"opening {path}: the file is empty, it is no database of ours; move it away or name another with --db")
    if limits.threads is None and path.stat().st_size < SMALL_BYTES:
        limits = replace(limits, threads=1)
    with duckdb_errors("opening", path):
        # Locked from the start for readers: a second reader in this process shares the first one's settings.
        locked: dict[str, str | bool | int | float | list[str]] = {} if is_writable else {"lock_configuration": "true"}
        try:
            connection = duckdb.connect(str(path), read_only=not is_writable, config=limits.config() | locked)
        # DuckDB reads a file of JSON or CSV as a table in memory, and wants an extension for one of SQLite.
        except (duckdb.CatalogException, duckdb.PermissionException) as error:
            raise DatabaseUnusable(f"opening {path}: it is no database; nothing was changed. Name another with --db.") from error
        try:
            _check_maker(connection, path, may_be_older)
            if is_writable:
                prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_maker(connection: duckdb.DuckDBPyConnection, path: Path, may_be_older: bool) -> None:
    made, ours = maker_of(connection), this_program(connection)
    if made is None:
        raise DatabaseUnusable(f"opening {path}: a DuckDB database, but not one of ours; nothing was changed. Name another with --db.")
    both = f"({made}; this is {ours})"
    if made.is_newer_than(ours):
        raise DatabaseUnusable(f"opening {path}: a newer version made it {both}; nothing was changed. Use that version of the program.")
    if not (made.is_same_as(ours) or may_be_older):
        raise DatabaseUnusable(f"opening {path}: another version made it {both}; nothing was changed. {_MIGRATE}")


@contextmanager
def storage_errors(doing: str, path: Path) -> Iterator[None]:
    """Errors of the operating system as StorageFailed."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"{doing} {path}: {error.strerror or error}; what was committed is safe") from error


@contextmanager
def duckdb_errors(doing: str, path: Path | None) -> Iterator[None]:
    """Errors of DuckDB as ours. After a StorageFailed the connection must not be used again."""
    place = path or "the database in memory"
    try:
        yield
    except duckdb.FatalException as error:
        raise StorageFailed(f"{doing} {place}: the engine stopped ({_first_line(error)}); what was committed is safe, run again") from error
    except duckdb.IOException as error:
        text = _first_line(error)
        if "Could not set lock" in text:
            found = re.search(r"PID (\d+)", str(error))
            holder = found[1] if found else "unknown"
            raise DatabaseBusy(f"{doing} {place}: process {holder} has it open; end that process and run again") from error
        if "version number" in text:
            way_out = "Use the version of this program that made it, or one with a newer DuckDB."
            raise DatabaseUnusable(
                f"{doing} {place}: DuckDB {duckdb.__version__} cannot read it ({text}); nothing was changed. {way_out}"
            ) from error
        if "not a valid DuckDB" in str(error):
            raise DatabaseUnusable(f"{doing} {place}: it cannot be read as a database ({text}); nothing was changed. {_WAY_OUT}") from error
        if re.search("Could not read enough|WAL|checksum", str(error)):
            raise DatabaseDamaged(f"{doing} {place}: it cannot be read as a database ({text}); nothing was changed. {_MEND}") from error
        raise StorageFailed(f"{doing} {place}: {text}; what was committed is safe, run again when the cause is gone") from error
    except duckdb.TransactionException as error:  # a commit that could not write its log of changes; it has rolled back
        if "Failed to commit" not in str(error):
            raise
        raise StorageFailed(f"{doing} {place}: {_first_line(error)}; what was committed is safe, run again with more room") from error
    except (duckdb.SerializationException, duckdb.InternalException) as error:
        raise DatabaseDamaged(f"{doing} {place}: it is damaged ({_first_line(error)}); nothing was changed. {_MEND}") from error
    except duckdb.OutOfMemoryException as error:
        raise StorageFailed(f"{doing} {place}: {_first_line(error)}; what was committed is safe, run again with more memory") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
