"""The only codec for messages between processes, used in simulation too.

Workron lost every acknowledgement to one missing field name that no test ever sent across a wire. So each message is
declared once, encoded to bytes by its sender and decoded strictly by its receiver, in the simulator as in real life.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

MESSAGES: dict[str, type[Message]] = {}


class WireError(Exception):
    """Bytes that are not a message that we know; names the field."""


class Message(BaseModel):
    """Base of every message. A subclass with a `name` can cross the wire; unknown, missing and mistyped fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: ClassVar[str] = ""

    def __init_subclass__(cls, *, name: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.name = name
        if name:
            if name in MESSAGES:
                raise TypeError(f"message {name!r} is declared by {MESSAGES[name].__name__} and {cls.__name__}")
            MESSAGES[name] = cls


class LenientShape(Message):
    """Base of a shape that a careless receiver reads a message as: it takes what it knows and leaves the rest.

    Names are compared in lower case, fields that were not sent take their default, unknown ones are dropped, without a
    word: so Go's decoder does where no tags say more. Only planted bugs read like this.
    """

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _in_lower_case(cls, sent: dict[str, Any]) -> dict[str, Any]:
        return {name.lower(): value for name, value in sent.items()}


def encode(message: Message) -> bytes:
    """A message as bytes: its name, a space, its JSON."""
    return message.name.encode() + b" " + message.model_dump_json().encode()


def decode(data: bytes, reads: type[Message] | None = None) -> Message:
    """Bytes as the message that they are, or as another shape that the receiver declares for it. Raises WireError."""
    name, _, body = data.partition(b" ")
    declared = MESSAGES.get(name.decode("ascii", "replace"))
    if declared is None:
        raise WireError(f"no message is called {name[:40]!r}; known are {', '.join(sorted(MESSAGES))}")
    try:
        return (reads or declared).model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise WireError(f"{declared.__name__}: field {'.'.join(map(str, first['loc'])) or '(whole)'}: {first['msg']}") from None
