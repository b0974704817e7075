"""The network: messages cross as the bytes that `reference_cluster.wire` makes of them, and may be late, lost or refused.

An address is `cp-1/sessions`: a process, then a mailbox of it. The process is named by its instance, which means its
latest incarnation, or by the incarnation itself, which means that one and no other. A message to a process that is not
there is lost: its sender waits for its time-out, or for ever where it has none.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Receive, Reply, Request
from reference_cluster.sim.kernel import WAITING, Kernel, Process, ProgramFailed, Raise, Task, Waiting
from reference_cluster.wire import Message, WireError, decode, encode

OUTSIDE = "outside"
"""Sender of the messages that the scenario itself sends."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message under way, with what its receiver inherits: the sender's Lamport clock and the event that caused it."""

    id: int
    to: str
    sender: str
    body: bytes
    lamport: int
    cause: str | None


@dataclass(slots=True)
class Mailbox:
    """Requests that wait for a program, or the programs that wait for a request."""

    requests: deque[tuple[Request, Envelope]] = field(default_factory=deque)
    receivers: deque[tuple[Task, int]] = field(default_factory=deque)


class Network:
    """The one network of a simulated cluster. Adds its rows to the kernel's table of handlers."""

    def __init__(self, kernel: Kernel, hop_us: tuple[int, int]) -> None:
        """`hop_us` is the least and the most that a message takes."""
        self._kernel = kernel
        self._hop_least_us, self._hop_spread_us = hop_us[0], hop_us[1] - hop_us[0] + 1
        self._sent = 0
        self._callers: dict[int, tuple[Task, int]] = {}
        """Who waits for the reply to a message, and in which effect."""
        self._mailboxes: dict[tuple[str, str], Mailbox] = {}
        self.encode, self.decode = encode, decode
        """The codec. A recorder of what is sent and read (`wire_report`) stands in for it where one is wanted."""
        kernel.handlers.update({Call: self._call, Receive: self._receive, Reply: self._reply})
        kernel.process_ended.append(self._forget)

    def post(self, to: str, message: Message) -> None:
        """Send a message from outside of the simulated world; nobody waits for a reply."""
        self._sent += 1
        self._deliver(Envelope(self._sent, to, OUTSIDE, self.encode(message), 0, None))

    def lose(self, task: Task, effect: Call) -> Waiting:
        """A call whose message never arrives: only its time-out ends it."""
        if effect.timeout_us is not None:
            self._kernel.resume(task, task.n, self._kernel.now_us + effect.timeout_us, Raise(CallTimedOut(effect.to)))
        return WAITING

    def hop(self, process: Process) -> int:
        """How long the next message of this process is under way."""
        return self._hop_least_us + int(process.network_chance() * self._hop_spread_us) + process.slower_us

    # There

    def _call(self, task: Task, effect: Call) -> Waiting:
        process = task.process
        self._sent += 1
        self._callers[self._sent] = (task, task.n)
        envelope = Envelope(self._sent, effect.to, process.incarnation, self.encode(effect.message), process.lamport, task.cause)
        self._kernel.after(self.hop(process), partial(self._deliver, envelope))
        return self.lose(task, effect)

    def _deliver(self, envelope: Envelope) -> None:
        name, _, mailbox_name = envelope.to.partition("/")
        process = self._kernel.instances.get(name) or self._kernel.processes.get(name)
        if process is None or not process.alive:
            self._callers.pop(envelope.id, None)
            return
        try:
            message = self.decode(envelope.body)
        except WireError as error:
            self._answer(process, envelope.id, Raise(CallRefused(f"wire: {error}")))
            return
        request = Request(envelope.id, envelope.to, envelope.sender, message)
        mailbox = self._mailbox(process, mailbox_name)
        mailbox.requests.append((request, envelope))
        while mailbox.receivers:
            task, n = mailbox.receivers.popleft()
            if task.n == n:
                self._kernel.answer(task, n, 0, self._take(task, mailbox))
                return

    def _receive(self, task: Task, effect: Receive) -> Request | Waiting:
        """The address may be written whole or as the mailbox alone."""
        name, slash, mailbox_name = effect.address.partition("/")
        if slash and name not in (task.process.instance, task.process.incarnation):
            raise ProgramFailed(f"{task.actor} receives at {effect.address!r}, an address of another process")
        mailbox = self._mailbox(task.process, mailbox_name or name)
        if mailbox.requests:
            return self._take(task, mailbox)
        mailbox.receivers.append((task, task.n))
        return WAITING

    def _take(self, task: Task, mailbox: Mailbox) -> Request:
        """From here on the task works for the sender: what it records next was caused there."""
        request, envelope = mailbox.requests.popleft()
        task.process.lamport = max(task.process.lamport, envelope.lamport)
        task.cause = envelope.cause or task.cause
        return request

    def _mailbox(self, process: Process, name: str) -> Mailbox:
        return self._mailboxes.setdefault((process.incarnation, name), Mailbox())

    def _forget(self, process: Process, _why: str) -> None:
        for key in [key for key in self._mailboxes if key[0] == process.incarnation]:
            del self._mailboxes[key]

    # And back

    def _reply(self, task: Task, effect: Reply) -> None:
        if effect.message is None:
            answer: bytes | Raise = Raise(CallRefused(effect.refused or "refused"))
        else:
            answer = self.encode(effect.message)
        self._answer(task.process, effect.request.id, answer, task.cause)

    def _answer(self, process: Process, request_id: int, answer: bytes | Raise, cause: str | None = None) -> None:
        """Send a reply; there is one for each message, and one that nobody waits for any more is lost."""
        self._kernel.after(self.hop(process), partial(self._bring, request_id, process.lamport, answer, cause))

    def _bring(self, request_id: int, lamport: int, answer: bytes | Raise, cause: str | None) -> None:
        """What the caller records next was caused by what the other side last recorded, which the call had caused."""
        task, n = self._callers.pop(request_id, (None, 0))
        if task is None or task.n != n:
            return
        task.process.lamport = max(task.process.lamport, lamport)
        task.cause = cause or task.cause
        reads = task.effect.reads if isinstance(task.effect, Call) else None
        self._kernel.answer(task, n, 0, answer if isinstance(answer, Raise) else self._decoded(answer, reads))

    def _decoded(self, body: bytes, reads: type[Message] | None) -> Message | Raise:
        try:
            return self.decode(body, reads)
        except WireError as error:
            return Raise(CallRefused(f"wire: {error}"))
