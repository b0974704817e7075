"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ingest.errors import StorageFailed, UsageError


def write_private(path: Path, content: str | bytes) -> None:
    """Write what a log says, as `write_whole` does, to a file that its owner alone may read: to hand it on is a decision."""
    write_whole(path, content, mode=0o600)


def write_whole(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write `content` to `path`, text as UTF-8: a reader sees the old file or the new one. Raises StorageFailed.

    A link at `path` is replaced, and never followed.
    """
    if "\0" in str(path):
        raise UsageError(f"writing {str(path)!r}: a file name cannot hold a NUL")
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode & ~_umask())
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise StorageFailed(f"writing {path}: {error.strerror or error}; the file was not changed") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
