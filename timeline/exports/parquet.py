"""Parquet: the log itself, and a file for each table that holds something of the run."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest import schema
from ingest.errors import StorageFailed
from timeline.exports import Chosen
from timeline.files import write_private
from timeline.findings import identifier
from timeline.log_table import log_table, shown_ids, without_secrets
from timeline.refresh import models

HELP = "The run as Parquet: log.parquet, which `timeline ingest` reads, and a file for each event table and model with rows."
METAVAR = "DIR"

LOG = "log"
ROWS_A_GROUP = 65_536


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Write the files into a folder, which is made where it is not there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"making the folder {path}: {error.strerror or error}; name another one") from None
    files = [path / f"{LOG}.parquet"]
    write_private(files[0], parquet_bytes(log_table(chosen.connection, chosen.run_id)[0]))
    ids = shown_ids(chosen.connection, chosen.run_id)
    for table in tables():
        rows = chosen.connection.execute(f"SELECT * FROM {identifier(table)} WHERE run_id = $run ORDER BY ALL", {"run": chosen.run_id})
        found = rows.to_arrow_table()
        if found.num_rows:
            files.append(path / f"{table}.parquet")
            write_private(files[-1], parquet_bytes(without_secrets(found, ids)[0]))
    return files


def tables() -> list[str]:
    """The tables of events and the models, all of which say for each row of which run it is."""
    events = ["event", "event_object", "event_cause", *map(schema.family_table, schema.typed_families())]
    return [*events, *sorted(model.name for model in models())]


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file, the same for the same table."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=ROWS_A_GROUP)
    return buffer.getvalue()
