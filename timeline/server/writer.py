"""The one thread that writes events: what was received, and what followed files have to say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ingest.database import Database, beside, duckdb_errors
from ingest.follow import POLL_SECONDS, Follower
from timeline.server.intake import Body, Intake
from timeline.server.received import Received

GROUP_BYTES = 4 * 1024 * 1024
"""The most that is committed at once."""
WAL_BYTES_MAX = 128 * 1024 * 1024
"""How large the log of changes may grow before it is written into the database. What is only there fills memory, and a crash has to
read it again; to write it costs much the same whatever it holds."""
LINGER_SECONDS_MAX = 0.1
"""The longest pause after a commit, in which more comes together: a commit costs much the same whatever it holds."""
FOLLOW_EVENTS = 20_000
"""Events of files that are loaded before those that were received have their turn again."""


class Writer(threading.Thread):
    """Commits what was received, in groups, and what is new in followed files, until it is stopped and nothing waits."""

    def __init__(
        self,
        database: Database,
        path: Path,
        writing: AbstractContextManager[object],
        intake: Intake,
        sources: Sequence[str | Path],
        *,
        on_commit: Callable[[], None],
        on_failure: Callable[[Exception], None],
        tell: Callable[[str], None],
    ) -> None:
        """`writing` is held while the database is written; whoever else holds it finds the database at rest."""
        super().__init__(name="writer")
        self._database, self._path, self._writing, self._intake = database, path, writing, intake
        self._on_commit, self._on_failure, self._tell = on_commit, on_failure, tell
        self._stopping = threading.Event()
        self._received = Received(database)
        self._follower = Follower(
            self._opened, sources, _Clock(), own=path, batch_events=FOLLOW_EVENTS, is_stopped=self._stopping.is_set, tell=tell
        )
        self.events = 0
        """Events that were received and committed."""

    def run(self) -> None:
        """The thread."""
        try:
            while not self._stopping.is_set() or self._intake:
                started = time.monotonic()
                if bodies := self._intake.take(GROUP_BYTES, POLL_SECONDS):
                    self._commit(bodies)
                if not self._stopping.is_set():
                    self._follow()
                    self._checkpoint()
                if bodies:
                    self._stopping.wait(min(time.monotonic() - started, LINGER_SECONDS_MAX))
        except Exception as error:  # noqa: BLE001  without this thread the process is of no use: it has to say so and end
            self._on_failure(error)
            self._turn_away(error)
        finally:
            self._follower.close()

    def stop(self) -> None:
        """Commit what waits, and end."""
        self._stopping.set()

    def _commit(self, bodies: Sequence[Body]) -> None:
        waiting = list(bodies)
        try:
            with self._writing:
                for body, answer in self._received.load(bodies):
                    waiting.remove(body)
                    if isinstance(answer, Exception):
                        self._tell(f"a body could not be loaded: {type(answer).__name__}: {answer}")
                        body.answer.set_exception(answer)
                    else:
                        self.events += answer.counts.events
                        body.answer.set_result(answer)
        except Exception as error:
            self._on_failure(error)  # first, so that who is told so finds /readyz red
            for body in waiting:
                body.answer.set_exception(error)
            raise
        self._on_commit()

    def _turn_away(self, error: Exception) -> None:
        """Nothing that waits will be committed."""
        while bodies := self._intake.take(GROUP_BYTES, 0):
            for body in bodies:
                body.answer.set_exception(error)

    def _follow(self) -> None:
        before = self._follower.total.lines
        self._follower.poll()
        if self._follower.total.lines > before:
            self._on_commit()

    def _checkpoint(self) -> None:
        wal = beside(self._path, ".wal")
        if wal.exists() and wal.stat().st_size > WAL_BYTES_MAX:
            with self._writing, duckdb_errors("writing changes into", self._path):
                self._database.connection.execute("CHECKPOINT")

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        with self._writing:
            yield self._database


class _Clock:
    """The clock of this machine."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"the writer waits for what is received, not {seconds} s")
