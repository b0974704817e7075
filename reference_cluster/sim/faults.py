"""The fault plan: what goes wrong, to whom, when. Faults are data; each name is one row of a table below.

There are two sorts. An *act* is done to processes at its time: crash, pause, rollout, or a value set from outside. A
*meddling* lasts a while and strikes effects as programs ask for them: it makes them fail, delays or loses their
answers, or ends the process before it sees the answer. While one lasts it stands in front of the handlers of the effect
classes that it is about; when none does, no effect is looked at. A fault strikes only while it lasts.

Every strike goes to the truth, and so does a fault that struck nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from ingest.errors import UsageError
from reference_cluster.effects import (
    Call,
    CallRefused,
    Commit,
    Committed,
    Effect,
    Emit,
    Failed,
    Lease,
    List,
    Read,
    StoreDown,
    Unknown,
    Watch,
)
from reference_cluster.records import Put
from reference_cluster.sim.kernel import LATE, WAITING, Handler, Kernel, Process, Raise, Task
from reference_cluster.sim.network import Network
from reference_cluster.sim.store import Store

Answer = Any


class Fault(BaseModel):
    """One fault with every choice made. Params of all meddlings: `label` (glob) and `nth` (strike from that match on)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    target: str = "*"
    """Glob of an instance (`cp-*`) or of an actor (`cp-1/janitor`), or a name that the world resolves when the fault begins (`leader`)."""
    at_us: int
    """Simulated time at which it begins."""
    for_us: int | None = None
    """How long it lasts; to the end of the run, or to the last of its `times`, where null."""
    times: int | None = None
    """How often it strikes at most."""
    params: dict[str, Any] = {}


class World(Protocol):
    """What only the scenario can know about its processes."""

    def resolve(self, target: str) -> str | None:
        """The pattern that a target means at this moment; None where it means nobody."""

    def rollout(self, instance: str) -> None:
        """Ask the old incarnation to stop and start a new one."""


class Active:
    """A fault while it lasts."""

    def __init__(self, fault: Fault, pattern: str, label: str) -> None:
        self.fault = fault
        self.pattern = pattern if "/" in pattern else f"{pattern}/*"
        self.label = str(fault.params.get("label", label))
        self.matches_left = int(fault.params.get("nth", 1)) - 1
        self.over = False

    def matches(self, task: Task, effect: Effect[Any]) -> bool:
        """Whether it is about this effect of this task."""
        if not (fnmatchcase(task.actor, self.pattern) and fnmatchcase(label_of(effect), self.label)):
            return False
        if self.matches_left > 0:
            self.matches_left -= 1
            return False
        return True


def label_of(effect: Effect[Any]) -> str:
    """What a fault knows an effect by: its label, the table, the lease, or `address:message`."""
    if isinstance(effect, Call):
        return f"{effect.to}:{effect.message.name}"
    if isinstance(effect, Emit):
        return effect.events[0].decision.kind if effect.events else ""
    label = getattr(effect, "label", "")
    return str(label or getattr(effect, "table", "") or getattr(effect, "name", ""))


