"""The kernel: simulated time, processes, and the loop that resumes a program with an answer and takes its next effect.

What is to happen stands in one heap of `(time, priority, counter, …)`; the counter makes ties deterministic. A task is
a program that runs in a process. The kernel resumes it with the answer to its last effect, takes the next effect from
it, and looks up in a table, by class, who answers that one. The answer comes back at once, or `WAITING` comes back and
the answer is put on the heap for later. Every answer carries the number of the effect that it belongs to, so that an
answer which comes too late (after a time-out, a cancel, a crash) meets a task that has moved on, and is dropped.

The kernel answers what needs nothing but time, chance and tasks. The store, the network and the journal add their own
rows to the table; a fault in force puts itself in front of a row for as long as it lasts, and costs nothing otherwise.

Two clocks: `now_us` counts simulated microseconds from the start of the run and is true; a process sees `EPOCH_US`
plus that plus the offset of its own clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from hashlib import sha256
from heapq import heappop, heappush
from typing import Any

from ingest.errors import TimelineError
from reference_cluster import effects
from reference_cluster.effects import Cancel, Effect, Exit, Now, Program, Random, Sleep, Start

EPOCH_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, the moment at which every simulation begins."""
EFFECTS_AT_ONCE_MAX = 100_000
"""Effects that a program may ask for before it lets time pass."""
NORMAL, LATE = 0, 1
"""Priorities: what is LATE takes place after everything else of the same microsecond."""

Truth = dict[str, Any]
Handler = Callable[["Task", Any], Any]
Chance = Callable[[], float]


class ProgramFailed(TimelineError):
    """A program raised what it should have handled, or asked for what nobody answers. A bug of ours."""


class Waiting:
    """What a handler returns where the answer comes later."""

    def __repr__(self) -> str:
        return "WAITING"


WAITING = Waiting()


