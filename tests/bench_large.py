"""`make bench-large`: ten million events, as one file, again, and as twenty files by a glob. One line of JSON for each.

The runs of a simulated log are copied under other names, which costs next to nothing. Each ingest is the real command in a
process of its own, whose largest resident set the kernel tells when it has ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import EVENTS, THREADS, make_log

LARGE = int(os.environ.get("BENCH_LARGE_EVENTS", "10000000"))
FILES = 20
BARE = """
import sys
import duckdb
with duckdb.connect(sys.argv[1], config={"threads": int(sys.argv[3])}) as connection:
    connection.execute("SET enable_progress_bar = false")
    connection.execute("CREATE TABLE event AS SELECT * FROM read_json(?)", [sys.argv[2]])
"""
"""In a process of its own: the kernel counts what the parent holds into the peak of a child that is started later."""
_RUN = b'"run_id":"'


def write_copies(seed: Path, path: Path, first: int, events: int) -> int:
    """A file with at least so many events, its runs named after their copies, from number `first` on; the next number."""
    text = seed.read_bytes()
    lines = text.count(b"\n")
    copies = -(-events // lines)
    with path.open("wb") as file:
        for copy in range(first, first + copies):
            file.write(text.replace(_RUN, _RUN + b"%d-" % copy))
    return first + copies


def ingest(database: Path, source: str) -> dict[str, Any]:
    """The command's report, with wall seconds, CPU seconds and the peak of its resident set."""
    command = [sys.executable, "-m", "timeline", "ingest", source, "--db", str(database), "--json"]
    told, tell = os.pipe()
    started = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, tell, 1), (os.POSIX_SPAWN_CLOSE, told)])
    os.close(tell)
    with os.fdopen(told) as answer:
        report = json.loads(answer.read())
    _, status, used = os.wait4(child, 0)
    assert status == 0, f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}"
    seconds = time.perf_counter() - started
    return {
        "events": report["events"], "duplicates": report["duplicates"], "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "peak_mib": used.ru_maxrss // 1024,
        "events_per_second": round(report["lines"] / seconds),
    }  # fmt: skip


def tell(case: str, **figures: object) -> None:
    """One line of JSON."""
    print(json.dumps({"case": case} | figures), flush=True)


def main() -> None:
    """Ingest the large log in each way, beside the bare reader."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed, log = folder / "seed.jsonl", folder / "large.jsonl"
        make_log(seed, min(EVENTS, 100_000))
        write_copies(seed, log, 0, LARGE)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", BARE, folder / "bare.duckdb", log, str(THREADS)], check=True)
        bare_seconds = time.perf_counter() - started
        tell("bare read_json", mb=log.stat().st_size // 1_000_000, seconds=round(bare_seconds, 1))
        once = ingest(folder / "one.duckdb", str(log))
        tell("one file", **once, of_bare=round(bare_seconds / once["seconds"], 2))
        again = ingest(folder / "one.duckdb", str(log))
        tell("the same file again", **again, of_first_time=round(again["seconds"] / once["seconds"], 3))
        log.unlink()
        (folder / "one.duckdb").unlink()
        number = 0
        for part in range(FILES):
            number = write_copies(seed, folder / f"part-{part:02d}.jsonl", number, LARGE // FILES)
        tell(f"{FILES} files by a glob", **ingest(folder / "many.duckdb", str(folder / "part-*.jsonl")))


if __name__ == "__main__":
    main()
