"""The store: rows with versions, commits with compare-and-set, leases, advisory locks, watches.

A request reaches the store some time after it was asked for, takes place there at one instant, and its answer travels
back; between these the world goes on. All commits have one order, `revision`. A commit writes all its rows or none, and
its events are recorded in the same step (an outbox), so no state changes without its event.

Ages are the store's own business: `updated_us`, leases and `STORE_NOW` are judged by its clock and by no other.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from reference_cluster.effects import (
    Commit,
    CommitResult,
    Committed,
    Conflict,
    Lease,
    LeaseHeld,
    LeaseRefused,
    List,
    Lock,
    Read,
    TryLock,
    Unlock,
    Watch,
)
from reference_cluster.records import STORE_NOW, Change, Check, Delete, Put, Row, Write
from reference_cluster.sim.journal import Journal
from reference_cluster.sim.kernel import EPOCH_US, WAITING, Kernel, ProgramFailed, Task, Waiting


@dataclass(slots=True)
class Table:
    """Rows by key, the keys in order, every change in order of revision, and who waits for the next one."""

    rows: dict[str, Row] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    changed_us: list[int] = field(default_factory=list)
    """True time of each change."""
    revisions: list[int] = field(default_factory=list)
    """Revision of each change."""
    watchers: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True)
class LeaseRecord:
    """Who holds a name, as which term, until when by the store's clock."""

    holder: str
    term: int
    expires_us: int
    released: bool = False


@dataclass(slots=True)
class Held:
    """An advisory lock that is held, and who waits for it in order of arrival, each with the effect that it waits in."""

    task: Task
    queue: deque[tuple[Task, int]] = field(default_factory=deque)


