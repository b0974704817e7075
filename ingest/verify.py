"""Whether the chains of a sealed log hold, and where the first one breaks that does not."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from ingest.chunks import Chunk, CompressedInputBroken, NulRun, Tail, chunks, unpacked
from ingest.emit.seal import Sealed, Stream, digest, read_sealed, stream_of
from ingest.errors import StorageFailed

_UNSEALED = "it has no seal, and its stream is sealed"


class Break(BaseModel):
    """A line that does not follow from the one before it in its stream."""

    file: str
    line: int
    offset: int
    """Bytes before it in its file, unpacked."""
    actor: str
    says: str


class Verified(BaseModel):
    """What is known of a sealed log."""

    lines: int = 0
    sealed: int = 0
    unsealed: int = 0
    """Lines without a seal, in streams that have none so far."""
    streams: int = 0
    begun_late: list[str] = []
    """Streams whose first line here is not their first: neither it nor what was before it can be verified."""
    broken: list[Break] = []
    """The first break of each stream, in the order in which they were found."""


class Verifier:
    """Reads lines in order and holds each against the one before it in its stream."""

    def __init__(self, key: bytes = b"") -> None:
        self.found = Verified()
        self._key = key
        self._last: dict[Stream, Sealed] = {}
        self._broken: set[Stream] = set()
        self._unsealed_at: dict[Stream | None, tuple[str, int, int]] = {}
        """The first line without a seal of each stream that has none so far."""

    def read(self, file: str, number: int, offset: int, line: bytes) -> None:
        """Look at the next line of the log."""
        self.found.lines += 1
        sealed = read_sealed(line)
        if sealed is None:
            self._unsealed(file, number, offset, line)
            return
        self.found.sealed += 1
        before = self._last.get(sealed.stream)
        if before is None:
            self._first(file, number, offset, sealed)
        elif not self._follows(before.seal, sealed):
            hole = f"; seq goes from {before.seq} to {sealed.seq}" if sealed.seq != (before.seq or 0) + 1 else ""
            self._break(file, number, offset, sealed.stream, f"it does not follow from the line before it in its stream{hole}")
        self._last[sealed.stream] = sealed

    def _first(self, file: str, number: int, offset: int, sealed: Sealed) -> None:
        self.found.streams += 1
        if sealed.stream in self._unsealed_at:
            self._break(*self._unsealed_at[sealed.stream], sealed.stream, _UNSEALED)
        if self._follows("", sealed):
            return
        if sealed.seq in {None, 1}:
            self._break(file, number, offset, sealed.stream, "it is the first of its stream, and is not as it was sealed")
        else:
            self.found.begun_late.append(sealed.stream[1])

    def _unsealed(self, file: str, number: int, offset: int, line: bytes) -> None:
        try:
            event = json.loads(line)
            stream = stream_of(event) if isinstance(event, dict) else None
        except ValueError:
            stream = None
        if stream in self._last:
            self._break(file, number, offset, stream, _UNSEALED)
        else:
            self.found.unsealed += 1
            self._unsealed_at.setdefault(stream, (file, number, offset))

    def _follows(self, previous: str, sealed: Sealed) -> bool:
        return hmac.compare_digest(digest(previous, sealed.content, self._key), sealed.seal)

    def _break(self, file: str, number: int, offset: int, stream: Stream, says: str) -> None:
        if stream not in self._broken:
            self._broken.add(stream)
            self.found.broken.append(Break(file=file, line=number, offset=offset, actor=stream[1], says=says))


def verify(files: Sequence[Path], key: bytes = b"") -> Verified:
    """Verify the files as one log, in the order given: rotated ones oldest first. Raises StorageFailed."""
    verifier = Verifier(key)
    for path in files:
        try:
            with path.open("rb") as stream:
                for number, offset, line in _lines(unpacked(stream)):
                    verifier.read(str(path), number, offset, line)
        except (OSError, CompressedInputBroken) as error:
            raise StorageFailed(f"verifying {path}: {getattr(error, 'strerror', None) or error}") from None
    return verifier.found


def _lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of each line that is not blank. Of one that is too long to be an event there are none."""
    for piece in chunks(blocks):
        if isinstance(piece, Chunk):
            offset = piece.offset
            for number, line in enumerate(piece.text.split(b"\n"), piece.first_number):
                if line.strip():
                    yield number, offset, line
                offset += len(line) + 1
        elif not isinstance(piece, NulRun):
            yield piece.number, piece.offset, piece.text if isinstance(piece, Tail) else b""
