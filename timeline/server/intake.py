"""What was received and is not committed yet: bounded in bytes, so that who sends too fast is told to wait and nothing is dropped."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from ingest.batch import Counts

BODY_BYTES_MAX = 16 * 1024 * 1024
"""The most that one request may hold, unpacked."""
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""The most that may wait, or be on its way in."""


class IntakeFull(Exception):
    """There is no room now; there will be when something was committed."""


@dataclass(frozen=True)
class Refused:
    """A line of a body that is no event."""

    line: int
    """Its number in the body, from 1."""
    reason: str
    detail: str


@dataclass(frozen=True)
class Answer:
    """What became of a body. It is given after the commit, so that what is acknowledged is durable."""

    counts: Counts
    refused: list[Refused]
    """The first of the lines that are no events; all of them are in rejected_line."""


@dataclass(frozen=True)
class Body:
    """What one request brought."""

    text: bytes
    run: str | None
    """run_id of lines that have none."""
    answer: Future[Answer] = field(default_factory=Future)


class Intake:
    """Bodies in the order in which they came, from the threads that receive to the one that writes."""

    def __init__(self, most_bytes: int = WAITING_BYTES_MAX) -> None:
        self._most_bytes = most_bytes
        self._waiting: deque[Body] = deque()
        self._changed = threading.Condition()
        self.held_bytes = 0
        """Bytes that wait, that are being written, and that are on their way in."""

    def reserve(self, size: int) -> None:
        """Make room for so many bytes. Raises IntakeFull."""
        with self._changed:
            if self.held_bytes + size > self._most_bytes:
                raise IntakeFull
            self.held_bytes += size

    def release(self, size: int) -> None:
        """Give room back."""
        with self._changed:
            self.held_bytes -= size

    def put(self, body: Body) -> None:
        """Let a body wait for its commit. Room was made for it before, and is given back when it has its answer."""
        body.answer.set_running_or_notify_cancel()  # who sent it may go away; it is committed all the same
        body.answer.add_done_callback(lambda _: self.release(len(body.text)))
        with self._changed:
            self._waiting.append(body)
            self._changed.notify()

    def take(self, most_bytes: int, timeout_seconds: float) -> list[Body]:
        """The bodies that waited longest, up to so many bytes and at least one; none where none came in time."""
        taken: list[Body] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), timeout_seconds)
            while self._waiting and (not taken or size + len(self._waiting[0].text) <= most_bytes):
                size += len(self._waiting[0].text)
                taken.append(self._waiting.popleft())
        return taken

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether less than a tenth is free: whoever sends large bodies is turned away."""
        return self.held_bytes > 0.9 * self._most_bytes
