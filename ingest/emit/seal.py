"""A log as evidence: each line carries a digest of itself and of the line before it in its stream.

Who changes, drops, swaps or puts in a line breaks the chain of that stream at that place. Without a key this tells of
accidents and of people who do not know; with a key (HMAC, RFC 2104) of everybody who does not have it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ingest.emit.sink import Sink

FIELD = "seal"
_SEAL = re.compile(rb',"seal":"([0-9a-f]{64})"\}\s*$')

Stream = tuple[str, str, str]
"""Run, actor and incarnation."""


class Sealed(NamedTuple):
    """A sealed line, read."""

    stream: Stream
    seq: int | None
    seal: str
    content: bytes
    """The line without its seal."""


class SealedSink:
    """Seals what it hands on to another sink: `Emitter(SealedSink(FileSink("events.jsonl"), key=…), …)`."""

    def __init__(self, sink: Sink, *, key: bytes = b"") -> None:
        """`key` as a file may hold it: white space around it does not count. Raises ValueError for one that is nothing else."""
        if key and not key.strip():
            raise ValueError("the key holds nothing")
        self._sink, self._key, self._last = sink, key.strip(), dict[Stream, str]()
        self.batch_events, self.batch_bytes = sink.batch_events, sink.batch_bytes

    def write(self, lines: Sequence[bytes]) -> None:
        """Seal these lines and hand them on. Where the sink does not take them, the chain stays as it was. Raises as the sink does."""
        last, sealed = dict(self._last), []
        for line in lines:
            content = line.rstrip()
            stream = stream_of(json.loads(content))
            last[stream] = digest(last.get(stream, ""), content, self._key)
            sealed.append(content[:-1] + f',"{FIELD}":"{last[stream]}"}}\n'.encode())
        self._sink.write(sealed)
        self._last = last

    def close(self) -> None:
        """Nothing more will come."""
        self._sink.close()


def digest(previous: str, content: bytes, key: bytes) -> str:
    """The seal of a line: SHA-256 over the seal before it in its stream and its own bytes; with a key as HMAC."""
    text = previous.encode() + b"\n" + content
    return hmac.new(key, text, hashlib.sha256).hexdigest() if key else hashlib.sha256(text).hexdigest()


def read_sealed(line: bytes) -> Sealed | None:
    """The parts of a sealed line; None where it has no seal, or is no event. Whether the seal is right is not looked at."""
    match = _SEAL.search(line)
    if match is None:
        return None
    content = line[: match.start()] + b"}"
    try:
        event = json.loads(content)
    except ValueError:
        return None
    seq = event.get("seq") if isinstance(event, dict) else None
    return Sealed(stream_of(event), seq if isinstance(seq, int) else None, match[1].decode(), content) if isinstance(event, dict) else None


def stream_of(event: dict[str, Any]) -> Stream:
    """The stream that an event belongs to."""
    run, actor, incarnation = (str(event.get(name, "")) for name in ("run_id", "actor", "incarnation"))
    return run, actor, incarnation
