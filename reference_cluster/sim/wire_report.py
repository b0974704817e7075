"""Wire conformance: which fields of a message are sent and never read, and which are read and never sent.

Workron's worker read `preemption_epoch` under a name that no server sent, and got 0 for every drain: each side was right
by its own tests. Both sides of one run, held against each other, show such a field by its name.

A `WireReport` stands in for the codec of a network. What it encodes, it notes as sent. What it decodes, it gives to the
receiver as an object of a generated subclass, which notes each field that the receiver looks at, by name or in a pattern.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import new_class
from typing import Any

from reference_cluster.sim.network import Network
from reference_cluster.wire import Message, WireError, decode, encode

WHOLE = frozenset({"model_dump", "model_dump_json", "model_copy", "__iter__"})
"""Attributes of a message through which a receiver takes all its fields."""


@dataclass(slots=True)
class Traffic:
    """What became of the messages of one name."""

    sent: int = 0
    received: int = 0
    """Decoded by a receiver that was there."""
    refused: Counter[str] = field(default_factory=Counter)
    """Complaints of the codec about bytes that came in."""
    fields_sent: Counter[str] = field(default_factory=Counter)
    """How often a sender gave the field a value; a default that nobody gave is not counted."""
    fields_read: Counter[str] = field(default_factory=Counter)
    """How often a receiver looked at the field."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field on which the two sides do not agree."""

    message: str
    field: str
    what: str
    """`sent, never read` or `read, never sent`."""
    times: int
    """How often it was sent, or read."""


class WireReport:
    """The codec of one network, with a note of every field that went in or was looked at."""

    def __init__(self) -> None:
        self._traffic: dict[str, Traffic] = {}
        self._shapes: dict[tuple[str, type[Message]], type[Message]] = {}

    def attach(self, network: Network) -> None:
        """Stand in for the codec of that network. The messages and their order stay the same."""
        network.encode, network.decode = self._encode, self._decode

    def traffic(self) -> dict[str, Traffic]:
        """What became of the messages, by name."""
        return dict(sorted(self._traffic.items()))

    def mismatches(self) -> list[Mismatch]:
        """The fields on which sender and receiver do not agree. Of what nobody received, nothing is said."""
        return [
            Mismatch(name, lost, what, ours[lost])
            for name, traffic in self.traffic().items()
            if traffic.received
            for what, ours, theirs in (
                ("sent, never read", traffic.fields_sent, traffic.fields_read),
                ("read, never sent", traffic.fields_read, traffic.fields_sent),
            )
            for lost in sorted(set(ours) - set(theirs))
        ]

    def _of(self, name: str) -> Traffic:
        return self._traffic.setdefault(name, Traffic())

    def _encode(self, message: Message) -> bytes:
        for part in _parts(message):
            traffic = self._of(part.name)
            traffic.sent += 1
            traffic.fields_sent.update(part.model_fields_set)
        return encode(message)

    def _decode(self, data: bytes, reads: type[Message] | None = None) -> Message:
        name = data.partition(b" ")[0].decode("ascii", "replace")
        try:
            message = decode(data, reads)
        except WireError as error:
            self._of(name).refused[str(error)] += 1
            raise
        for part in list(_parts(message)):
            called = name if part is message else part.name
            self._of(called).received += 1
            object.__setattr__(part, "__class__", self._noting(called, type(part)))
        return message

    def _noting(self, name: str, shape: type[Message]) -> type[Message]:
        """The subclass of a shape whose objects note what is looked at. It counts for the message of that name."""
        if (name, shape) not in self._shapes:
            fields, read = frozenset(shape.model_fields), self._of(name).fields_read

            def noted(message: Message, attribute: str) -> Any:
                if attribute in fields:
                    read[attribute] += 1
                elif attribute in WHOLE:
                    read.update(fields)
                return shape.__getattribute__(message, attribute)

            noting: type[Message] = new_class(shape.__name__, (shape,), exec_body=lambda body: body.update(__getattribute__=noted))
            noting.name = shape.name
            self._shapes[name, shape] = noting
        return self._shapes[name, shape]


def _parts(message: Message) -> Iterator[Message]:
    """A message and the messages inside it."""
    yield message
    for value in vars(message).values():
        for inner in value if isinstance(value, tuple | list) else (value,):
            if isinstance(inner, Message):
                yield from _parts(inner)
