"""A database after a crash: what can be opened is opened, what cannot be read is kept under another name, nothing is deleted.

A database is `x.duckdb` and, after a crash, its log of changes `x.duckdb.wal`. Kept aside they are `x.aside-1.duckdb` and
`x.aside-1.duckdb.wal`, so that DuckDB still takes them for a pair. What was lost is in the logs that were ingested: the
ledger says up to where each was read, and reading on from there restores the rest.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import BaseModel, Field

from ingest.database import (
    INGEST_LIMITS,
    LOCK_TIMEOUT_SECONDS,
    DatabaseDamaged,
    beside,
    connected,
    create,
    duckdb_errors,
    locked,
    number_of,
    storage_errors,
)
from ingest.errors import DatabaseUnusable, TimelineError
from ingest.ledger import STDIN

FOUND: dict[str, str] = {
    "whole": "the database is whole; nothing was to be done",
    "merged": "a crash had left a log of changes; it is in the database now, as far as it went; one that was cut does not say so",
    "log_unreadable": "the log of changes cannot be read; the database is as it was before it",
    "log_alone": "there is a log of changes and no database; a new one was made",
    "damaged": "the database cannot be read; a new one was made",
}
"""What can be found, and what was done about it."""
Found = Literal["whole", "merged", "log_unreadable", "log_alone", "damaged"]
_LOSES = ("log_unreadable", "log_alone", "damaged")


class Again(BaseModel):
    """A file to ingest again."""

    path: str
    read_bytes: int | None
    """How far it is known, in bytes on disk; null for a packed file that was not read to its end."""
    size_bytes: int | None
    """Its size now; null where it is no longer there."""


class Recovery(BaseModel):
    """What was found, and what is to be done."""

    database: str
    found: Found
    """Key of `FOUND`."""
    trouble: str | None = None
    """Why something could not be read."""
    aside: list[str] = Field(default=[])
    """Where the old files are."""
    events: int = 0
    """Events that are in the database now."""
    again: list[Again] = Field(default=[])
    """Files that were read in part, as far as the ledger is left."""

    @property
    def may_lack(self) -> bool:
        """Whether more may be missing than `again` tells: the ledger itself may have gone back."""
        return self.found != "whole"


class _Content(BaseModel):
    """What a readable database holds."""

    events: int
    read: dict[str, int | None]
    """Path to the bytes that were read of it."""


def recover(
    path: Path, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS, on_wait: Callable[[str], None] = lambda message: None
) -> Recovery:
    """Make a database usable again. Raises DatabaseBusy, DatabaseUnusable (it is not ours, or there is none), StorageFailed."""
    if not path.exists() and not beside(path, ".wal").exists():
        raise DatabaseUnusable(f"recovering {path}: there is no such database; `timeline ingest` makes one")
    with storage_errors("recovering", path):
        lock = locked(path, fcntl.LOCK_EX, lock_timeout_seconds, on_wait)
        try:
            return _recovered(path)
        finally:
            os.close(lock)


def _recovered(path: Path) -> Recovery:
    wal, aside = beside(path, ".wal"), _free(path)
    if not path.exists():
        return _made_anew(path, aside, "log_alone", None, {})
    if not wal.exists():
        try:
            content = _content(path)
        except DatabaseDamaged as error:
            return _made_anew(path, aside, "damaged", error, _ledger_left(path))
        connected(path, INGEST_LIMITS, is_writable=False).close()  # a whole one of another version is not ours to mend
        return _told(path, "whole", content)
    kept = beside(aside, ".wal")
    try:
        shutil.copyfile(wal, kept)
        content = _merged(path)
    except DatabaseDamaged as error:
        wal.replace(kept)
        return _before_its_log(path, aside, error)
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    return _told(path, "merged", content, aside=[str(kept)])


def _before_its_log(path: Path, aside: Path, trouble: DatabaseDamaged) -> Recovery:
    """The database without its log of changes, which is aside already."""
    kept = beside(aside, ".wal")
    try:
        content = _content(path)
    except DatabaseDamaged as error:
        return _made_anew(path, aside, "damaged", error, _ledger_left(path))
    except BaseException:
        kept.replace(beside(path, ".wal"))
        raise
    return _told(path, "log_unreadable", content, trouble=_why(trouble), aside=[str(kept)])


def _made_anew(path: Path, aside: Path, found: Found, trouble: DatabaseDamaged | None, read: dict[str, int | None]) -> Recovery:
    """Move what is there aside, the log of changes first: alone it would be taken for that of the new database."""
    wal, kept = beside(path, ".wal"), beside(aside, ".wal")
    if wal.exists():
        wal.replace(kept)
    if path.exists():
        path.rename(aside)
    create(path)
    moved = [str(place) for place in (aside, kept) if place.exists()]
    again = _unread(dict.fromkeys(read, 0), has_lost=True)
    return Recovery(database=str(path), found=found, trouble=_why(trouble) if trouble else None, aside=moved, again=again)


def _told(path: Path, found: Found, content: _Content, trouble: str | None = None, aside: list[str] | None = None) -> Recovery:
    again = _unread(content.read, has_lost=found in _LOSES)
    return Recovery(database=str(path), found=found, trouble=trouble, aside=aside or [], events=content.events, again=again)


def _content(path: Path) -> _Content:
    """Read every block of a database and of its log, and change neither. Raises DatabaseUnusable, and DatabaseDamaged where a block is."""
    if path.stat().st_size == 0:
        raise DatabaseDamaged(f"opening {path}: the file is empty")
    connection = connected(path, INGEST_LIMITS, is_writable=False, may_be_older=True)
    try:
        with duckdb_errors("reading", path):
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL").fetchall():
                connection.execute("SELECT bit_xor(hash(held)) FROM query_table(?) AS held", [table]).fetchall()
            return _Content(events=number_of(connection, "SELECT count(*) FROM event"), read=_ledger(connection))
    finally:
        with suppress(duckdb.Error):
            connection.close()


def _merged(path: Path) -> _Content:
    """Put the log of changes into a database that can be read to its end."""
    content = _content(path)
    merge_log(path)
    return content


def merge_log(path: Path) -> None:
    """Put the log of changes into the database. One that holds no complete change is left by DuckDB, and is of no use."""
    connection = connected(path, INGEST_LIMITS, is_writable=True, may_be_older=True)
    try:
        with duckdb_errors("checkpointing", path):
            connection.execute("CHECKPOINT")
    finally:
        with suppress(duckdb.Error):
            connection.close()
    beside(path, ".wal").unlink(missing_ok=True)


def _ledger_left(path: Path) -> dict[str, int | None]:
    """What a damaged database still says of the files that were read: nothing where it cannot be opened at all."""
    try:
        connection = connected(path, INGEST_LIMITS, is_writable=False, may_be_older=True)
    except TimelineError:
        return {}
    try:
        return _ledger(connection)
    except duckdb.Error:
        return {}
    finally:
        with suppress(duckdb.Error):
            connection.close()


def _ledger(connection: duckdb.DuckDBPyConnection) -> dict[str, int | None]:
    """How far each file was read; nothing where an older version made the ledger otherwise."""
    with suppress(duckdb.BinderException, duckdb.CatalogException):
        return dict(connection.execute("SELECT path, disk_bytes FROM ingest_file WHERE path <> ? ORDER BY path", [STDIN]).fetchall())
    return {}


def _unread(read: dict[str, int | None], has_lost: bool) -> list[Again]:
    """The files that hold more than was read; those that are gone too, where something was lost."""
    files = [Again(path=path, read_bytes=read_bytes, size_bytes=_size(path)) for path, read_bytes in read.items()]
    return [file for file in files if (has_lost if file.size_bytes is None else file.size_bytes != file.read_bytes)]


def _why(trouble: DatabaseDamaged) -> str:
    return str(trouble.__cause__ or trouble).splitlines()[0]


def _size(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def _free(path: Path) -> Path:
    """A name for the old database that neither it nor its log of changes has yet."""
    number = 1
    while (place := path.with_name(f"{path.stem}.aside-{number}{path.suffix}")).exists() or beside(place, ".wal").exists():
        number += 1
    return place
