"""The closed set of things that a program may ask for.

A controller is an `async def` program that awaits these effects and nothing else: no clock, no chance, no socket. A
driver answers each one (`sim` from a heap of simulated time, `live` with a real store, network and clock). Every
`await` is a place where a driver may delay, reorder, fail, lose the answer, pause or crash. This is psycopg's
generators and Trio's traps: say what you wait for; let a driver wait.

What a driver answers:

    Now          the process's own clock, microseconds
    Sleep        None, after that much time
    Random       a float in [0, 1) from the stream of this program
    Read         the Row, or None where there is none              raises StoreDown
    List         the Rows that match, in order of key              raises StoreDown
    Watch        the next Changes of a table after a revision      raises StoreDown
    Commit       Committed, Conflict, Failed or Unknown
    Lock         None once the lock is held by this task; it is not re-entrant
    TryLock      True when it was free and is now held
    Unlock       None
    Lease        LeaseHeld or LeaseRefused, judged by the store's own clock
    Call         the reply                                         raises CallTimedOut, CallRefused
    Receive      the next Request that came to an address of this process
    Reply        None
    Emit         the ids of the events that were recorded
    Start        the Task that now runs beside this one
    Cancel       None; that task never runs again
    Exit         never: the process ends
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ingest.events.base import Decision, Input, Ref
from reference_cluster.records import Change, Row, Write
from reference_cluster.wire import Message

R = TypeVar("R")
Program = Coroutine["Effect[Any]", Any, None]


class StoreDown(Exception):
    """The store did not answer a read."""


class CallTimedOut(Exception):
    """No answer came in time: the other side may or may not have acted."""


class CallRefused(Exception):
    """The other side answered that it will not, with a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Said:
    """A decision event before it is recorded. The driver adds time, actor, incarnation, seq, clock and causes."""

    decision: Decision
    subject: str
    refs: tuple[Ref, ...] = ()
    outcome: str | None = None
    reason: str | None = None
    workload: str | None = None
    generation: int | None = None
    epoch: int | None = None
    inputs: tuple[Input, ...] = ()
    caused_by: tuple[str, ...] = ()


class Effect(Generic[R]):
    """Something asked of the driver. Awaiting it hands it over and gives the answer.

    Effects are not frozen: a frozen dataclass takes twice as long to make, and a run makes millions of them.
    """

    __slots__ = ()

    def __await__(self) -> Generator[Effect[R], R, R]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Committed:
    """The writes and their events are durable."""

    revision: int
    commit_us: int
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was written: a row was not what the writer had seen."""

    table: str
    key: str
    fence: str
    """The field that differed; `row_missing` or `row_exists` where the row itself was the difference."""
    want: object
    got: object


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was written: the store refused or could not be reached."""

    error: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost: the writes may or may not be durable."""


Unmade = Conflict | Failed | Unknown
CommitResult = Committed | Unmade


def outcome_of(result: Unmade) -> str:
    """The outcome of an event about a write that was not made, as far as the writer knows."""
    return "conflict" if isinstance(result, Conflict) else "failed" if isinstance(result, Failed) else "unknown"


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """The holder has the lease for its whole time to live from now."""

    term: int
    revision: int
    previous_holder: str | None


@dataclass(frozen=True, slots=True)
class LeaseRefused:
    """Another holder has it."""

    holder: str
    term: int
    remaining_us: int


@dataclass(frozen=True, slots=True)
class Request:
    """A message that came in, and the means to answer it."""

    id: int
    address: str
    sender: str
    message: Message


@dataclass(frozen=True, slots=True)
class Task:
    """A program that runs in this process."""

    id: int
    name: str


@dataclass(slots=True)
class Now(Effect[int]):
    """The process's own clock."""


@dataclass(slots=True)
class Sleep(Effect[None]):
    """Wait."""

    us: int


@dataclass(slots=True)
class Random(Effect[float]):
    """A draw of local chance."""


@dataclass(slots=True)
class Read(Effect[Row | None]):
    """One row of the store."""

    table: str
    key: str
    label: str = ""


@dataclass(slots=True)
class List(Effect[list[Row]]):
    """The rows of a table whose fields equal `where`; a tuple there means any of these."""

    table: str
    where: Mapping[str, object] = field(default_factory=dict)
    label: str = ""


@dataclass(slots=True)
class Watch(Effect[list[Change]]):
    """The changes of a table after a revision; waits until there is one, and for the delay of the watch."""

    table: str
    after: int


@dataclass(slots=True)
class Commit(Effect[CommitResult]):
    """Write rows and their decision events in one transaction. `label` names the decision, for faults and journals."""

    writes: tuple[Write, ...]
    events: tuple[Said, ...]
    label: str


@dataclass(slots=True)
class Lock(Effect[None]):
    """Wait for an advisory lock. Held by the task, not the process: taking it twice waits for ever."""

    name: str


@dataclass(slots=True)
class TryLock(Effect[bool]):
    """Take an advisory lock if it is free."""

    name: str


@dataclass(slots=True)
class Unlock(Effect[None]):
    """Give an advisory lock back."""

    name: str


@dataclass(slots=True)
class Lease(Effect[LeaseHeld | LeaseRefused]):
    """Take or renew time-bounded ownership of a name, judged by the store's clock. Raises StoreDown."""

    name: str
    holder: str
    ttl_us: int


@dataclass(slots=True)
class Call(Effect[Message]):
    """Send a message and wait for the reply."""

    to: str
    message: Message
    timeout_us: int | None
    reads: type[Message] | None = None
    """The shape that the reply is read as; the one that the reply's own name declares where null."""


@dataclass(slots=True)
class Receive(Effect[Request]):
    """The next message to an address of this process."""

    address: str


@dataclass(slots=True)
class Reply(Effect[None]):
    """Answer a request. A `refused` reason instead of a message raises CallRefused at the caller."""

    request: Request
    message: Message | None = None
    refused: str | None = None


@dataclass(slots=True)
class Emit(Effect[tuple[str, ...]]):
    """Record decision events that no store commits."""

    events: tuple[Said, ...]


@dataclass(slots=True)
class Start(Effect[Task]):
    """Run a program beside this one, in the same process. Events of it carry the component's name."""

    program: Program
    component: str


@dataclass(slots=True)
class Cancel(Effect[None]):
    """Stop a task of this process."""

    task: Task


@dataclass(slots=True)
class Exit(Effect[None]):
    """End the process."""

    reason: str
