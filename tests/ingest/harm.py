"""What can be done to an ingest from outside: a kill or a failing disk at a chosen system call, a disk that is full.

strace does it as the process enters a call for the N-th time (it counts by thread and kind of call); a calm run says which
such points there are. What needs a program or a right that is missing here is skipped by name, and fails where CI=true.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ingest.database import Limits, open_for_write
from ingest.load import load
from tests.ingest.lines import line, rows, write

ROOT = Path(__file__).parents[2]
EVENTS, CHUNK_BYTES = 60, 2000
"""A small log, in enough chunks for several transactions."""
WRITING = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "link", "linkat")
"""Every call by which an ingest, or care of a database, changes what is on disk."""
PROGRAM = """
import importlib
import os
import pkgutil
import resource
import sys
from pathlib import Path
import ingest
from ingest.database import Limits, open_for_write
from ingest.errors import TimelineError
from ingest.load import load
from ingest.migrate import migrate
from ingest.recover import recover
verb, database, chunk_bytes, *logs = sys.argv[1:]
if "ROOM_BYTES" in os.environ:
    for module in pkgutil.walk_packages(ingest.__path__, "ingest."):
        importlib.import_module(module.name)
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + int(os.environ["ROOM_BYTES"])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    if verb == "recover":
        recover(Path(database))
    elif verb == "migrate":
        migrate(Path(database))
    else:
        with open_for_write(Path(database), Limits(threads=1)) as opened:
            load(opened, logs, chunk_bytes=int(chunk_bytes)).check()
            if verb == "crash":
                os._exit(9)
except TimelineError as error:
    os.writev(2, [f"{error}\\n".encode()])  # by a call that no test harms
    sys.exit(error.exit_code)
"""


class Point(NamedTuple):
    """The nth time that a thread enters a call."""

    call: str
    nth: int


def missing(what: str) -> None:
    """Skip a test for want of something; fail where nothing may be missing."""
    assert not os.environ.get("CI"), what
    pytest.skip(what)


def need(program: str) -> None:
    """Skip where a program is not installed."""
    if not shutil.which(program):
        missing(f"{program} is not installed")


def start(
    verb: str,
    database: Path,
    *logs: Path,
    tracer: Sequence[str] = (),
    before: Callable[[], None] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    room_bytes: int | None = None,
) -> subprocess.Popen[bytes]:
    """One `ingest`, `recover`, `migrate`, or ingest that ends in a `crash`, as a process of its own, under a tracer where one is given.

    `room_bytes` is how much memory it gets beyond what it takes to begin.
    """
    command = [*tracer, sys.executable, "-c", PROGRAM, verb, str(database), str(chunk_bytes), *map(str, logs)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | ({"ROOM_BYTES": str(room_bytes)} if room_bytes else {})
    out = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment, preexec_fn=before)  # noqa: PLW1509  no threads here


def run(verb: str, database: Path, *logs: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The same, to its end."""
    process = start(verb, database, *logs, **options)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def points(verb: str, database: Path, *logs: Path, calls: Sequence[str] = WRITING, only: Path | None = None) -> list[Point]:
    """Every point at which strace can harm such a run, in the order of the calls; `only` those on a path."""
    trace = database.with_name(f"{database.name}.trace")
    place = ["-P", str(only)] if only else []
    calm = run(verb, database, *logs, tracer=["strace", "-f", "-o", str(trace), *place, "-e", f"trace={','.join(calls)}"])
    assert calm.returncode == 0, calm.stderr
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    found: dict[Point, None] = {}
    for thread, call in re.findall(rf"^(\d+) +({'|'.join(calls)})\(", trace.read_text(), re.MULTILINE):
        seen[thread, call] += 1
        found[Point(call, seen[thread, call])] = None
    return list(found)


def harmed(
    verb: str, database: Path, *logs: Path, point: Point, harm: str, lasts: bool = False, only: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The same run with one call harmed: `signal=SIGKILL`, `error=ENOSPC`; where it `lasts`, every later one too."""
    when = f"{point.nth}{'+' if lasts else ''}"
    place = ["-P", str(only)] if only else []
    inject = f"inject={point.call}:{harm}:when={when}"
    return run(verb, database, *logs, tracer=["strace", "-f", "-o", os.devnull, *place, "-e", f"trace={point.call}", "-e", inject])


def small_log(folder: Path) -> Path:
    """Sixty events and one line that is none."""
    return write(folder / "log.jsonl", *(line(number) for number in range(1, EVENTS)), b"not json", line(EVENTS))


def crashed(database: Path, *logs: Path) -> Path:
    """A crash after everything was committed; gives the log of changes that it left."""
    assert run("crash", database, *logs).returncode == 9
    return database.with_name(f"{database.name}.wal")


def ingested(database: Path, *logs: Path) -> None:
    """The same logs again, undisturbed."""
    with open_for_write(database, Limits(threads=1)) as healed:
        load(healed, logs, chunk_bytes=CHUNK_BYTES).check()


def holds_everything_once(database: Path) -> bool:
    """Whether all of `small_log` is there, once."""
    with open_for_write(database, Limits(threads=1)) as opened:
        (found,) = rows(
            opened.connection,
            """SELECT (SELECT count(*) FROM event) AS events, (SELECT count(DISTINCT event_id) FROM event) AS ids,
                (SELECT count(*) FROM event_object) AS objects, (SELECT count(*) FROM rejected_line) AS refused""",
        )
    return found == {"events": EVENTS, "ids": EVENTS, "objects": 2 * EVENTS, "refused": 1}


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of that size; needs the right to mount."""
    need("mount")
    folder.mkdir(exist_ok=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:
        missing("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    """Change a mounted disk: `size=64m`, `ro`."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)
