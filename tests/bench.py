"""`make bench`: our figures beside the bare engine's and the peers', in one run. Nothing timed decides a test.

Every comparison is made on the same machine, in the same run, on the same rows; the ratio is the figure to quote.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import duckdb

from ingest.database import open_for_write
from reference_cluster import scenario
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from tests.bench_peers import PEERS, PROCESS_LOGS, lines_by_pydantic, process_log
from tests.sim.bench import scenario_runs, simpy_timeouts, sleeping_programs
from timeline.api import Timeline
from timeline.findings import detect
from timeline.refresh import refresh

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
WORKERS = THREADS = 2
BY_PYDANTIC = 30_000
"""Lines that go through pydantic one by one; a million would take minutes."""
BARE_WINDOW = """
    CREATE OR REPLACE TEMP TABLE bare AS
    SELECT event_no, lead(ts_us) OVER (PARTITION BY run_id, subject_kind, subject_id ORDER BY revision, seq, event_no) AS until_us
    FROM event
"""


class Figure(NamedTuple):
    """A line of the result: what, what was seen, and what DESIGN 8 asks for."""

    work: str
    seen: str
    goal: str


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _events_of(seed: int) -> bytes:
    return b"".join(simulate(Staged(scenario.load("healthy")), seed).lines)


def make_log(path: Path, wanted: int = EVENTS) -> int:
    """Healthy runs until there are enough events; how many."""
    events = 0
    with ProcessPoolExecutor(WORKERS) as pool, path.open("wb") as file:
        for lines in pool.map(_events_of, range(1, wanted // 1_500 + 2), chunksize=8):
            events += lines.count(b"\n")
            file.write(lines)
    return events


def ingest(log: Path, folder: Path) -> list[Figure]:
    """The real command in a process of its own against DuckDB's bare reader of the same file."""
    bare = duckdb.connect(str(folder / "bare.duckdb"), config={"threads": THREADS})
    bare_seconds = seconds(lambda: bare.execute("CREATE TABLE event AS SELECT * FROM read_json(?)", [str(log)]))
    bare.close()
    command = [sys.executable, "-m", "timeline", "ingest", str(log), "--db", str(folder / "bench.duckdb"), "--json"]
    ours = seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    again = seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    events = log.read_bytes().count(b"\n")
    by_pydantic = lines_by_pydantic(log, BY_PYDANTIC)
    return [
        Figure("ingest against bare read_json", f"{bare_seconds / ours:.2f} x ({ours:.1f} s, bare {bare_seconds:.1f} s)", ">= 0.6 x"),
        Figure("peak memory of the ingest", f"{peak_mib:.0f} MiB", "<= 600 MiB"),
        Figure("the same file again", f"{again:.1f} s, {100 * again / ours:.0f} % of the first time", "<= 25 %"),
        Figure(
            "ingest against each line through pydantic",
            f"{events / ours / by_pydantic:.1f} x ({events / ours:,.0f}/s, pydantic {by_pydantic:,.0f}/s)",
            "",
        ),
    ]


def process_logs() -> list[Figure]:
    """The same process logs read by pm4py, where `make bench-peers` has installed it."""
    if not PEERS.exists() or not PROCESS_LOGS.exists():
        return [Figure("process logs against pm4py", "not measured: `make bench-peers` installs it", "")]
    figures = []
    for name, mapping in (("receipt.csv", "receipt"), ("running-example.xes", None)):
        events, ours, theirs = process_log(name, mapping)
        figures.append(Figure(f"{name} against pm4py", f"{theirs / ours:.2f} x ({events} events, {ours:.2f} s, pm4py {theirs:.2f} s)", ""))
    return figures


def analysis(folder: Path) -> list[Figure]:
    """Rebuild, a small batch, all detectors, one object."""
    path = folder / "bench.duckdb"
    with open_for_write(path) as database:
        connection = database.connection
        window = seconds(lambda: connection.execute(BARE_WINDOW))
        rebuild = seconds(lambda: refresh(connection))
        connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM event WHERE hash(run_id) % 100 = 0")
        touched = seconds(lambda: refresh(connection))
        judge = seconds(lambda: detect(connection))
    with Timeline.open(path) as log:
        run = log.runs()["run_id"][0]
        worker = log.objects("worker", run)["id"][0]
        shown = seconds(lambda: log.show(f"worker/{worker}", run))
    return [
        Figure(
            "rebuild of all timelines against the bare window query",
            f"{rebuild / window:.1f} x ({rebuild:.2f} s, bare {window:.2f} s)",
            "<= 1.5 x",
        ),
        Figure("a batch that touches 1 % of the runs", f"{100 * touched / rebuild:.0f} % of a rebuild ({touched:.2f} s)", "<= 5 %"),
        Figure("all detectors", f"{judge:.2f} s", "<= 4 s on 1 M events"),
        Figure("one object's timeline", f"{shown:.3f} s", "<= 0.2 s"),
    ]


def simulator() -> list[Figure]:
    """Bare effects against SimPy's time-outs, and a whole scenario with its events."""
    ours, theirs = sleeping_programs(), simpy_timeouts()
    scenario_figures = scenario_runs()
    return [
        Figure("effects against SimPy's time-outs", f"{ours / theirs:.2f} x ({ours:,.0f}/s, SimPy {theirs:,.0f}/s)", ">= 1 x"),
        Figure("effects with events on", f"{scenario_figures['effects_per_second']:,.0f}/s", ">= 100,000/s"),
        Figure("simulated against real time", f"{scenario_figures['times_real_time']:,.0f} x", ">= 2,000 x"),
        Figure("one-minute scenarios", f"{scenario_figures['scenario_minutes_per_second']:.0f} a second and core", ">= 50"),
    ]


def main() -> None:
    """Print every figure."""
    figures = simulator()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "bench.jsonl"
        events = make_log(log)
        print(f"{events:,} events, {log.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} processors, DuckDB {duckdb.__version__}")
        figures += ingest(log, folder) + process_logs() + analysis(folder)
    width = max(len(figure.work) for figure in figures)
    for figure in figures:
        print(f"{figure.work:{width}}  {figure.seen:52}  {figure.goal and 'goal'} {figure.goal}".rstrip())


if __name__ == "__main__":
    main()