class Store:
    """The one store of a simulated cluster. Adds its rows to the kernel's table of handlers."""

    def __init__(self, kernel: Kernel, journal: Journal, hop_us: tuple[int, int], watch_us: tuple[int, int]) -> None:
        """`hop_us` is the least and the most that one way to or from the store takes, `watch_us` that a change takes to a watch."""
        self.clock_offset_us = 0
        self.revision = 0
        self.lamport = 0
        self._kernel = kernel
        self._journal = journal
        self._hop_least_us, self._hop_spread_us = hop_us[0], hop_us[1] - hop_us[0] + 1
        self._watch_least_us, self._watch_spread_us = watch_us[0], watch_us[1] - watch_us[0] + 1
        self._tables: dict[str, Table] = {}
        self._leases: dict[str, LeaseRecord] = {}
        self._locks: dict[str, Held] = {}
        kernel.task_ended.append(self._free_locks)
        kernel.handlers[Watch] = self._watch
        for effect, act in (
            (Read, self._read),
            (List, self._list),
            (Commit, self._commit),
            (Lease, self._lease),
            (Lock, self._lock),
            (TryLock, self._try_lock),
            (Unlock, self._unlock),
        ):
            kernel.handlers[effect] = partial(self._send, act)

    @property
    def clock_us(self) -> int:
        """What the store's own clock shows."""
        return EPOCH_US + self._kernel.now_us + self.clock_offset_us

    # For the scenario, from outside of the simulated world

    def rows(self, table: str) -> list[Row]:
        """The rows of a table at this instant, in order of key."""
        found = self._table(table)
        return [found.rows[key] for key in found.keys]

    def write(self, *writes: Write) -> CommitResult:
        """Commit writes at this instant without a program, a delay or an event: initial objects, configuration."""
        conflict = self._first_conflict(writes)
        if conflict is not None:
            return conflict
        return self._apply(writes)

    # The way to the store and back

    def _hop(self, task: Task) -> int:
        process = task.process
        return self._hop_least_us + int(process.store_chance() * self._hop_spread_us) + process.slower_us

    def _send(self, act: Callable[[Task, int, Any, int], None], task: Task, effect: Any) -> Waiting:
        kernel = self._kernel
        kernel.after(self._hop(task), partial(act, task, task.n, effect, kernel.now_us))
        return WAITING

    def _reply(self, task: Task, n: int, answer: Any) -> None:
        """An effect has taken place at this revision: its answer travels back, with the store's Lamport clock."""
        process = task.process
        task.revision = self.revision
        process.lamport = max(process.lamport, self.lamport)
        self._kernel.answer(task, n, self._hop(task), answer)

    # Reads

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = Table()
        return table

    def _seen(self, row: Row) -> Row:
        return Row(row.table, row.key, row.version, row.updated_us, row.revision, row.fields, self.clock_us)

    def _read(self, task: Task, n: int, effect: Read, _issued_us: int) -> None:
        row = self._table(effect.table).rows.get(effect.key)
        self._reply(task, n, self._seen(row) if row is not None else None)

    def _list(self, task: Task, n: int, effect: List, _issued_us: int) -> None:
        found = self.rows(effect.table)
        for name, want in effect.where.items():
            wanted = want if isinstance(want, tuple) else (want,)
            found = [row for row in found if row.fields.get(name) in wanted]
        self._reply(task, n, [self._seen(row) for row in found])

    def _watch(self, task: Task, effect: Watch) -> Waiting:
        """Deliver what was committed at least one delay ago; where there is nothing yet, wait for the next change."""
        table, n = self._table(effect.table), task.n
        if bisect_right(table.revisions, effect.after) == len(table.revisions):
            table.watchers.append(partial(self._begin_delivery, task, n, effect))
        else:
            self._begin_delivery(task, n, effect)
        return WAITING

    def _begin_delivery(self, task: Task, n: int, effect: Watch) -> None:
        """The first undelivered change is there: it becomes visible one delay after its commit."""
        table = self._table(effect.table)
        delay_us = self._watch_least_us + int(task.process.store_chance() * self._watch_spread_us)
        committed_us = table.changed_us[bisect_right(table.revisions, effect.after)]
        wait_us = max(0, committed_us + delay_us - self._kernel.now_us)
        self._kernel.after(wait_us, partial(self._deliver, task, n, effect, delay_us))

    def _deliver(self, task: Task, n: int, effect: Watch, delay_us: int) -> None:
        table = self._table(effect.table)
        first = bisect_right(table.revisions, effect.after)
        last = bisect_right(table.changed_us, self._kernel.now_us - delay_us)
        self._reply(task, n, table.changes[first:last])

    # Commits

    def _commit(self, task: Task, n: int, effect: Commit, issued_us: int) -> None:
        if len({(write.table, write.key) for write in effect.writes}) < len(effect.writes):
            raise ProgramFailed(f"{task.actor} writes one row twice in the commit {effect.label!r}: {effect.writes}")
        conflict = self._first_conflict(effect.writes)
        if conflict is not None:
            self._reply(task, n, conflict)
            return
        process = task.process
        process.lamport = max(process.lamport, self.lamport)
        committed = self._apply(effect.writes)
        ids = self._journal.record(task, effect.events, issued_us, committed.revision, committed.commit_us)
        self.lamport = process.lamport
        self._reply(task, n, Committed(committed.revision, committed.commit_us, ids))

    def _first_conflict(self, writes: tuple[Write, ...]) -> Conflict | None:
        for write in writes:
            row, expect = self._table(write.table).rows.get(write.key), write.expect
            if expect is None:
                if row is not None:
                    return Conflict(write.table, write.key, "row_exists", "absent", "present")
            elif row is None:
                return Conflict(write.table, write.key, "row_missing", "present", "absent")
            else:
                for name, want in expect.items():
                    got = _value(row, name)
                    if got != want:
                        return Conflict(write.table, write.key, name, want, got)
        return None

    def _apply(self, writes: tuple[Write, ...]) -> Committed:
        """All writes, at one instant, as the next revision."""
        self.revision += 1
        now_us = self.clock_us
        for write in writes:
            if isinstance(write, Check):
                continue
            table = self._table(write.table)
            before = table.rows.get(write.key)
            row: Row | None = None
            if isinstance(write, Delete):
                del table.rows[write.key]
                table.keys.remove(write.key)
            else:
                row = self._written(write, before, now_us)
                table.rows[write.key] = row
                if before is None:
                    insort(table.keys, write.key)
            table.changes.append(Change(self.revision, write.table, write.key, row))
            table.changed_us.append(self._kernel.now_us)
            table.revisions.append(self.revision)
            waiting, table.watchers = table.watchers, []
            for begin_delivery in waiting:
                begin_delivery()
        return Committed(self.revision, now_us)

    def _written(self, write: Put, before: Row | None, now_us: int) -> Row:
        values = dict(before.fields) if before is not None else {}
        for name, value in write.changes.items():
            values[name] = now_us if value is STORE_NOW else value
        version = before.version + 1 if before is not None else 1
        return Row(write.table, write.key, version, now_us, self.revision, MappingProxyType(values), now_us)

    # Leases

    def _lease(self, task: Task, n: int, effect: Lease, _issued_us: int) -> None:
        self._reply(task, n, self._judge(effect))

    def _judge(self, effect: Lease) -> LeaseHeld | LeaseRefused:
        """Grant, renew or refuse. The term counts changes of holder; a time to live of 0 gives the lease back."""
        record, now_us = self._leases.get(effect.name), self.clock_us
        remaining_us = record.expires_us - now_us if record is not None else 0
        if record is not None and record.holder != effect.holder and remaining_us > 0:
            return LeaseRefused(record.holder, record.term, remaining_us)
        self.revision += 1
        expires_us = now_us + effect.ttl_us
        if record is not None and record.holder == effect.holder and not record.released:
            record.expires_us, record.released = expires_us, effect.ttl_us == 0
            return LeaseHeld(record.term, self.revision, record.holder)
        previous, term = (record.holder, record.term) if record is not None else (None, 0)
        self._leases[effect.name] = LeaseRecord(effect.holder, term + 1, expires_us, effect.ttl_us == 0)
        return LeaseHeld(term + 1, self.revision, previous)

    # Advisory locks

    def _lock(self, task: Task, n: int, effect: Lock, _issued_us: int) -> None:
        if task.n != n:
            return
        held = self._locks.get(effect.name)
        if held is None:
            self._hold(task, n, effect.name)
        else:
            held.queue.append((task, n))

    def _try_lock(self, task: Task, n: int, effect: TryLock, _issued_us: int) -> None:
        if task.n != n:
            return
        if effect.name in self._locks:
            self._reply(task, n, False)
        else:
            self._hold(task, n, effect.name, True)

    def _unlock(self, task: Task, n: int, effect: Unlock, _issued_us: int) -> None:
        if task.n != n:
            return
        held = self._locks.get(effect.name)
        if held is None or held.task is not task:
            holder = held.task.actor if held is not None else "nobody"
            raise ProgramFailed(f"{task.actor} gives back the lock {effect.name!r}, which {holder} holds")
        task.locks.remove(effect.name)
        self._pass_on(effect.name)
        self._reply(task, n, None)

    def _hold(self, task: Task, n: int, name: str, answer: object = None) -> None:
        self._locks[name] = Held(task)
        task.locks.append(name)
        self._reply(task, n, answer)

    def _pass_on(self, name: str) -> None:
        """Give a lock that nobody holds any more to the first task that still waits for it."""
        queue = self._locks.pop(name).queue
        while queue:
            task, n = queue.popleft()
            if task.n == n:
                self._hold(task, n, name)
                self._locks[name].queue = queue
                return

    def _free_locks(self, task: Task) -> None:
        names, task.locks = task.locks, []
        for name in names:
            self._pass_on(name)


def _value(row: Row, name: str) -> object:
    """What an expectation of that name is held against: one of the row's own two marks, else a field."""
    return getattr(row, name) if name in ("version", "updated_us") else row.fields.get(name)