class Faults:
    """Carries out a plan and counts what it did."""

    def __init__(self, kernel: Kernel, store: Store, network: Network, world: World, plan: list[Fault]) -> None:
        self.kernel = kernel
        self.store = store
        self.network = network
        self.world = world
        self.strikes = [0] * len(plan)
        """Strikes of each fault of the plan."""
        self._plan = plan
        self._active: dict[type, list[tuple[int, Active]]] = {}
        self._behind: dict[type, Handler] = {}
        for number, fault in enumerate(plan):
            if fault.name not in ACTS and fault.name not in MEDDLINGS:
                known = ", ".join(sorted([*ACTS, *MEDDLINGS]))
                raise UsageError(f"planning the fault {fault.name!r}: there is none of that name; there are {known}")
            kernel.after(fault.at_us, partial(self._begin, number, fault))

    def end(self) -> None:
        """The run is over: say which faults struck nobody."""
        for fault, strikes in zip(self._plan, self.strikes, strict=True):
            if not strikes:
                self.kernel.note(fault.name, fault.target, kind="fault", took_effect=False, at_us=fault.at_us)

    def _begin(self, number: int, fault: Fault) -> None:
        pattern = self.world.resolve(fault.target)
        if pattern is None:
            return
        if fault.name in ACTS:
            self._act(number, fault, pattern)
            return
        meddling = MEDDLINGS[fault.name]
        active = Active(fault, pattern, meddling.label)
        for effect in meddling.effects:
            in_force = self._active.setdefault(effect, [])
            in_force.append((number, active))
            if len(in_force) == 1:
                self._behind[effect] = self.kernel.handlers[effect]
                self.kernel.handlers[effect] = partial(self._intercept, effect)
        self._catch_waiting(number, active, meddling)
        if fault.for_us is not None:
            self.kernel.after(fault.for_us, partial(self._end, active, meddling), LATE)

    def _act(self, number: int, fault: Fault, pattern: str) -> None:
        act = ACTS[fault.name]
        if act is set_value:
            self.struck(number, fault, pattern, set_value(self, fault))
            return
        for instance in sorted(self.kernel.instances):
            process = self.kernel.instances[instance]
            if process.alive and fnmatchcase(instance, pattern):
                self.struck(number, fault, process.incarnation)
                act(self, fault, process)

    def _catch_waiting(self, number: int, active: Active, meddling: Meddling) -> None:
        """A watch may have been asked for long ago: a fault about watches strikes those that wait already."""
        if Watch not in meddling.effects:
            return
        for process in self.kernel.processes.values():
            for task in process.tasks.values():
                if isinstance(task.effect, Watch) and active.matches(task, task.effect):
                    task.meddle = partial(self._meddle, number, active, meddling, task)

    def _end(self, active: Active, meddling: Meddling) -> None:
        if active.over:
            return
        active.over = True
        for effect in meddling.effects:
            in_force = self._active[effect]
            in_force[:] = [(number, other) for number, other in in_force if other is not active]
            if not in_force:
                self.kernel.handlers[effect] = self._behind.pop(effect)

    def _intercept(self, effect_class: type, task: Task, effect: Effect[Any]) -> Answer:
        """Stands in front of a handler. The first fault in force that matches has the effect."""
        behind = self._behind[effect_class]
        for number, active in self._active[effect_class]:
            if active.matches(task, effect):
                meddling = MEDDLINGS[active.fault.name]
                if meddling.instead is not None:
                    self.struck(number, active.fault, f"{task.process.incarnation}/{task.component}")
                    self._count(number, active, meddling)
                    return meddling.instead(self, active.fault, task, effect)
                task.meddle = partial(self._meddle, number, active, meddling, task)
                answer = behind(task, effect)
                if answer is WAITING or task.meddle is None:
                    return answer
                meddle, task.meddle = task.meddle, None
                return meddle(answer)
        return behind(task, effect)

    def _meddle(self, number: int, active: Active, meddling: Meddling, task: Task, answer: Answer) -> Answer:
        """The effect has taken place: strike its answer, if there is something to strike."""
        assert meddling.after is not None, meddling
        if active.over or not _took_place(answer):
            return answer
        self.struck(number, active.fault, f"{task.process.incarnation}/{task.component}")
        self._count(number, active, meddling)
        return meddling.after(self, active.fault, task, answer)

    def _count(self, number: int, active: Active, meddling: Meddling) -> None:
        if active.fault.times is not None and self.strikes[number] >= active.fault.times:
            self._end(active, meddling)

    def struck(self, number: int, fault: Fault, target: str, took_effect: bool = True) -> None:
        """Note a strike in the truth."""
        if took_effect:
            self.strikes[number] += 1
            self.kernel.note(fault.name, target, kind="fault")


def _took_place(answer: Answer) -> bool:
    """A refusal changes nothing; there is nothing in it to lose."""
    return not isinstance(answer, Raise) and (not hasattr(answer, "fence"))


# What can be done to processes


