"""Other ways to read the same logs: each line through pydantic, and pm4py, which has an environment of its own (`make bench-peers`)."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.events import KINDS, Event
from ingest.in_memory import open_in_memory
from ingest.load import load

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench-peers" / "bin" / "python"
PROCESS_LOGS = Path(os.environ.get("TIMELINE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "process-log"
BATCH_LINES = 10_000
READ_BY_PM4PY = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import pandas, pm4py
def read(path):
    return pm4py.read_xes(path) if path.endswith(".xes") else pm4py.format_dataframe(pandas.read_csv(path))
read(sys.argv[1])
started = time.perf_counter()
events = len(read(sys.argv[1]))
print(events, time.perf_counter() - started)
"""
"""The second time counts: the first one loads its modules."""


def lines_by_pydantic(log: Path, most: int) -> float:
    """Lines a second where each is validated by the event classes and inserted in batches: the usual way."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE event (run_id VARCHAR, event_id VARCHAR, kind VARCHAR, actor VARCHAR, time VARCHAR, line JSON)")
    started, taken = time.perf_counter(), 0
    with log.open("rb") as file:
        for batch in _batches(islice(file, most)):
            connection.register("batch", pa.Table.from_pylist([_validated(line) for line in batch]))
            connection.execute("INSERT INTO event FROM batch")
            taken += len(batch)
    return taken / (time.perf_counter() - started)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(lines, BATCH_LINES)):
        yield batch


def _validated(line: bytes) -> dict[str, str]:
    event = Event.model_validate_json(line)
    if event.kind in KINDS:
        KINDS[event.kind].model_validate_json(json.dumps(event.data))
    return {
        "run_id": event.run_id, "event_id": event.event_id, "kind": event.kind, "actor": event.actor, "time": event.time,
        "line": line.decode(),
    }  # fmt: skip


def process_log(name: str, mapping: str | None) -> tuple[int, float, float]:
    """Events of a process log, seconds that we take to load it, and seconds that pm4py takes to read it."""
    path = str(PROCESS_LOGS / name)
    with open_in_memory() as database:
        started = time.perf_counter()
        events = load(database, [path], mapping=mapping).events
        ours = time.perf_counter() - started
    told = subprocess.run([str(PEERS), "-c", READ_BY_PM4PY, path], check=True, capture_output=True, text=True).stdout.split()
    assert int(told[-2]) == events, f"pm4py reads {told[-2]} events of {path}, we {events}"
    return events, ours, float(told[-1])
