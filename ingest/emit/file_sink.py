"""Events into a file: a line is there whole or not at all, and a file that grew large is put aside under a number.

Several processes may write one file: each takes its lock (`flock`) for the time of one write. Whoever comes next mends what a
crash left.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from ingest.emit.line import LINE_BYTES_MAX

Fsync = Literal["always", "batch", "never"]
_BATCH_BYTES = 1024 * 1024
OURS = b'{"event_id":'
"""How a line of the emitter begins."""


class FileSink:
    """A file that is appended to, as `events.jsonl`; rotated, it becomes `events.jsonl.1`, then `.2`: the highest is the newest."""

    def __init__(
        self, path: str | os.PathLike[str], *, fsync: Fsync = "batch", rotate_bytes: int | None = None, rotate_keep: int | None = None
    ) -> None:
        """Open the file, making it where there is none.

        `fsync`: `always`, every event is on disk before the next is written; `batch`, all that has come meanwhile is written and then
        synced at once; `never`, the system decides. `rotate_keep`: how many files that were put aside are kept; all, if not given.
        Raises OSError.
        """
        self._path, self._fsync, self._rotate_bytes, self._rotate_keep = Path(path), fsync, rotate_bytes, rotate_keep
        self.batch_bytes = min(_BATCH_BYTES, rotate_bytes or _BATCH_BYTES)
        self.batch_events = 1 if fsync == "always" else 10_000
        self._descriptor: int | None = None
        with self._locked() as descriptor:
            self._mend(descriptor)

    def write(self, lines: Sequence[bytes]) -> None:
        """Append these lines, all or none. Raises OSError."""
        text = b"".join(lines)
        with self._locked() as descriptor:
            size = self._mend(descriptor)
            try:
                _write_all(descriptor, text)
                if self._fsync != "never":
                    os.fsync(descriptor)
            except OSError:
                with suppress(OSError):  # else the next write mends it
                    os.ftruncate(descriptor, size)
                raise
            if self._rotate_bytes is not None and size + len(text) >= self._rotate_bytes:
                self._rotate()

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file that has the name now, locked; another process, or logrotate, may have put the one that was open aside."""
        while True:
            descriptor = self._opened()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    break
            self.close()
        try:
            yield descriptor
        finally:
            if self._descriptor is not None:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self._descriptor

    def _mend(self, descriptor: int) -> int:
        """Take half a line of ours off the file's end; one that is not ours is ended, and left. Gives the size of the file."""
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, 1, size - 1) if size else b"\n"
        if end != b"\n":
            tail = os.pread(descriptor, LINE_BYTES_MAX, max(0, size - LINE_BYTES_MAX)).rpartition(b"\n")[2]
            if tail.startswith(OURS) or OURS.startswith(tail) or not tail.strip(b"\0"):
                os.ftruncate(descriptor, size - len(tail))
            else:
                _write_all(descriptor, b"\n")
        return os.fstat(descriptor).st_size

    def _rotate(self) -> None:
        """Put the file aside. The next write makes a new one."""
        prefix = f"{self._path.name}."
        behind = (each.name.removeprefix(prefix) for each in self._path.parent.iterdir() if each.name.startswith(prefix))
        numbers = sorted(int(number) for number in behind if number.isascii() and number.isdecimal())
        self._path.rename(f"{self._path}.{numbers[-1] + 1 if numbers else 1}")
        self.close()
        if self._rotate_keep is not None:
            for number in numbers[: max(0, len(numbers) + 1 - self._rotate_keep)]:
                Path(f"{self._path}.{number}").unlink(missing_ok=True)
        if self._fsync != "never":
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _write_all(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]
