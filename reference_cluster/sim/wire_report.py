"""Wire conformance: which fields of a message are sent and never read, and which are read and never sent.

Workron's worker read `preemption_epoch` under a name that no server sent, and got 0 for every drain: each side was right
by its own tests. Both sides of one run, held against each other, show such a field by its name.

A `WireReport` stands in for the codec of a network. What it encodes, it notes as sent; what it decodes, it keeps, and
while it is entered as a context it notes each field of those that a receiver looks at, by name or in a pattern. The
messages stay what they are, for receivers tell them apart by their class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

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
    """The codec of one network, with a note of every field that went in or was looked at. To be entered around the run."""

    def __init__(self) -> None:
        self._traffic: dict[str, Traffic] = {}
        self._received: dict[int, tuple[Message, Counter[str]]] = {}
        """The messages that came in, by identity, each with the counter of its fields that were read."""

    def __enter__(self) -> Self:
        received, look_up = self._received, Message.__getattribute__

        def noted(message: Message, attribute: str) -> Any:
            if id(message) in received:
                fields, read = type(message).model_fields, received[id(message)][1]
                if attribute in fields:
                    read[attribute] += 1
                elif attribute in WHOLE:
                    read.update(dict.fromkeys(fields, 1))
            return look_up(message, attribute)

        Message.__getattribute__ = noted  # type: ignore[method-assign, assignment]  # for the length of the context
        return self

    def __exit__(self, *_: object) -> None:
        del Message.__getattribute__
        self._received.clear()

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
        for part in _parts(message):
            traffic = self._of(name if part is message else part.name)
            traffic.received += 1
            self._received[id(part)] = (part, traffic.fields_read)
        return message


def _parts(message: Message) -> Iterator[Message]:
    """A message and the messages inside it."""
    yield message
    for value in vars(message).values():
        for inner in value if isinstance(value, tuple | list) else (value,):
            if isinstance(inner, Message):
                yield from _parts(inner)
