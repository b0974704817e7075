"""The emitter: events in order, each with its identity, from any thread, without ever waiting for where they go."""

from __future__ import annotations

import asyncio
import atexit
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from ingest.emit.file_sink import FileSink, Fsync
from ingest.emit.http_sink import HttpSink
from ingest.emit.line import IDENTIFIER_CHARS_MAX, Refs, body_of, encoded, identifier, moment
from ingest.emit.sink import Sink
from ingest.emit.writer import Counts, Hole, Line, Writer

_CLOCK_MAX = 2**62
_SEQ_DIGITS = 22
DROPPED = "emitter.dropped"
"""The kind of the event that says which events of its stream are missing, and that nobody needs to look for them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _now_us() -> int:
    return time.time_ns() // 1000


class Emitter:
    """Events of one process, which is one incarnation. Threads and coroutines may share it; a fork needs one of its own.

    Each component has a `seq` of its own without holes: a hole is a lost event. All share one Lamport clock. Where events come
    faster than the sink takes them, the newest are dropped, and an event `emitter.dropped` says which `seq` are missing.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | Sink,
        *,
        run_id: str,
        actor: str,
        incarnation: str | None = None,
        fsync: Fsync = "batch",
        rotate_bytes: int | None = None,
        rotate_keep: int | None = None,
        token: str | None = None,
        queue_events: int = 10_000,
        queue_bytes: int = 64 * 1024 * 1024,
        validate: bool = False,
        now_us: Callable[[], int] = _now_us,
    ) -> None:
        """`target`: the path of a file, the URL of a `timeline serve`, or a sink of your own. `actor`: `instance/component`.

        `fsync`, `rotate_bytes` and `rotate_keep` are for a file, `token` is for a URL. At most `queue_events` events and `queue_bytes`
        bytes wait. `validate`: known kinds are held against their classes. Raises OSError, ValueError.
        """
        self._run_id, self._validate, self._now_us = identifier("run_id", run_id), validate, now_us
        self._instance, _, self._component = identifier("actor", actor).rpartition("/")
        self.incarnation = identifier("incarnation", incarnation or f"{(self._instance or actor)[:150]}-{os.urandom(6).hex()}")
        """This process, among all that ever had this instance's name."""
        if isinstance(target, str | os.PathLike):
            is_url = isinstance(target, str) and target.startswith(("http://", "https://"))
            files = {"rotate_bytes": rotate_bytes, "rotate_keep": rotate_keep}
            target = HttpSink(str(target), token=token) if is_url else FileSink(target, fsync=fsync, **files)
        self._process, self._clock, self._seq = os.getpid(), 0, dict[str, int]()
        self._writer = Writer(target, queue_events, queue_bytes, self._telling, f"emitter of {self.incarnation}")
        atexit.register(self.close)

    @property
    def clock(self) -> int:
        """The Lamport clock, to be sent along with a message."""
        return self._clock

    def observe(self, clock: int) -> None:
        """Count the clock that came with a message: what is emitted from now on is later. Raises ValueError for what is no clock."""
        if type(clock) is not int or not 0 <= clock <= _CLOCK_MAX:
            raise ValueError(f"{clock!r:.40} is no clock: it counts from 0 to {_CLOCK_MAX}")
        with self._writer.changed:
            self._clock = max(self._clock, clock)

    def emit(
        self,
        kind: str,
        subject: str,
        *,
        refs: Refs | None = None,
        data: Mapping[str, Any] | None = None,
        caused_by: Iterable[str] = (),
        inputs: Iterable[Mapping[str, Any]] = (),
        outcome: str | None = None,
        reason: str | None = None,
        component: str | None = None,
        revision: int | None = None,
        commit_time: datetime | None = None,
        workload: str | None = None,
        generation: int | None = None,
        epoch: int | None = None,
    ) -> str:
        """Say that something was decided; gives the event's id, for `caused_by` of later ones. It never waits for the sink.

        `subject` is `kind/id`; `refs` are role to `kind/id`, or to several; `inputs` are dicts of source, kind, id, version, age_ms,
        digest; `component` is another part of the same process. Raises ValueError or TypeError for what is no event: nothing is
        emitted then, and no `seq` is used up.
        """
        if self._process != os.getpid():
            raise RuntimeError("this emitter was made before a fork: make one in each process")
        if self._validate:
            from ingest.emit.vocabulary import check_known

            check_known(kind, subject, outcome, data)
        component = self._component if component is None else component
        body = self._body(
            component, kind, subject, refs=refs, data=data, caused_by=caused_by, inputs=inputs, outcome=outcome, reason=reason,
            revision=revision, commit_time=commit_time, workload=workload, generation=generation, epoch=epoch,
        )  # fmt: skip
        with self._writer.changed:
            self._writer.tell_holes()
            self._writer.put(line := self._stamped(component, body))
        return self._id(component, line.seq)

    @property
    def problem(self) -> str | None:
        """Why the sink did not take events when it was last asked; None where it took them."""
        return self._writer.problem

    def counts(self) -> Counts:
        """What became of the events so far."""
        return self._writer.counts()

    def flush(self, timeout_seconds: float | None = 5.0) -> bool:
        """Wait until all that was emitted before was written or dropped, for at most so long; whether that came in time."""
        return self._writer.flush(timeout_seconds)

    def close(self, timeout_seconds: float = 5.0) -> Counts:
        """Write what waits, for at most so long, and end. What is emitted later is dropped. May be called again."""
        if self._process != os.getpid():
            return Counts(0, 0, 0)  # after a fork: the thread that had the lock then is not here to give it back
        atexit.unregister(self.close)
        self._writer.close(timeout_seconds)
        return self.counts()

    def _id(self, component: str, seq: int) -> str:
        return f"{self.incarnation}/{component}:{seq}"

    def _body(self, component: str, kind: str, subject: str, **said: Any) -> bytes:
        """An event of a component, without its place in the stream. Raises ValueError, TypeError."""
        if len(self.incarnation) + len(component) + _SEQ_DIGITS > IDENTIFIER_CHARS_MAX:
            raise ValueError(f"component: {component[:40]!r} leaves no room for an event's id beside {self.incarnation!r}")
        actor = f"{self._instance}/{component}" if self._instance else component
        return body_of(self._run_id, actor, kind, subject, incarnation=self.incarnation, **said)

    def _stamped(self, component: str, body: bytes, tells: Hole | None = None) -> Line:
        """The event at the next place of its stream: its line. Called with the writer's lock."""
        seq = self._seq[component] = self._seq.get(component, 0) + 1
        self._clock += 1
        time_ = moment(_EPOCH + timedelta(microseconds=self._now_us()))
        head = encoded({"event_id": self._id(component, seq), "time": time_, "seq": seq, "clock": self._clock})
        return Line(component, seq, head[:-1] + b"," + body[1:] + b"\n", tells)

    def _telling(self, component: str, hole: Hole) -> Line:
        """The event about what was dropped, in the stream that lacks it."""
        data = {"first_seq": hole.first, "last_seq": hole.last, "count": hole.last - hole.first + 1}
        return self._stamped(component, self._body(component, DROPPED, f"emitter/{self.incarnation}", data=data, outcome="observed"), hole)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.close)
