"""Follow mode against a model: what was in the files while it could be read is in the database exactly once."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.chunks import NUL_RUN_BYTES_MIN
from ingest.database import Database, Limits
from ingest.follow import Follower
from ingest.in_memory import open_in_memory
from tests.ingest.following import StandingClock, append, follower_of
from tests.ingest.lines import line, rows
from timeline.refresh import refresh

STEPS, PARTS, TOGETHER = 10, 2, 30
"""Steps of a sequence; parts that cores can share; sequences in one database, so that one meets the ledger rows and inodes of others."""


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

    def truncate_under_the_writer(self) -> None:
        """It goes on at its old place, so that bytes 0 stand before its next line."""
        self.live.write_bytes(bytes(NUL_RUN_BYTES_MIN + self.written) + self.text())
        self.rest = b""

    def readable(self) -> set[int]:
        """The whole lines in all files that a name of the source leads to."""
        found: set[int] = set()
        for path in self.folder.glob("log.jsonl*"):
            content = path.read_bytes()
            found |= numbers(gzip.decompress(content) if path.suffix == ".gz" else content)
        return found


ACTIONS = (
    "append", "append", "append", "append_partly", "rotate", "copytruncate", "recreate", "truncate", "compress", "swap",
    "truncate_under_the_writer",
)  # fmt: skip


def numbers(content: bytes) -> set[int]:
    """The `seq` of each whole line."""
    return {json.loads(text)["seq"] for text in content.replace(b"\0", b"").split(b"\n")[:-1] if text}


def held(follower: Follower) -> set[int]:
    """The whole lines in files that the follower holds open, named or not."""
    descriptors = [watched.descriptor for watched in follower.watched.values() if watched.descriptor is not None]
    contents = [os.pread(descriptor, 1 << 20, 0) for descriptor in descriptors]
    return {number for content in contents if not content.startswith(b"\x1f\x8b") for number in numbers(content)}


class Killed(Exception):
    """The follower ends before its commit."""


class DeadlyClock(StandingClock):
    """A clock at which nobody may look: the lag is noted last in a transaction."""

    def now_us(self) -> int:
        raise Killed


@pytest.mark.fault("B1", "B2", "B3", "B4", "B6", "B7", "B9", "B10", "B11", "B19")
@pytest.mark.parametrize("part", range(PARTS))
def test_what_could_be_read_is_there_exactly_once(part: int, tmp_path: Path, follow_seeds: range) -> None:
    """Seeded sequences of what happens to logs, with looks, restarts and kills in between, against what was in the files at each look.

    What was destroyed unread is told of as missing, to the line.
    """
    seeds = follow_seeds[part::PARTS]
    for start in range(0, len(seeds), TOGETHER):
        worlds = {}
        with open_in_memory(Limits(threads=1)) as database:
            for seed in seeds[start : start + TOGETHER]:
                (tmp_path / str(seed)).mkdir()
                worlds[f"run-{seed}"] = followed(database, World(tmp_path / str(seed), seed))
                shutil.rmtree(tmp_path / str(seed))
            there = numbers_by_run(database)
            for run, (could_be_read, could_be_lost) in worlds.items():
                assert there[run] == sorted({*there[run]}), run
                assert could_be_read <= {*there[run]} <= could_be_read | could_be_lost, run
            assert {row["reason"] for row in rows(database.connection, "SELECT DISTINCT reason FROM rejected_line")} <= {"nul"}
            refresh(database.connection)
            missing = missing_by_run(database)
        for run, numbers in there.items():
            assert missing[run] == sorted({*range(1, max(numbers, default=1))} - {*numbers}), run


def followed(database: Database, world: World) -> tuple[set[int], set[int]]:
    """What could be read of a world at the looks of followers that come and go, and at the looks of those that were killed in it."""
    could_be_read, could_be_lost, chance = set[int](), set[int](), world.chance
    follower = follower_of(database, f"{world.folder}/log.jsonl*")
    for step in range(STEPS):
        getattr(world, chance.choice(ACTIONS))()
        if chance.random() < 0.1:  # killed before a commit, though not the first
            could_be_lost |= world.readable() | held(follower)
            follower.clock = DeadlyClock()
            with suppress(Killed):
                follower.poll()
            follower.close()
            follower = follower_of(database, f"{world.folder}/log.jsonl*")
        if chance.random() < 0.5 or step == STEPS - 1:
            could_be_read |= world.readable() | held(follower)
            follower.poll()
            follower.report()
        if chance.random() < 0.1:  # killed after a commit: nothing is left but the database
            follower.close()
            follower = follower_of(database, f"{world.folder}/log.jsonl*")
    follower.close()
    return could_be_read, could_be_lost


def numbers_by_run(database: Database) -> dict[str, list[int]]:
    """The `seq` of every event of each run."""
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows(database.connection, "SELECT run_id, seq FROM event ORDER BY seq"):
        found[row["run_id"]].append(row["seq"])
    return found


def missing_by_run(database: Database) -> dict[str, list[int]]:
    """Every number that an evidence gap of a run tells of."""
    found: dict[str, list[int]] = defaultdict(list)
    for hole in rows(database.connection, "SELECT run_id, first_missing, last_missing FROM evidence_gap ORDER BY first_missing"):
        found[hole["run_id"]] += range(hole["first_missing"], hole["last_missing"] + 1)
    return found
