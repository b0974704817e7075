r"""Bytes to lines: plain, gzip or zstd, in chunks of bounded size, each line with its number and its byte offset.

Offsets are those of the unpacked bytes, so that a place in a packed file means something. Only `\n` ends a line; a
`\r` before it is dropped. Memory is bounded by the chunk size, whatever the input holds: a line that outgrows it is
skipped and told about, and a packed stream that unpacks to far too much is cut off.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from ingest.strict import LINE_BYTES_MAX

CHUNK_BYTES = 8 * 1024 * 1024
"""How much text is judged at once."""
READ_BYTES = 1024 * 1024
RAW_BYTES_MAX = 64 * 1024
"""How much of a rejected line is kept."""
RATIO_MAX = 200
RATIO_FREE_BYTES = 16 * 1024 * 1024
"""Below this size any ratio is fine: a megabyte of equal lines is not an attack."""
NUL_RUN_BYTES_MIN = 4096
"""So many bytes 0 at the start of a line are no part of it: a writer went on at its old place in a file that was cut to nothing."""
BATCH_ROWS = 8192
"""Rows in a record batch: DuckDB hands batches to its threads one by one."""
BOM = b"\xef\xbb\xbf"
_NULS = bytes(NUL_RUN_BYTES_MIN)
_NUL_RUN = re.compile(rb"(?:\A|(?<=\n))\0{%d,}" % NUL_RUN_BYTES_MIN)
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


class CompressedInputBroken(ValueError):
    """A packed stream is cut, damaged, or unpacks to far too much. What came before it was delivered."""


class CompressedInputCut(CompressedInputBroken):
    """A packed stream ends in the middle: it is cut, or still being written."""


@dataclass(frozen=True)
class SkippedLine:
    """A line that is longer than a line may be: only its head is kept."""

    number: int
    offset: int
    length: int
    head: bytes
    sha256: str
    is_over: bool
    """Its line end is there."""


@dataclass(frozen=True)
class NulRun:
    """Bytes 0 before a line. They count as a line of their own."""

    number: int
    offset: int
    length: int
    is_over: bool
    """Something follows them."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines, one after another."""

    first_number: int
    """Number of the first line, from 1."""
    offset: int
    """Where the chunk begins in the unpacked file."""
    text: bytes
    """The lines, with a line end between any two; the end of the last is not in it."""
    places: tuple[int, ...] | None = None
    """Where each line comes from, where they do not stand in the file as they are."""

    @cached_property
    def _lines(self) -> pa.LargeBinaryArray:
        whole = pa.Array.from_buffers(
            pa.large_binary(), 1, [None, pa.py_buffer(struct.pack("<2q", 0, len(self.text))), pa.py_buffer(self.text)]
        )
        return pc.split_pattern(whole, b"\n").values

    @cached_property
    def _offsets(self) -> pa.Int64Array:
        if self.places is not None:
            return pa.array(self.places, pa.int64())
        ends = pc.cumulative_sum(pc.add(pc.binary_length(self._lines), 1))
        return pc.add(pc.subtract(ends, pc.add(pc.binary_length(self._lines), 1)), self.offset)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> bytes:
        """One line as bytes, without its end."""
        found: bytes = self._lines[index].as_py()
        return found.removesuffix(b"\r")

    def line_offset(self, index: int) -> int:
        """Where a line begins in the unpacked file."""
        offset: int = self._offsets[index].as_py()
        return offset

    def parts(self, lines_max: int) -> Iterator[Chunk]:
        """The same lines in chunks of at most so many."""
        if len(self) <= lines_max:
            yield self
            return
        starts = [self.line_offset(index) - self.offset for index in range(0, len(self), lines_max)]
        for index, (start, end) in enumerate(pairwise([*starts, len(self.text) + 1])):
            yield Chunk(self.first_number + index * lines_max, self.offset + start, self.text[start : end - 1])

    def table(self) -> tuple[pa.Table, list[int]]:
        """The lines as columns idx, byte_offset, raw, without the empty ones; and the indexes of lines that are not UTF-8."""
        raw: Any = self._lines
        if b"\r" in self.text:
            raw = pa.array([line.removesuffix(b"\r") for line in raw.to_pylist()], pa.large_binary())
        broken: list[int] = []
        try:
            raw = raw.cast(pa.large_string())
        except pa.ArrowInvalid:
            texts = [_text_or_none(line) for line in raw.to_pylist()]
            broken = [index for index, text in enumerate(texts) if text is None]
            raw = pa.array(texts, pa.large_string())
        lengths = pc.binary_length(raw)
        columns = [_indexes(len(raw)), self._offsets, raw]
        if broken or pc.min(lengths).as_py() == 0:
            columns = [column.filter(pc.greater(lengths, 0), null_selection_behavior="drop") for column in columns]
        table = pa.table(columns, names=["idx", "byte_offset", "raw"])
        return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH_ROWS), table.schema), broken


def _indexes(count: int) -> pa.Int32Array:
    return pc.subtract(pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int32()), count)), 1)


