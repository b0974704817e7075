"""A bundle: a run in one file that opens anywhere without the cluster, with the report, the seed and the rules beside it.

It is a zip archive whose entries are not packed, so that nothing in it can swell, and which is never unpacked into a folder, so that
no name in it is ever the name of a file. Opening it checks every entry against the manifest and then loads `log.parquet` as any log
is loaded: through the same strict reading, under the same limits, into a database in memory. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ingest.database import Database
from ingest.errors import DatabaseUnusable, InputRejected
from ingest.roles import KindRole

SUFFIX = ".bundle"
MANIFEST, LOG = "manifest.json", "log.parquet"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
ENTRIES_MAX = 32
MANIFEST_BYTES_MAX = 4 * 1024 * 1024
BYTES_MAX = 4 * 1024 * 1024 * 1024
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""When every entry was made: the earliest that a zip archive can say."""
_PRIVATE = 0o600 << 16
_UNIX = 3


class Closed(BaseModel):
    """Base of the parts of a manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Entry(Closed):
    """A file of the bundle."""

    bytes: int
    sha256: str


class Manifest(Closed):
    """What a bundle says about itself."""

    format: Literal["decision-timeline bundle"] = "decision-timeline bundle"
    version: Literal[1] = 1
    made_by: str
    """The program, and its version."""
    duckdb: str
    """Version of the engine that it was judged with."""
    run_id: str
    events: int
    start: str
    end: str
    findings: list[str]
    """Ids of what is found in it."""
    blacked_out: int
    """Texts in which a secret was blacked out."""
    roles: list[KindRole]
    """What its kinds mean to the generic detectors."""
    entries: dict[str, Entry]
    """Every other file of the bundle."""


def is_bundle(path: Path) -> bool:
    """Whether a path is that of a bundle. Its name decides: a database that is open elsewhere must not be opened to look."""
    return path.suffix == SUFFIX


def pack(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """The bytes of a bundle of those files, the same for the same files; `manifest.entries` is filled in."""
    entries = {name: Entry(bytes=len(content), sha256=_digest(content)) for name, content in sorted(files.items())}
    said = manifest.model_copy(update={"entries": entries}).model_dump_json(indent=2) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [(MANIFEST, said.encode()), *sorted(files.items())]:
            info = zipfile.ZipInfo(name, LONG_AGO)
            info.create_system, info.external_attr = _UNIX, _PRIVATE
            archive.writestr(info, content)
    return buffer.getvalue()


def unpack(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What a bundle holds, checked against its manifest. Raises DatabaseUnusable where anything is not as it says."""
    if not path.exists():
        raise DatabaseUnusable(f"opening {path}: there is no such bundle; `timeline export --bundle FILE` makes one")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_outside(archive, path)
            manifest = Manifest.model_validate_json(_read(archive, MANIFEST, MANIFEST_BYTES_MAX))
            files = {name: _read(archive, name, entry.bytes) for name, entry in manifest.entries.items()}
            names = {MANIFEST, *files}
            if names != set(archive.namelist()) or LOG not in names:
                raise ValueError(f"it should hold {', '.join(sorted(names | {LOG}))}, and holds {', '.join(sorted(archive.namelist()))}")
    except (zipfile.BadZipFile, ValidationError, ValueError, KeyError, RuntimeError, OSError) as error:
        raise DatabaseUnusable(f"opening {path}: it is no bundle, or a damaged one ({_short(error)}); ask for it again") from None
    for name, entry in manifest.entries.items():
        if _digest(files[name]) != entry.sha256:
            raise DatabaseUnusable(f"opening {path}: {name} is not what the manifest says, its checksum differs; ask for it again")
    return manifest, files


def load_bundle(database: Database, path: Path) -> Manifest:
    """Load the log of a bundle into a database, and say what its kinds mean. Raises DatabaseUnusable."""
    from ingest.chunks import CompressedInputBroken
    from ingest.load import load_stream
    from ingest.sniff import source_named

    manifest, files = unpack(path)
    try:
        lines = io.BytesIO(b"".join(map(_with_fields_of_its_own, _log_lines(files[LOG]))))
        load_stream(database, f"{path.name}/{LOG}", lines, source=source_named("native")).check(is_strict=True)
    except (InputRejected, CompressedInputBroken) as error:
        raise DatabaseUnusable(f"opening {path}: its log is damaged: {error}") from None
    rows = [[manifest.run_id, *role] for role in manifest.roles]
    if rows:
        database.connection.executemany("INSERT INTO kind_role VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return manifest


def _log_lines(content: bytes) -> Iterator[bytes]:
    from ingest.parquet import rows_as_lines

    return (line for some in rows_as_lines(io.BytesIO(content)) for line in some.splitlines(keepends=True))


def _with_fields_of_its_own(line: bytes) -> bytes:
    """The line as its producer said it: what the envelope does not have stood at its top, and not in a field `extra`."""
    if b'"extra":' not in line:
        return line
    said = json.loads(line)
    extra = said.pop("extra", None)
    return json.dumps({**(extra if isinstance(extra, dict) else {}), **said}).encode() + b"\n"


def _check_outside(archive: zipfile.ZipFile, path: Path) -> None:
    """What the archive says of its entries, before any is read. Raises ValueError."""
    entries = archive.infolist()
    if len(entries) > ENTRIES_MAX:
        raise ValueError(f"it has {len(entries)} entries of at most {ENTRIES_MAX}")
    if path.stat().st_size > BYTES_MAX:
        raise ValueError(f"it has more than {BYTES_MAX} bytes")
    for entry in entries:
        if not NAME.fullmatch(entry.filename):
            raise ValueError(f"an entry is called {entry.filename!r}; names are of small letters, digits, dot, dash and underscore")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ValueError(f"{entry.filename} is packed; in a bundle nothing is")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ValueError("two entries have the same name")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ValueError("its entries lie over one another")


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if archive.getinfo(name).file_size > most:
        raise ValueError(f"{name} has {archive.getinfo(name).file_size} bytes of at most {most}")
    return archive.read(name)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first: Any = error.errors(include_url=False, include_input=False)[0]
        return f"{MANIFEST}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error) or type(error).__name__
