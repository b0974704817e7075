"""Follow mode: what was in the files while it could be read is in the database exactly once, whatever happens to the files."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from ingest.database import Database, open_for_read, open_for_write, open_in_memory
from ingest.follow import Follower
from tests.ingest.lines import line, lines, rows
from timeline.refresh import refresh

STEPS = 12


class StandingClock:
    """A clock that moves only when somebody sleeps, and never waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_us(self) -> int:
        return int(self.seconds * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@contextmanager
def following(folder: Path, pattern: str = "log.jsonl*") -> Iterator[tuple[Follower, Database]]:
    """A follower of the logs of a folder, with a database in memory."""
    with open_in_memory() as database:
        follower = Follower(lambda: nullcontext(database), [f"{folder}/{pattern}"], StandingClock())
        try:
            yield follower, database
        finally:
            follower.close()


def known(database: Database) -> list[int]:
    """The `seq` of every event, in order, as often as it is there."""
    return [row["seq"] for row in rows(database.connection, "SELECT seq FROM event ORDER BY seq")]


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(text)


def test_a_last_line_waits_for_its_end(tmp_path: Path) -> None:
    """Not even a whole object is taken before its line end is there, so that every look counts each line once."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, _):
        for piece, events, pending in ((line(1)[:100], 0, 1), (line(1)[100:], 0, 1), (b"\n", 1, 0), (b"not", 1, 1), (b" json\n", 1, 0)):
            append(path, piece)
            follower.poll()
            assert (follower.report().events, follower.report().pending) == (events, pending)
        assert (follower.report().lines, follower.report().quarantined) == (2, 1)


def test_a_file_that_was_renamed_away_is_read_to_its_end(tmp_path: Path) -> None:
    """The writer goes on in the renamed file for a while, and no source names it any more."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path, "log.jsonl") as (follower, database):
        append(path, lines(2))
        follower.poll()
        with path.open("ab") as writer:
            path.rename(tmp_path / "old")
            append(path, line(4) + b"\n")
            follower.poll()
            writer.write(line(3) + b"\n")
        follower.poll()
        assert known(database) == [1, 2, 3, 4]
        assert follower.report().duplicates == 0


def test_renamed_copied_and_packed_rotations_are_known_by_what_was_read_of_them(tmp_path: Path) -> None:
    """Not one line of a rotation is read again, and what was appended before it is not missed."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, lines(600) + b"not json\n")
        follower.poll()
        append(path, line(601) + b"\n")
        (tmp_path / "log.jsonl.2.gz").write_bytes(gzip.compress(path.read_bytes()))
        shutil.copy(path, tmp_path / "log.jsonl.1")
        path.write_bytes(line(602) + b"\n")
        follower.poll()
        path.rename(tmp_path / "log.jsonl.0")
        follower.poll()
        assert known(database) == list(range(1, 603))
        assert (follower.report().duplicates, follower.report().quarantined) == (0, 1)


def test_a_rewritten_file_is_never_resumed(tmp_path: Path) -> None:
    """The same size, the same inode, the same beginning: the bytes before the offset give it away."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 11)))
        follower.poll()
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 12)))
        follower.poll()
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 13, 14)))
        follower.poll()
        assert known(database) == [10, 11, 12, 13, 14]