def crash(faults: Faults, _fault: Fault, process: Process) -> None:
    """The process ends at this instant."""
    faults.kernel.crash(process)


def pause(faults: Faults, fault: Fault, process: Process) -> None:
    """The process does not run for `for_us`; its clock and its leases go on."""
    faults.kernel.pause(process, fault.for_us or 0)


def rollout(faults: Faults, _fault: Fault, process: Process) -> None:
    """The process is asked to stop and a new one takes its place."""
    faults.world.rollout(process.instance)


def set_value(faults: Faults, fault: Fault, process: Process | None = None) -> bool:
    """Somebody edits a row of the store: params `table`, `key`, `changes`."""
    table, key, changes = fault.params["table"], fault.params["key"], fault.params["changes"]
    known = any(row.key == key for row in faults.store.rows(table))
    return isinstance(faults.store.write(Put(table, key, changes, {} if known else None)), Committed)


ACTS: dict[str, Callable[[Faults, Fault, Process], object]] = {
    "crash": crash,
    "pause": pause,
    "rollout": rollout,
    "set": set_value,
}

# What can be done to effects


def fail(faults: Faults, fault: Fault, task: Task, effect: Effect[Any]) -> Answer:
    """It does not happen, and the program is told: params `reason`, and `after_us` for how long that takes."""
    reason = str(fault.params.get("reason", "unavailable"))
    after_us = int(fault.params.get("after_us", 2 * faults.network.hop(task.process)))
    failure = {Commit: Failed(reason), Call: Raise(CallRefused(reason))}.get(type(effect), Raise(StoreDown(reason)))
    faults.kernel.resume(task, task.n, faults.kernel.now_us + after_us, failure)
    return WAITING


def hang(faults: Faults, _fault: Fault, task: Task, effect: Effect[Any]) -> Answer:
    """It does not happen and no answer comes; a call still ends by its time-out, where it has one."""
    return faults.network.lose(task, effect) if isinstance(effect, Call) else WAITING


def lose_answer(_faults: Faults, _fault: Fault, _task: Task, answer: Answer) -> Answer:
    """It happened, and the program never hears of it: a commit is unknown, a call ends by its time-out."""
    return Unknown() if isinstance(answer, Committed) else WAITING


def delay(faults: Faults, fault: Fault, task: Task, answer: Answer) -> Answer:
    """It happened, and the answer takes longer: param `by_us`."""
    faults.kernel.resume(task, task.n, faults.kernel.now_us + int(fault.params["by_us"]), answer)
    return WAITING


def crash_after(faults: Faults, _fault: Fault, task: Task, _answer: Answer) -> Answer:
    """It happened, and the process ends before it sees the answer."""
    faults.kernel.crash(task.process)
    return WAITING


@dataclass(frozen=True, slots=True)
class Meddling:
    """A row of the table: which effects it is about, and what happens in place of them or after them."""

    effects: tuple[type[Effect[Any]], ...]
    label: str = "*"
    instead: Callable[[Faults, Fault, Task, Effect[Any]], Answer] | None = None
    after: Callable[[Faults, Fault, Task, Answer], Answer] | None = None


MEDDLINGS: dict[str, Meddling] = {
    "renew_blip": Meddling((Commit, Lease), "*lease.renew*", instead=fail),
    "store_write_fails": Meddling((Commit,), instead=fail),
    "read_fails": Meddling((Read,), instead=fail),
    "list_fails": Meddling((List,), instead=fail),
    "answer_lost": Meddling((Commit, Call), after=lose_answer),
    "commit_slow": Meddling((Commit,), after=delay),
    "commit_hangs": Meddling((Commit,), instead=hang),
    "crash_between": Meddling((Commit,), after=crash_after),
    "spawn_fails": Meddling((Call,), "kube/*:pod.create", instead=fail),
    "spawn_slow": Meddling((Call,), "kube/*:pod.await", after=delay),
    "call_fails": Meddling((Call,), instead=fail),
    "call_hangs": Meddling((Call,), instead=hang),
    "watch_delay": Meddling((Watch,), after=delay),
}
