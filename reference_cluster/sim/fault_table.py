"""What can go wrong: each name is one row of a table, with the small function that does it.

An *act* is done to processes at its time and says whom it struck. A *meddling* strikes effects while it lasts: it acts
`instead` of the handler, or `after` the effect has taken place and before the program sees the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from reference_cluster.effects import (
    Call,
    CallRefused,
    Commit,
    Committed,
    Conflict,
    Effect,
    Failed,
    Lease,
    LeaseRefused,
    List,
    Read,
    StoreDown,
    Unknown,
    Watch,
)
from reference_cluster.records import Put
from reference_cluster.sim.kernel import WAITING, Kernel, Process, Raise, Task
from reference_cluster.sim.network import Network
from reference_cluster.sim.store import Store

Answer = Any


class Fault(BaseModel):
    """One fault with every choice made. Params of every meddling: `label` (glob) and `nth` (strike from that match on)."""

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


@dataclass(frozen=True, slots=True)
class Means:
    """What a fault does its work with."""

    kernel: Kernel
    store: Store
    network: Network
    world: World

    def alive(self, pattern: str) -> list[Process]:
        """The living processes whose instance matches, in order of instance."""
        found = [process for name, process in self.kernel.instances.items() if process.alive and fnmatchcase(name, pattern)]
        return sorted(found, key=lambda process: process.instance)


# Done to processes; each says whom it struck


def crash(means: Means, _fault: Fault, pattern: str) -> Iterator[str]:
    """The process ends at this instant."""
    for process in means.alive(pattern):
        means.kernel.crash(process)
        yield process.incarnation


def pause(means: Means, fault: Fault, pattern: str) -> Iterator[str]:
    """The process does not run for `for_us`; its clock and its leases go on."""
    for process in means.alive(pattern):
        means.kernel.pause(process, fault.for_us or 0)
        yield process.incarnation


def slow(means: Means, fault: Fault, pattern: str) -> Iterator[str]:
    """Each way of the process, to the store and to others, takes `by_us` longer for `for_us`."""
    by_us = int(fault.params["by_us"])
    for process in means.alive(pattern):
        process.slower_us += by_us
        means.kernel.after(fault.for_us or 0, partial(_hasten, process, by_us))
        yield process.incarnation


def _hasten(process: Process, by_us: int) -> None:
    process.slower_us -= by_us


def rollout(means: Means, _fault: Fault, pattern: str) -> Iterator[str]:
    """The process is asked to stop and a new one takes its place."""
    for process in means.alive(pattern):
        means.world.rollout(process.instance)
        yield process.incarnation


def set_fields(means: Means, fault: Fault, _pattern: str) -> Iterator[str]:
    """Somebody edits a row of the store: params `table`, `key`, `changes`."""
    table, key = fault.params["table"], fault.params["key"]
    known = any(row.key == key for row in means.store.rows(table))
    means.store.write(Put(table, key, fault.params["changes"], {} if known else None))
    yield f"{table}/{key}"


@dataclass(frozen=True, slots=True)
class Act:
    """What it does, and what a fault of this name must say."""

    does: Callable[[Means, Fault, str], Iterator[str]]
    needs: tuple[str, ...] = ()


ACTS: dict[str, Act] = {
    "crash": Act(crash),
    "pause": Act(pause, needs=("for_us",)),
    "slow": Act(slow, needs=("for_us", "by_us")),
    "rollout": Act(rollout),
    "set": Act(set_fields, needs=("table", "key", "changes")),
}

# Done to effects


def fail(means: Means, fault: Fault, task: Task, effect: Effect[Any]) -> Answer:
    """It does not happen, and the program is told: params `reason`, and `after_us` for how long that takes."""
    reason = str(fault.params.get("reason", "unavailable"))
    after_us = int(fault.params.get("after_us", 2 * means.network.hop(task.process)))
    failure = {Commit: Failed(reason), Call: Raise(CallRefused(reason))}.get(type(effect), Raise(StoreDown(reason)))
    means.kernel.resume(task, task.n, means.kernel.now_us + after_us, failure)
    return WAITING


def hang(means: Means, _fault: Fault, task: Task, effect: Effect[Any]) -> Answer:
    """It does not happen and no answer comes; a call still ends by its time-out, where it has one."""
    return means.network.lose(task, effect) if isinstance(effect, Call) else WAITING


def lose_answer(_means: Means, _fault: Fault, _task: Task, answer: Answer) -> Answer:
    """It happened, and the program never hears of it: a commit is unknown, a call ends by its time-out."""
    return Unknown() if isinstance(answer, Committed) else WAITING


def delay(means: Means, fault: Fault, task: Task, answer: Answer) -> Answer:
    """It happened, and the answer takes longer: param `by_us`."""
    means.kernel.resume(task, task.n, means.kernel.now_us + int(fault.params["by_us"]), answer)
    return WAITING


def crash_after(means: Means, _fault: Fault, task: Task, _answer: Answer) -> Answer:
    """It happened, and the process ends before it sees the answer."""
    means.kernel.crash(task.process)
    return WAITING


@dataclass(frozen=True, slots=True)
class Meddling:
    """Which effects it is about, what it does in place of them or after them, and what a fault of this name must say."""

    effects: tuple[type[Effect[Any]], ...]
    label: str = "*"
    instead: Callable[[Means, Fault, Task, Effect[Any]], Answer] | None = None
    after: Callable[[Means, Fault, Task, Answer], Answer] | None = None
    needs: tuple[str, ...] = ()


MEDDLINGS: dict[str, Meddling] = {
    "renew_blip": Meddling((Commit, Lease), "*lease.renew*", instead=fail),
    "lease_unreachable": Meddling((Commit, Read, Lease), "*lease.*", instead=fail),
    "store_write_fails": Meddling((Commit,), instead=fail),
    "read_fails": Meddling((Read,), instead=fail),
    "list_fails": Meddling((List,), instead=fail),
    "answer_lost": Meddling((Commit, Call), after=lose_answer),
    "commit_slow": Meddling((Commit,), after=delay, needs=("by_us",)),
    "commit_hangs": Meddling((Commit,), instead=hang),
    "crash_between": Meddling((Commit,), after=crash_after),
    "spawn_fails": Meddling((Call,), "kube/*:pod.create", instead=fail),
    "spawn_slow": Meddling((Call,), "kube/*:pod.await", after=delay, needs=("by_us",)),
    "call_fails": Meddling((Call,), instead=fail),
    "call_hangs": Meddling((Call,), instead=hang),
    "partition": Meddling((Commit, Read, List, Lease, Watch), instead=fail),
    "watch_fails": Meddling((Watch,), instead=fail),
    "held_up": Meddling((Commit, Read, List, Lease, Call), after=delay, needs=("by_us",)),
    "watch_delay": Meddling((Watch,), after=delay, needs=("by_us",)),
}


def label_of(effect: Effect[Any]) -> str:
    """What a fault knows an effect by: its label, else its table or name; for a call `address:message`."""
    if isinstance(effect, Call):
        return f"{effect.to}:{effect.message.name}"
    return str(getattr(effect, "label", "") or getattr(effect, "table", "") or getattr(effect, "name", ""))


def took_place(answer: Answer) -> bool:
    """Whether an answer says that something happened. A refusal changes nothing: there is nothing in it to strike."""
    return not isinstance(answer, (Raise, Conflict, Failed, LeaseRefused))
