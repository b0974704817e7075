"""The emitter's thread: what waits goes to the sink, in order; what finds no room, or is refused, is counted and told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ingest.emit.sink import BatchTooLarge, Sink, SinkBusy, SinkRefused

TRIES_MAX = 10
"""How often the same events are offered to a sink that takes none."""
WAIT_SECONDS_MAX = 30.0
"""The longest wait between two tries, also where the sink asks for a longer one."""
_WAIT_SECONDS = 0.1
"""The wait after a first failure; it doubles."""


class Hole(NamedTuple):
    """Events of a component that were dropped: their first and last `seq`."""

    first: int
    last: int


class Line(NamedTuple):
    """An event that waits."""

    component: str
    seq: int
    text: bytes
    tells: Hole | None = None
    """The dropped events that this event tells of."""


class Counts(NamedTuple):
    """What became of events, those that tell of dropped ones not counted."""

    emitted: int
    """Events that `emit` gave an id."""
    written: int
    """Events that the sink has."""
    dropped: int
    """Events that found no room, or that the sink did not take; the stream says which, once it goes on."""

    @property
    def waiting(self) -> int:
        """Events that are on their way."""
        return self.emitted - self.written - self.dropped


class Writer:
    """A bounded queue and the thread that empties it. What puts into it holds `changed`, and never waits."""

    def __init__(self, sink: Sink, most_events: int, most_bytes: int, tell: Callable[[str, Hole], Line], name: str) -> None:
        """`tell` makes the event about a hole of a component; it is called with `changed` held."""
        self._sink, self._most_events, self._most_bytes, self._tell = sink, most_events, most_bytes, tell
        self.changed = threading.Condition()
        self.problem: str | None = None
        """Why the sink did not take events when it was last asked; None where it took them."""
        self._queue: deque[Line] = deque()
        self._queued_bytes = 0
        self._accepted = self._settled = 0
        self._emitted = self._written = self._dropped = 0
        self._holes: dict[str, list[Hole]] = {}
        self._failures = 0
        self._is_closing, self._is_over = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def tell_holes(self) -> None:
        """Put the events about what was dropped into the queue, where there is room, unless the sink takes none."""
        if self._holes and self._has_room(0):
            self._tell_all()

    def put(self, line: Line) -> None:
        """Take an event, or drop it where there is no room, or where nothing is written any more."""
        self._emitted += 1
        if self._has_room(len(line.text)):
            self._append(line)
        else:
            self._lose(line)

    def counts(self) -> Counts:
        """What became of the events so far."""
        with self.changed:
            return Counts(self._emitted, self._written, self._dropped)

    def flush(self, timeout_seconds: float | None) -> bool:
        """Wait until all that is in the queue now was written or dropped; whether that came in time."""
        with self.changed:
            target = self._accepted
            return self.changed.wait_for(lambda: self._settled >= target, timeout_seconds)

    def close(self, timeout_seconds: float) -> None:
        """Write what waits, for at most so long; then nothing is tried again."""
        with self.changed:
            self._is_closing = True
            self.changed.notify_all()
        self._thread.join(timeout_seconds)
        self._is_over.set()

    def _has_room(self, size: int) -> bool:
        return not self._is_closing and len(self._queue) < self._most_events and self._queued_bytes + size <= self._most_bytes

    def _tell_all(self) -> None:
        if self.problem is None:
            holes, self._holes = self._holes, {}
            for component, missing in holes.items():
                for hole in missing:
                    self._append(self._tell(component, hole))

    def _append(self, line: Line) -> None:
        self._queue.append(line)
        self._queued_bytes += len(line.text)
        self._accepted += 1
        self.changed.notify_all()

    def _lose(self, line: Line) -> None:
        """Note what is missing. An event about a hole leaves that hole behind, and its own."""
        if line.tells is None:
            self._dropped += 1
        holes = self._holes.setdefault(line.component, [])
        for hole in filter(None, (line.tells, Hole(line.seq, line.seq))):
            if holes and holes[-1].last + 1 == hole.first:
                holes[-1] = Hole(holes[-1].first, hole.last)
            else:
                holes.append(hole)

    # ---- in the thread

    def _run(self) -> None:
        while batch := self._take():
            self._deliver(batch)
        with suppress(OSError):
            self._sink.close()

    def _take(self) -> list[Line]:
        """The next events, as many as the sink takes at once; none when all is written and it is time to end."""
        with self.changed:
            self.changed.wait_for(lambda: self._queue or self._is_closing or (self._holes and self.problem is None))
            if not self._queue:
                self._tell_all()
            batch: list[Line] = []
            size = 0
            while self._queue and len(batch) < self._sink.batch_events:
                if batch and size + len(self._queue[0].text) > self._sink.batch_bytes:
                    break
                batch.append(line := self._queue.popleft())
                size += len(line.text)
            self._queued_bytes -= size
            return batch

    def _deliver(self, batch: Sequence[Line]) -> None:
        """Offer events to the sink until it has them, refuses them, or was asked often enough."""
        for _ in range(TRIES_MAX):
            try:
                self._sink.write([line.text for line in batch])
            except BatchTooLarge:
                if len(batch) == 1:
                    self.problem = "an event is too large for the sink"
                    break
                half = len(batch) // 2
                self._deliver(batch[:half])
                self._deliver(batch[half:])
                return
            except SinkRefused as refused:
                self.problem = str(refused)
                break
            except (OSError, SinkBusy) as error:
                self.problem = str(error)
                self._failures += 1
                if self._is_over.wait(self._wait_seconds(error)):
                    break
            except Exception as error:  # noqa: BLE001  a sink of somebody else: its bugs must not end the thread
                self.problem = f"{type(error).__name__}: {error}"
                break
            else:
                self._settle(batch, is_written=True)
                return
        self._settle(batch, is_written=False)

    def _wait_seconds(self, error: Exception) -> float:
        asked: float | None = getattr(error, "retry_seconds", None)
        return min(WAIT_SECONDS_MAX, _WAIT_SECONDS * float(2 ** min(self._failures - 1, 20)) if asked is None else asked)

    def _settle(self, batch: Sequence[Line], *, is_written: bool) -> None:
        with self.changed:
            if is_written:
                self.problem, self._failures = None, 0
                self._written += sum(line.tells is None for line in batch)
            else:
                for line in batch:
                    self._lose(line)
            self._settled += len(batch)
            self.changed.notify_all()