def test_a_packed_file_that_is_still_written_waits(tmp_path: Path) -> None:
    """It is not refused for being cut, and once whole it loads once."""
    packed, path = gzip.compress(lines(50)), tmp_path / "log.jsonl.gz"
    with following(tmp_path) as (follower, database):
        for cut in (5, len(packed) // 2, len(packed)):
            path.write_bytes(packed[:cut])
            follower.poll()
        report = follower.report()
        assert (known(database), report.quarantined, report.pending) == (list(range(1, 51)), 0, 0)


def test_what_was_destroyed_unread_is_an_evidence_gap(tmp_path: Path) -> None:
    """Nobody can load it, but nobody is told that nothing is missing."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, lines(2))
        follower.poll()
        append(path, line(3) + b"\n")
        path.write_bytes(line(4) + b"\n")
        follower.poll()
        refresh(database.connection)
        holes = rows(database.connection, "SELECT first_missing, last_missing FROM evidence_gap")
        assert holes == [{"first_missing": 3, "last_missing": 3}]


def test_lag_and_last_success_are_in_the_transaction_of_the_events(tmp_path: Path) -> None:
    """A gauge reads how far behind each file was, and when something was last committed."""
    with following(tmp_path) as (follower, database):
        append(tmp_path / "log.jsonl", lines(2) + b"{")
        follower.clock.sleep(1)
        follower.poll()
        asked = "SELECT lag_bytes, lag_us, committed_us FROM follow_lag"
        assert rows(database.connection, asked) == [{"lag_bytes": 1, "lag_us": 0, "committed_us": 1_000_000}]


def test_readers_get_in_between_two_batches_and_a_writer_waits_for_them(tmp_path: Path, database: Path) -> None:
    """The follower holds nothing between its looks; while somebody reads it falls behind, says so once, and catches up."""
    told: list[str] = []
    path, clock = tmp_path / "log.jsonl", StandingClock()
    follower = Follower(lambda: open_for_write(database, lock_timeout_seconds=0.0), [path], clock, own=database, tell=told.append)
    append(path, lines(1))
    follower.poll()
    with open_for_read(database) as reader:
        append(path, line(2) + b"\n")
        follower.poll()
        follower.poll()
        assert known(reader) == [1]
    follower.poll()
    follower.close()
    with open_for_read(database) as reader:
        assert known(reader) == [1, 2]
    assert len(told) == 1


# ---- a model


class World:
    """Logs on disk, the same in memory, and a writer that numbers its lines."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance, self.seed = folder, random.Random(seed), seed
        self.written = 0
        self.rest = b""
        self.live = folder / "log.jsonl"
        self.live.write_bytes(b"")

    def text(self) -> bytes:
        self.written += 1
        return line(self.written, run_id=f"run-{self.seed}") + b"\n"

    def append(self) -> None:
        text = self.rest + b"".join(self.text() for _ in range(self.chance.randint(1, 3)))
        self.rest = b""
        append(self.live, text)

    def append_partly(self) -> None:
        if not self.rest:
            text = self.text()
            cut = self.chance.randint(1, len(text) - 1)
            append(self.live, text[:cut])
            self.rest = text[cut:]

    def _name(self) -> Path:
        return self.folder / f"log.jsonl.{self.written}-{len(list(self.folder.iterdir()))}-{self.chance.randint(0, 999)}"

    def rotate(self) -> None:
        self.live.rename(self._name())
        self._fresh()

    def _fresh(self) -> None:
        self.live.write_bytes(b"")
        self.rest = b""

    def copytruncate(self) -> None:
        shutil.copy(self.live, self._name())
        self._fresh()

    def recreate(self) -> None:
        self.live.unlink()
        self._fresh()

    def truncate(self) -> None:
        self._fresh()

    def compress(self) -> None:
        rotated = sorted(path for path in self.folder.glob("log.jsonl.*") if path.suffix != ".gz" and not path.is_symlink())
        if rotated:
            path = self.chance.choice(rotated)
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 1))
            path.unlink()

    def swap(self) -> None:
        """The live name becomes a link to a fresh file elsewhere."""
        self.live.unlink()
        target = self.folder / f"elsewhere-{self.chance.randint(0, 10**9)}"
        target.write_bytes(b"")
        self.live.symlink_to(target)
        self.rest = b""

    def readable(self) -> set[int]:
        """The whole lines in all files that a name of the source leads to."""
        found: set[int] = set()
        for path in self.folder.glob("log.jsonl*"):
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            found.update(json.loads(text)["seq"] for text in content.split(b"\n")[:-1] if text)
        return found


ACTIONS = ("append", "append", "append", "append_partly", "rotate", "copytruncate", "recreate", "truncate", "compress", "swap")


def held(follower: Follower) -> set[int]:
    """The whole lines in files that the follower holds open, named or not."""
    found: set[int] = set()
    for watched in follower.watched.values():
        if watched.descriptor is not None:
            content = os.pread(watched.descriptor, 1 << 20, 0)
            if not content.startswith(b"\x1f\x8b"):
                found.update(json.loads(text)["seq"] for text in content.split(b"\n")[:-1] if text)
    return found


def test_what_could_be_read_is_there_exactly_once(tmp_path: Path, follow_seeds: range) -> None:
    """Seeded sequences of what happens to logs, with looks and crashes in between, against what was in the files at each look."""
    with open_in_memory() as database:
        for seed in follow_seeds:
            folder = tmp_path / str(seed)
            folder.mkdir()
            world, could_be_read = World(folder, seed), set[int]()
            follower = make_follower(database, folder)
            for step in range(STEPS):
                getattr(world, world.chance.choice(ACTIONS))()
                if world.chance.random() < 0.5 or step == STEPS - 1:
                    could_be_read |= world.readable() | held(follower)
                    follower.poll()
                    follower.report()
                if world.chance.random() < 0.1:  # a crash after a commit: nothing is left but the database
                    follower.close()
                    follower = make_follower(database, folder)
            follower.close()
            shutil.rmtree(folder)
            found = rows(database.connection, f"SELECT seq FROM event WHERE run_id = 'run-{seed}' ORDER BY seq")
            assert [row["seq"] for row in found] == sorted(could_be_read), f"seed {seed}"
        assert rows(database.connection, "SELECT count(*) AS n FROM rejected_line") == [{"n": 0}]


def make_follower(database: Database, folder: Path) -> Follower:
    return Follower(lambda: nullcontext(database), [f"{folder}/log.jsonl*"], StandingClock())


# ---- the program


def program(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "timeline.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_following_with_a_report_and_everything_committed(number: signal.Signals, tmp_path: Path, database: Path) -> None:
    """Exit 130 or 143, one JSON document, and what it says is in the database."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(3) + b"{")
    with program("ingest", "--follow", "--json", "--db", str(database), str(path)) as process:
        while not (database.exists() and loaded_events(database) == 3):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "")
    report = json.loads(out)
    assert (report["files"], report["lines"], report["events"], report["pending"]) == (1, 4, 3, 1)


def loaded_events(database: Path) -> int:
    with open_for_read(database) as reader:
        return len(known(reader))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_long_query(number: signal.Signals, database: Path) -> None:
    """DuckDB breaks the query off; the exit code is the signal's, and the database opens again at once."""
    open_for_write(database).close()
    endless = "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE a.range * b.range % 7 = 3"
    with program("sql", "--db", str(database), endless) as process:
        lock = database.with_name(database.name + ".lock")
        while lock.read_bytes().strip() != str(process.pid).encode():
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, "", "")
    open_for_write(database, lock_timeout_seconds=0.0).close()
