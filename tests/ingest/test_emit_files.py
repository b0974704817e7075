"""Files of the emitter: lines are whole, rotations are read through, and a kill costs only what was not yet written."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.emit import Emitter, FileSink
from tests.house import ROOT
from tests.ingest.following import following
from tests.ingest.lines import rows
from tests.ingest.test_emit import loaded


def event_ids(*paths: Path) -> list[str]:
    return [json.loads(line)["event_id"] for path in paths for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("fsync", ["always", "never"])
def test_a_file_is_followed_through_its_rotations(tmp_path: Path, fsync: Any):
    """Files of some hundred bytes, put aside under rising numbers while they are read: every event once, none refused."""
    with following(tmp_path) as (follower, database):
        with Emitter(tmp_path / "log.jsonl", run_id="run", actor="cp-1/pool", fsync=fsync, rotate_bytes=700) as emitter:
            for number in range(40):
                emitter.emit("a.b", f"c/{number}")
                if number % 3 == 0:
                    assert emitter.flush(60)
                    follower.poll()
        follower.poll()
        assert [row["seq"] for row in rows(database.connection, "SELECT seq FROM event ORDER BY seq")] == list(range(1, 41))
        assert (follower.report().quarantined, follower.report().duplicates) == (0, 0)
    assert len(list(tmp_path.iterdir())) > 5


def test_only_as_many_files_are_kept_as_were_asked_for(tmp_path: Path):
    """The oldest go. What somebody else named alike stays."""
    for name in ("log.jsonl.old", "log.jsonl.2.gz"):
        (tmp_path / name).write_text("mine")
    sink = FileSink(tmp_path / "log.jsonl", fsync="never", rotate_bytes=1, rotate_keep=2)
    for number in range(5):
        sink.write([b"%d\n" % number])
    sink.close()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "log.jsonl.4": "3\n", "log.jsonl.5": "4\n", "log.jsonl.old": "mine", "log.jsonl.2.gz": "mine",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("left", "stays"),
    [
        (b'{"event_id":"a"}\n{"event_id":"b","ti', b'{"event_id":"a"}\n'),
        (b'{"eve', b""),
        (b'{"event_id":"a"}\n\0\0\0', b'{"event_id":"a"}\n'),
        (b"a diary, and not ours", b"a diary, and not ours\n"),
        (b"", b""),
    ],
    ids=["half a line", "the begin of one", "zeros of a power failure", "somebody else's text", "nothing"],
)
def test_what_a_crash_left_is_mended_when_the_file_is_opened(tmp_path: Path, left: bytes, stays: bytes):
    (tmp_path / "log.jsonl").write_bytes(left)
    sink = FileSink(tmp_path / "log.jsonl")
    sink.write([b"next\n"])
    sink.close()
    assert (tmp_path / "log.jsonl").read_bytes() == stays + b"next\n"


def test_a_write_that_fails_in_its_middle_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The disk is full after ten bytes: the file is as it was, and the next try writes the events once."""
    sink, write, room = FileSink(tmp_path / "log.jsonl"), os.write, [10]

    def full(descriptor: int, text: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text[: room.pop()])

    sink.write([b'{"event_id":"a"}\n'])
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        sink.write([b'{"event_id":"b"}\n'])
    monkeypatch.undo()
    assert (tmp_path / "log.jsonl").read_bytes() == b'{"event_id":"a"}\n'
    sink.write([b'{"event_id":"b"}\n'])
    sink.close()
    assert event_ids(tmp_path / "log.jsonl") == ["a", "b"]


def test_a_file_that_was_put_aside_or_deleted_is_made_again(tmp_path: Path):
    """By logrotate or a person: the emitter goes on in a new file of the name, with nothing lost."""
    path, aside = tmp_path / "log.jsonl", tmp_path / "aside"
    with Emitter(path, run_id="run", actor="cp-1/pool", incarnation="i") as emitter:
        for number in range(1, 4):
            emitter.emit("a.b", "c/d")
            assert emitter.flush(60)
            if number < 3:
                path.rename(f"{aside}.{number}")
    assert event_ids(Path(f"{aside}.1"), Path(f"{aside}.2"), path) == ["i/pool:1", "i/pool:2", "i/pool:3"]


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        Emitter(tmp_path / "nowhere" / "log.jsonl", run_id="run", actor="cp-1/pool")


