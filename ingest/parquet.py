"""Parquet as lines: each row an object of JSON, so that a table is sniffed, mapped and counted as lines are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.chunks import BATCH_ROWS, CompressedInputBroken


def rows_as_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The rows, some thousands at a time, as lines. Raises CompressedInputBroken where it is damaged or cannot be read in any order."""
    if not stream.seekable():
        raise CompressedInputBroken("Parquet is read from its end, so it cannot come through a pipe; give the file")
    stream.seek(0)
    with duckdb.connect() as database:
        try:
            for batch in pq.ParquetFile(stream).iter_batches(BATCH_ROWS):
                database.register("batch", pa.Table.from_batches([batch]))
                lines = database.execute("SELECT to_json(batch)::VARCHAR FROM batch").fetchall()
                yield b"".join(line.encode() + b"\n" for (line,) in lines)
        except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
            raise CompressedInputBroken(f"Parquet is damaged or holds what JSON cannot: {str(error).splitlines()[0]}") from None