class Raise:
    """An answer that is raised in the program."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Process:
    """A running process: one incarnation of an instance, with its own clock, its own chance and its tasks."""

    __slots__ = (
        "alive",
        "clock_offset_us",
        "incarnation",
        "instance",
        "lamport",
        "network_chance",
        "paused_until_us",
        "slower_us",
        "started",
        "store_chance",
        "tasks",
    )

    def __init__(self, instance: str, incarnation: str, clock_offset_us: int, store_chance: Chance, network_chance: Chance) -> None:
        self.instance = instance
        self.incarnation = incarnation
        self.clock_offset_us = clock_offset_us
        self.store_chance = store_chance
        self.network_chance = network_chance
        self.lamport = 0
        self.alive = True
        self.paused_until_us = 0
        self.slower_us = 0
        """What each of its ways takes longer, to the store or to another process."""
        self.tasks: dict[int, Task] = {}
        self.started = 0
        """Tasks started so far: the id of the last one."""


class Task:
    """A program in a process, under the name of a component."""

    __slots__ = ("cause", "chance", "component", "effect", "handle", "locks", "meddle", "n", "process", "program", "revision", "send")

    def __init__(self, handle: effects.Task, program: Program, process: Process, cause: str | None) -> None:
        self.handle = handle
        self.program = program
        self.send: Callable[[Any], Effect[Any]] = program.send
        """Resumes the program with an answer, and gives its next effect."""
        self.process = process
        self.component = handle.name
        self.n = 0
        """Effects asked for so far: the number of the one that it waits for, -1 once the task is over."""
        self.effect: Effect[Any] | None = None
        self.cause = cause
        """Id of the event that the next event of this task is caused by."""
        self.chance: Chance | None = None
        self.locks: list[str] = []
        self.meddle: tuple[int, Callable[[Any], Any]] | None = None
        """What a fault will do to the answer of which effect."""
        self.revision: int | None = None
        """Revision of the store at which its last store effect took place."""

    @property
    def actor(self) -> str:
        """`instance/component`, as the events say it."""
        return f"{self.process.instance}/{self.component}"


class Kernel:
    """Simulated time and everything that runs in it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now_us = 0
        self.processes: dict[str, Process] = {}
        """Every process that ever ran, by incarnation."""
        self.instances: dict[str, Process] = {}
        """The latest incarnation of each instance, alive or not."""
        self.truth: list[Truth] = []
        """What was injected and what took effect: never an event, only for scoring."""
        self.handlers: dict[type, Handler] = {
            Now: self._now,
            Sleep: self._sleep,
            Random: self._random,
            Start: self._start,
            Cancel: self._cancel,
            Exit: self._exit,
        }
        self.completed: Callable[[Task, Any], None] | None = None
        """Called with each answer that a program receives, where an effect journal is kept."""
        self.task_ended: list[Callable[[Task], None]] = []
        self.process_ended: list[Callable[[Process, str], None]] = []
        """Called with a process that crashed or exited, and why."""
        self._heap: list[tuple[int, int, int, Task | None, int, Any]] = []
        self._counter = 0
        self._effects_of_ended_tasks = 0
        self._streams: dict[str, random.Random] = {}

    # The loop, time and chance

    def run(self, until_us: int) -> None:
        """Let everything happen up to and including `until_us`. Raises ProgramFailed."""
        heap, handlers = self._heap, self.handlers
        while heap and heap[0][0] <= until_us:
            self.now_us, _, _, task, n, answer = heappop(heap)
            if task is None:
                answer()
                continue
            if task.n != n:
                continue
            if task.process.paused_until_us > self.now_us:
                self.resume(task, n, task.process.paused_until_us, answer)
                continue
            while True:
                try:
                    effect = task.send(answer) if answer.__class__ is not Raise else self._throw(task, answer)
                except StopIteration:
                    self._end(task)
                    break
                except Exception as error:
                    raise ProgramFailed(f"{self._where(task)} raised {type(error).__name__}: {error}") from error
                task.effect = effect
                task.n += 1
                try:
                    handler = handlers[effect.__class__]
                except KeyError:
                    raise ProgramFailed(f"{self._where(task)} awaited {effect!r}, which nobody answers") from None
                answer = handler(task, effect)
                if answer is WAITING:
                    break
                if task.n - n > EFFECTS_AT_ONCE_MAX:
                    raise ProgramFailed(f"{self._where(task)} asked for {EFFECTS_AT_ONCE_MAX} effects without letting time pass")
        self.now_us = until_us

    def after(self, delay_us: int, act: Callable[[], object], priority: int = NORMAL) -> None:
        """Call `act` so much later."""
        self._counter += 1
        heappush(self._heap, (self.now_us + delay_us, priority, self._counter, None, 0, act))

    def resume(self, task: Task, n: int, at_us: int, answer: Any) -> None:
        """Give the task an answer to its effect number `n` at a time, unless it has moved on by then."""
        self._counter += 1
        heappush(self._heap, (at_us, NORMAL, self._counter, task, n, answer))

    def answer(self, task: Task, n: int, delay_us: int, answer: Any) -> None:
        """What the task asked for has taken place: the answer is under way, unless a fault meddles with it."""
        if task.n != n:
            return
        if task.meddle is not None:
            of, meddle = task.meddle
            task.meddle = None
            answer = meddle(answer) if of == n else answer
            if answer is WAITING:
                return
        self.resume(task, n, self.now_us + delay_us, answer)

    def stream(self, purpose: str) -> random.Random:
        """The generator of one purpose: a draw for one never disturbs another. Use `.random()`: it is the same in every Python."""
        found = self._streams.get(purpose)
        if found is None:
            digest = sha256(f"{self.seed}/{purpose}".encode()).digest()
            found = self._streams[purpose] = random.Random(int.from_bytes(digest[:8], "big"))
        return found

    def clock_us(self, process: Process) -> int:
        """What the process's own clock shows."""
        return EPOCH_US + self.now_us + process.clock_offset_us

    @property
    def effects_asked(self) -> int:
        """Effects that programs have asked for so far."""
        return self._effects_of_ended_tasks + sum(task.n for process in self.processes.values() for task in process.tasks.values())

    # Processes

    def start(self, instance: str, main: Callable[[Process], Program], component: str, clock_offset_us: int = 0) -> Process:
        """Start a process under a new incarnation; `main` makes its first program. An older incarnation goes on beside it."""
        ordinal = sum(process.instance == instance for process in self.processes.values())
        suffix = sha256(f"{self.seed}/incarnation/{instance}/{ordinal}".encode()).hexdigest()
        width = next(width for width in range(4, 64) if f"{instance}-{suffix[:width]}" not in self.processes)
        incarnation = f"{instance}-{suffix[:width]}"
        purpose = f"{instance}.{ordinal}"
        store_chance, network_chance = self.stream(f"store/{purpose}").random, self.stream(f"network/{purpose}").random
        process = Process(instance, incarnation, clock_offset_us, store_chance, network_chance)
        self.processes[incarnation] = self.instances[instance] = process
        self.spawn(process, main(process), component)
        return process

    def spawn(self, process: Process, program: Program, component: str, cause: str | None = None) -> Task:
        """Run a program in a process, from this moment on."""
        process.started += 1
        task = Task(effects.Task(process.started, component), program, process, cause)
        if self.completed is not None:
            task.send = partial(self._send_observed, self.completed, task)
        process.tasks[process.started] = task
        self.resume(task, 0, self.now_us, None)
        return task

    def pause(self, process: Process, for_us: int) -> None:
        """Stop the process from running for a while; its clock, its messages and its leases go on without it."""
        process.paused_until_us = max(process.paused_until_us, self.now_us + for_us)

    def crash(self, process: Process, why: str = "crashed") -> None:
        """End a process at this instant. What it had sent to the store or to others still arrives there."""
        if not process.alive:
            return
        process.alive = False
        for task in list(process.tasks.values()):
            self._end(task)
        for told in self.process_ended:
            told(process, why)

    def close(self) -> None:
        """The run is over: let go of every program."""
        for process in self.processes.values():
            for task in list(process.tasks.values()):
                self._end(task)

    def note(self, name: str, target: str, kind: str = "bug", took_effect: bool = True, at_us: int | None = None) -> None:
        """Add a row to the truth."""
        time = rfc3339(EPOCH_US + (self.now_us if at_us is None else at_us))
        self.truth.append({"kind": kind, "name": name, "target": target, "time": time, "took_effect": took_effect})

    # Tasks

    def _throw(self, task: Task, answer: Raise) -> Effect[Any]:
        if self.completed is not None:
            self.completed(task, answer)
        return task.program.throw(answer.error)

    @staticmethod
    def _send_observed(completed: Callable[[Task, Any], None], task: Task, answer: Any) -> Effect[Any]:
        if task.effect is not None:
            completed(task, answer)
        return task.program.send(answer)

    def _where(self, task: Task) -> str:
        last = f"after effect {task.n} ({task.effect!r})" if task.effect is not None else "before its first effect"
        moment = f"at {rfc3339(EPOCH_US + self.now_us)} ({self.now_us} us into the run of seed {self.seed})"
        return f"{moment} {task.process.incarnation}/{task.component}, {last},"

    def _end(self, task: Task) -> None:
        if task.n < 0:
            return
        self._effects_of_ended_tasks += task.n
        task.n = -1
        del task.process.tasks[task.handle.id]
        _discard(task.program)
        for told in self.task_ended:
            told(task)

    # Effects that need nothing but time, chance and tasks

    def _now(self, task: Task, _effect: Now) -> int:
        return EPOCH_US + self.now_us + task.process.clock_offset_us

    def _sleep(self, task: Task, effect: Sleep) -> Waiting:
        """A sleep of nothing lasts a microsecond, so that a loop cannot hold time still."""
        us = effect.us
        self._counter += 1
        heappush(self._heap, (self.now_us + (us if us > 0 else 1), NORMAL, self._counter, task, task.n, None))
        return WAITING

    def _random(self, task: Task, _effect: Random) -> float:
        if task.chance is None:
            task.chance = self.stream(f"program/{task.process.incarnation}/{task.component}/{task.handle.id}").random
        return task.chance()

    def _start(self, task: Task, effect: Start) -> effects.Task:
        return self.spawn(task.process, effect.program, effect.component, task.cause).handle

    def _cancel(self, task: Task, effect: Cancel) -> Waiting | None:
        other = task.process.tasks.get(effect.task.id)
        if other is not None:
            self._end(other)
        return WAITING if other is task else None

    def _exit(self, task: Task, effect: Exit) -> Waiting:
        self.crash(task.process, effect.reason)
        return WAITING


def _discard(program: Program) -> None:
    """Close a program. What it still awaits in its `finally` blocks is not answered: nothing of it runs any more."""
    for _ in range(EFFECTS_AT_ONCE_MAX):
        try:
            program.close()
        except RuntimeError:
            continue
        return


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(clock_us: int) -> str:
    """Microseconds since 1970 as RFC 3339 in UTC."""
    seconds, micros = divmod(clock_us, 1_000_000)
    return f"{_second(seconds)}.{micros:06d}Z"
