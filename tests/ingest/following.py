"""A follower of the logs of a folder, with a clock that never waits and a database that is asked what it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ingest.database import Database
from ingest.follow import Follower
from ingest.in_memory import open_in_memory
from tests.ingest.lines import rows


class StandingClock:
    """A clock that moves only when somebody sleeps, and never waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.wall_offset_seconds = 0

    def now_us(self) -> int:
        return int((self.seconds + self.wall_offset_seconds) * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def follower_of(database: Database, *sources: str | Path, clock: StandingClock | None = None, own: Path | None = None) -> Follower:
    """A follower that has an open database whenever it wants."""
    return Follower(lambda: nullcontext(database), sources, clock or StandingClock(), own=own)


@contextmanager
def following(folder: Path, pattern: str = "log.jsonl*") -> Iterator[tuple[Follower, Database]]:
    """A follower of the logs of a folder, with a database in memory."""
    with open_in_memory() as database:
        follower = follower_of(database, f"{folder}/{pattern}")
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
