"""Parquet as lines: each row an object of JSON, so that a table is sniffed, mapped and counted as lines are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.chunks import CompressedInputBroken, check_ratio
from ingest.database import readable_once

BATCH_ROWS = 256
"""Rows that are unpacked at once. Few, because a row of a few bytes may unpack to many."""


def rows_as_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The rows, some hundreds at a time, as lines.

    Raises CompressedInputBroken where it is damaged, cannot be read in any order, or unpacks to far too much.
    """
    if not stream.seekable():
        raise CompressedInputBroken("Parquet is read from its end, so it cannot come through a pipe; give the file")
    taken, given = stream.seek(0, os.SEEK_END), 0
    stream.seek(0)
    with duckdb.connect() as database:
        try:
            for batch in pq.ParquetFile(stream).iter_batches(BATCH_ROWS):
                with readable_once(database, "rows", pa.table({"line": batch.to_struct_array()})):
                    lines = database.execute("SELECT to_json(line)::VARCHAR FROM rows").fetchall()
                text = b"".join(line.encode() + b"\n" for (line,) in lines)
                given += len(text)
                check_ratio(taken, given)
                yield text
        except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
            why = str(error).partition("\n")[0]
            raise CompressedInputBroken(f"Parquet is damaged or holds what JSON cannot: {why}") from None