def _text_or_none(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


@dataclass(frozen=True)
class Tail:
    """What stands after the last line end: a line that may still be being written."""

    number: int
    offset: int
    text: bytes


def is_packed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of gzip, zstd or Parquet."""
    return head.startswith((_GZIP, _ZSTD, _PARQUET))


def unpacked(stream: BinaryIO, read_bytes: int = READ_BYTES) -> Iterator[bytes]:
    """The bytes of a stream from its start, unpacked where its first bytes say so. Raises CompressedInputBroken."""
    head = stream.read(read_bytes)
    if head.startswith(_GZIP):
        yield from _gunzipped(head, stream)
    elif head.startswith(_ZSTD):
        yield from _unzstandard(head, stream)
    elif head.startswith(_PARQUET):
        from ingest.parquet import rows_as_lines

        yield from rows_as_lines(stream)
    else:
        yield head
        yield from plain(stream, read_bytes)


def plain(stream: BinaryIO, read_bytes: int = READ_BYTES) -> Iterator[bytes]:
    """The bytes of a stream as they are, from where it stands."""
    while block := stream.read(read_bytes):
        yield block


def _gunzipped(block: bytes, stream: BinaryIO) -> Iterator[bytes]:
    member, taken, given = zlib.decompressobj(wbits=31), 0, 0
    while block:
        taken += len(block)
        while block:
            try:
                text = member.decompress(block, READ_BYTES)
            except zlib.error as error:
                raise CompressedInputBroken(f"gzip is damaged near byte {taken}: {error}") from None
            given += len(text)
            check_ratio(taken, given)
            if text:
                yield text
            block = member.unconsumed_tail
            if member.eof:
                block = member.unused_data.lstrip(b"\0")
                member = zlib.decompressobj(wbits=31)
                if block and not block.startswith(b"\x1f"):
                    raise CompressedInputBroken(f"bytes that are not gzip follow its end, near byte {taken}")
                is_open = bool(block)
            else:
                is_open = True
        block = stream.read(READ_BYTES)
    if is_open:
        raise CompressedInputCut(f"gzip ends in the middle, at byte {taken}")


def _unzstandard(block: bytes, stream: BinaryIO) -> Iterator[bytes]:
    frames, taken, given = zstandard.ZstdDecompressor(max_window_size=2**27), 0, 0
    frame = frames.decompressobj()
    is_open = False
    while block:
        taken += len(block)
        for start in range(0, len(block), 4096):
            piece = block[start : start + 4096]
            while piece:
                try:
                    text = frame.decompress(piece)
                except zstandard.ZstdError as error:
                    raise CompressedInputBroken(f"zstd is damaged near byte {taken}: {error}") from None
                given += len(text)
                check_ratio(taken, given)
                if text:
                    yield text
                is_open, piece = not frame.eof, b""
                if frame.eof:
                    piece, frame = frame.unused_data, frames.decompressobj()
        block = stream.read(READ_BYTES)
    if is_open:
        raise CompressedInputCut(f"zstd ends in the middle, at byte {taken}")


def check_ratio(taken: int, given: int) -> None:
    """Raise CompressedInputBroken where `taken` bytes unpacked to far too many."""
    if given > RATIO_FREE_BYTES and given > RATIO_MAX * taken:
        raise CompressedInputBroken(f"{taken} packed bytes unpack to {given} and more, above the ratio of {RATIO_MAX}")


def chunks(
    blocks: Iterator[bytes], offset: int = 0, number: int = 1, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk | SkippedLine | NulRun | Tail]:
    """Blocks of bytes as chunks of whole lines, in order; a `Tail` at the end where the last line has no end.

    `offset` and `number` are those of the first byte that the blocks hold. An error of `blocks` passes through after
    the whole lines before it.
    """
    source, held, size, broken = iter(blocks), [b""], 0, None
    while True:
        try:
            block = next(source, b"")
        except CompressedInputBroken as error:
            block, broken = b"", error
        if offset == 0 and size == 0 and block.startswith(BOM):
            block, offset = block[len(BOM) :], len(BOM)
        held.append(block)
        size += len(block)
        if block and size < chunk_bytes:
            continue
        body, end, rest = b"".join(held).rpartition(b"\n")
        if end:
            for piece in _apart(number, offset, body):
                yield piece
                number += len(piece) if isinstance(piece, Chunk) else 1
            offset += len(body) + 1
        if len(rest) > LINE_BYTES_MAX:
            skipped, rest = (_nul_run if rest.startswith(_NULS) else _skipped)(source, number, offset, rest)
            yield skipped
            offset, number = offset + skipped.length + isinstance(skipped, SkippedLine), number + 1
        held, size = [rest], len(rest)
        if not block:
            break
    if rest:
        yield Tail(number, offset, rest)
    if broken:
        raise broken


def _apart(number: int, offset: int, text: bytes) -> Iterator[Chunk | NulRun]:
    """Whole lines, and the runs of bytes 0 before them."""
    place = 0
    for run in _NUL_RUN.finditer(text) if _NULS in text else ():
        if run.start() > place:
            yield (chunk := Chunk(number, offset + place, text[place : run.start() - 1]))
            number += len(chunk)
        yield NulRun(number, offset + run.start(), len(run[0]), is_over=True)
        number, place = number + 1, run.end()
    yield Chunk(number, offset + place, text[place:])


def _nul_run(blocks: Iterator[bytes], number: int, offset: int, begun: bytes) -> tuple[NulRun, bytes]:
    length, rest = 0, begun
    while rest:
        after = rest.lstrip(b"\0")
        length += len(rest) - len(after)
        if after:
            return NulRun(number, offset, length, is_over=True), after
        rest = next(blocks, b"")
    return NulRun(number, offset, length, is_over=False), b""


def _skipped(blocks: Iterator[bytes], number: int, offset: int, begun: bytes) -> tuple[SkippedLine, bytes]:
    head, digest, length = begun[:RAW_BYTES_MAX], hashlib.sha256(), 0
    rest = begun
    while True:
        line, end, after = rest.partition(b"\n")
        digest.update(line)
        length += len(line)
        if end or not (rest := next(blocks, b"")):
            return SkippedLine(number, offset, length, head, digest.hexdigest(), is_over=bool(end)), after
