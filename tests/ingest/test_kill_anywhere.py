"""kill -9 at any system call of an ingest, the creation of the database included; then the same command: every event once.

strace kills the process as it enters a chosen call for the N-th time (it counts by thread and kind of call). A calm run
says which such points there are; the sweep takes fifty of them, evenly spread, in parts that a machine's cores can share.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.database import Limits, open_for_write
from ingest.load import load
from tests.ingest.lines import line, rows, write

KILLS, PARTS = 50, 5
EVENTS, CHUNK_BYTES = 60, 2000
CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename"
INGEST = """
import sys
from pathlib import Path
from ingest.database import Limits, open_for_write
from ingest.load import load
with open_for_write(Path(sys.argv[1]), Limits(threads=1)) as database:
    load(database, [sys.argv[2]], chunk_bytes=int(sys.argv[3]))
"""


def ingest(database: Path, log: Path, root: Path, *tracer: str) -> subprocess.CompletedProcess[bytes]:
    """One ingest as a process of its own, under a tracer where one is given."""
    command = [*tracer, sys.executable, "-c", INGEST, str(database), str(log), str(CHUNK_BYTES)]
    return subprocess.run(command, cwd=root, capture_output=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False)


def kill_points(trace: str) -> list[tuple[str, int]]:
    """Every (call, n) at which strace can kill a run like the traced one, in the order of the calls."""
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    points: dict[tuple[str, int], None] = {}
    for thread, call in re.findall(rf"^(\d+) +({CALLS.replace(',', '|')})\(", trace, re.MULTILINE):
        seen[thread, call] += 1
        points[call, seen[thread, call]] = None
    return list(points)


def killed_and_healed(folder: Path, log: Path, root: Path, call: str, nth: int) -> bool:
    """Kill an ingest at one point, load the file again, hold the database to its promise; whether the kill came at all."""
    database, point = folder / f"{call}-{nth}.duckdb", f"after a kill at {call} number {nth}"
    tracer = ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    first = ingest(database, log, root, *tracer)
    with open_for_write(database, Limits(threads=1)) as healed:
        load(healed, [log], chunk_bytes=CHUNK_BYTES)
    with open_for_write(database, Limits(threads=1)) as healed:
        counted = rows(healed.connection, "SELECT count(*) AS events, count(DISTINCT event_id) AS ids FROM event")
        assert counted == [{"events": EVENTS, "ids": EVENTS}], point
        objects = rows(healed.connection, "SELECT count(*) AS n FROM event_object")
        assert objects == [{"n": 2 * EVENTS}], point
        assert rows(healed.connection, "SELECT count(*) AS n FROM rejected_line") == [{"n": 1}], point
    return first.returncode != 0


@pytest.mark.tools
@pytest.mark.parametrize("part", range(PARTS))
def test_every_event_is_there_once_after_a_kill_at_any_of_fifty_system_calls(tmp_path: Path, root: Path, part: int) -> None:
    """Each kill leaves nothing that the same ingest does not heal, whichever write it hit."""
    if not shutil.which("strace"):
        assert not os.environ.get("CI"), "strace is needed to kill at chosen system calls"
        pytest.skip("strace is not installed")
    log = write(tmp_path / "log.jsonl", *(line(number) for number in range(1, EVENTS)), b"not json", line(EVENTS))
    trace = tmp_path / "trace"
    assert ingest(tmp_path / "calm.duckdb", log, root, "strace", "-f", "-o", str(trace), "-e", f"trace={CALLS}").returncode == 0
    points = kill_points(trace.read_text())
    spread = [points[kill * len(points) // KILLS] for kill in range(part, KILLS, PARTS)]
    spare = [point for point in points if point not in spread]
    killed, wanted = 0, KILLS // PARTS
    for swept in (spread, spare):  # a helper thread may take over a call, so that a point is not reached: take another
        killed += sum(killed_and_healed(tmp_path, log, root, *point) for point in swept[: wanted - killed])
    assert killed >= wanted * 9 // 10, f"only {killed} of {wanted} runs were killed"
