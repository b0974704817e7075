"""The scheduler's work queue: who is due, in which order, and how long a failure makes one wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reference_cluster.records import Row


@dataclass
class Waiting:
    """A replica in the queue."""

    attempts: int = 0
    due_us: int = 0
    avoid: str | None = None
    """The node that the last try was for."""
    doubtful: bool = False
    """What was read of the store by the cache was contradicted: read the store itself."""


@dataclass
class Queue:
    """Replicas that wait for a place, by name."""

    waiting: dict[str, Waiting] = field(default_factory=dict)

    def keep(self, pending: Iterable[Row]) -> None:
        """Let in who is new, forget who is not pending any more."""
        self.waiting = {row.key: self.waiting.get(row.key, Waiting()) for row in pending}

    def due(self, pending: Iterable[Row], now_us: int) -> list[Row]:
        """Whose back-off is over: the highest priority first, then by name."""
        found = (row for row in pending if self.waiting[row.key].due_us <= now_us)
        return sorted(found, key=lambda row: (-row.number("priority"), row.key))

    def back_off(self, replica: str, now_us: int, first_us: int, most_us: int) -> tuple[int, int]:
        """Put a replica back: its attempts so far, and the wait, which doubles with each of them."""
        waiting = self.waiting.setdefault(replica, Waiting())
        waiting.attempts += 1
        delay_us = min(first_us * 2 ** (waiting.attempts - 1), most_us)
        waiting.due_us = now_us + delay_us
        return waiting.attempts, delay_us
