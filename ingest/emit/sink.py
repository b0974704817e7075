"""Where events go: what the emitter asks of a sink, and what a sink may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SinkBusy(Exception):
    """The sink takes nothing now and may later, as any OSError says too. `retry_seconds`: when to try again, if it said so."""

    def __init__(self, message: str, retry_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class SinkRefused(Exception):
    """The sink will never take these events. They are dropped and counted."""


class BatchTooLarge(Exception):
    """The sink takes no so many events at once, and may take a half of them."""


class Sink(Protocol):
    """Takes whole events, a line each. Only the emitter's thread calls it, and never two calls at once."""

    batch_events: int
    """The most events that it takes at once."""
    batch_bytes: int
    """The most bytes that it takes at once; a single event may be larger."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Take all of these lines, each with its end. Raises OSError, SinkBusy, SinkRefused, BatchTooLarge: then none counts as taken."""

    def close(self) -> None:
        """Nothing more will come."""