SAYS_ON = """
import sys
from ingest.emit import Emitter
emitter = Emitter(sys.argv[1], run_id="run", actor=sys.argv[2], rotate_bytes=20_000, queue_events=1_000_000)
for number in range(1, 1_000_000):
    emitter.emit("a.b", f"c/{number}")
    if number % 50 == 0 and emitter.flush():
        print(number, flush=True)
"""


def test_a_kill_costs_what_was_not_yet_written_and_nothing_else(tmp_path: Path):
    """Two processes at one file, killed at any moment, and started again: what each had flushed is there, in order, once."""
    flushed: dict[tuple[str, int], int] = {}
    for start in range(2):
        running = {
            actor: subprocess.Popen(
                [sys.executable, "-c", SAYS_ON, str(tmp_path / "log.jsonl"), actor], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            for actor in ("cp-1/pool", "cp-2/pool")
        }
        for actor, process in running.items():
            assert process.stdout
            flushed[actor, start] = [int(process.stdout.readline()) for _ in range(2 + start)][-1]
        for process in running.values():
            process.kill()
            process.communicate()
    with Emitter(tmp_path / "log.jsonl", run_id="run", actor="cp-3/pool") as emitter:
        emitter.emit("a.b", "c/d")
    events, twice, refused = loaded(*tmp_path.iterdir())
    assert (twice, refused) == (0, 0)
    streams: dict[tuple[str, str], list[int]] = {}
    for event in events:
        streams.setdefault((event["actor"], event["incarnation"]), []).append(event["seq"])
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in streams.values())
    for actor in ("cp-1/pool", "cp-2/pool"):
        lengths = sorted(len(seqs) for (who, _), seqs in streams.items() if who == actor)
        assert len(lengths) == 2
        assert lengths[-1] >= max(flushed[actor, start] for start in range(2))
        assert lengths[0] >= min(flushed[actor, start] for start in range(2))


def test_an_emitter_of_before_a_fork_is_not_used_after_it(tmp_path: Path):
    """Its thread is not there any more: it says so, and the child ends at once, also where a thread was just at work in the emitter."""
    script = """
import os, signal, sys, threading
from ingest.emit import Emitter
emitter = Emitter(sys.argv[1], run_id="run", actor="cp-1/pool")
is_held, is_over = threading.Event(), threading.Event()

def at_work():
    with emitter._writer.changed:
        is_held.set()
        is_over.wait()

threading.Thread(target=at_work).start()
is_held.wait()
child = os.fork()
if child == 0:
    signal.alarm(30)  # a child that does not end is killed
    try:
        emitter.emit("a.b", "c/d")
    except RuntimeError as error:
        print(error, flush=True)
    sys.exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
is_over.set()
assert status == 0
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "log.jsonl")], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "this emitter was made before a fork: make one in each process\n"


def test_what_waits_is_written_when_the_process_ends(tmp_path: Path):
    """Also where nobody closes the emitter."""
    script = (
        'import sys; from ingest.emit import Emitter; Emitter(sys.argv[1], run_id="r", actor="a/b", incarnation="i").emit("a.b", "c/d")'
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "log.jsonl")], cwd=ROOT, check=True)
    assert event_ids(tmp_path / "log.jsonl") == ["i/b:1"]


def test_the_emitter_needs_nothing_but_the_standard_library(tmp_path: Path):
    """Copied into another tree, without pydantic and without this package's dependencies."""
    script = "import sys; import ingest.emit; print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["__main__", "ingest"]


def test_the_example_of_the_page_runs(tmp_path: Path):
    """The Python of docs/emit.md as it stands; what it emits loads."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/emit.md").read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    events, twice, refused = loaded(tmp_path / "events.jsonl")
    assert (twice, refused) == (0, 0)
    assert [(event["kind"], event["actor"]) for event in events] == [("worker.reclaimed", "cp-1/janitor"), ("sweep.begun", "cp-1/reaper")]
