"""Good lines made bad by chance: seeded, endless, of every sort that logs and attackers have thought of."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from tests.cluster.runs import run_of

SCENARIOS = ("activation_write_fails", "barrier_general", "gang_busy_workers", "placement_general", "quota_general")
"""Runs of these hold most kinds of the vocabulary."""
WORDS = [
    b"null", b"true", b"-0", b"1.5", b"1e2", b"1e400", b"-1e-400", b"NaN", b"-Infinity", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775809", b"9" * 40, b"0." + b"3" * 120, b"9" * 5000, b'""', b'"7"', b'"\\u0000"', b'"\\ud800"', b'"\\ud83d\\ude00"',
    b'"\\udfff\\ud800"', b"[]", b"{}", b"[null]", b'{"a":{"b":1,"b":2}}', b'{"":0}', b'{"__proto__":{}}', b'"2026-02-30T00:00:00Z"',
    b'"0000-01-01T00:00:00Z"', b'"9999-12-31T23:59:59.999999999+14:59"', b'"' + b"x" * 201 + b'"', b'"' + b"y" * 70_000 + b'"',
    b"[" * 65 + b"]" * 65, b"[" * 1500, b'{"a":' * 1500, b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\0",
    b"\x1b[2J", b"\x7f", "\u2028".encode(), "\u0085".encode(), "\u202e".encode(), "é".encode(), "e\u0301".encode(), "\U0001f600".encode(),
    b"\\", b'\\"', b"'", b"//", b"/*", b"#", b",", b":", b";", b"{", b"}", b"[", b"]", b'"', b" ", b"\t",
    b"\r", b"\n", b"\n\n", b"\\n", b"\x0b",
]  # fmt: skip
Mutation = Callable[[random.Random, bytes, list[bytes]], bytes]


def _place(chance: random.Random, line: bytes) -> int:
    return chance.randrange(len(line) + 1)


def flip(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """One to three bits."""
    changed = bytearray(line)
    for _bit in range(chance.randint(1, 3)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """Its beginning or its end, or not its middle."""
    start, end = sorted((_place(chance, line), _place(chance, line)))
    return chance.choice([line[:start], line[end:], line[:start] + line[end:]])


def splice(chance: random.Random, line: bytes, others: list[bytes]) -> bytes:
    """The beginning of one, the end of another."""
    other = chance.choice(others)
    return line[: _place(chance, line)] + other[_place(chance, other) :]


def put_in(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A word at any place."""
    place = _place(chance, line)
    return line[:place] + chance.choice(WORDS) + line[place:]


def set_field(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A field of the envelope, or of the kind's own, that is another word."""
    document = json.loads(line)
    inner = document if chance.random() < 0.5 or not document.get("data") else document["data"]
    name = chance.choice(list(inner))
    inner[name] = "\x01here\x01"
    return json.dumps(document).encode().replace(b'"\\u0001here\\u0001"', chance.choice(WORDS))


def double_key(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A key that stands twice, with the same value or another."""
    name, value = chance.choice(list(json.loads(line).items()))
    word = json.dumps(value).encode() if chance.random() < 0.5 else chance.choice(WORDS)
    return line[:-1] + b"," + json.dumps(name).encode() + b":" + word + b"}"


def drop_key(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A field less."""
    document = json.loads(line)
    del document[chance.choice(list(document))]
    return json.dumps(document).encode()


def another_case(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A key in capitals."""
    name = chance.choice(list(json.loads(line))).encode()
    return line.replace(b'"' + name + b'":', b'"' + name.upper() + b'":', 1)


def another_encoding(chance: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """As somebody's tool wrote it."""
    return line.decode().encode(chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]))


def keep(_: random.Random, line: bytes, __: list[bytes]) -> bytes:
    """As it was, so that good lines stand between the bad ones."""
    return line


MUTATIONS: list[Mutation] = [
    flip,
    cut,
    splice,
    put_in,
    put_in,
    set_field,
    set_field,
    double_key,
    drop_key,
    another_case,
    another_encoding,
    keep,
]


def good_lines() -> list[bytes]:
    """The first two lines of each kind."""
    found: dict[str, list[bytes]] = {}
    for scenario in SCENARIOS:
        for line in run_of(scenario, 1).lines:
            found.setdefault(json.loads(line)["kind"], []).append(line)
    return [line for kind in sorted(found) for line in found[kind][:2] if len(line) < 4000]


def mutated_lines_of(seed: int) -> Iterator[bytes]:
    """Mutated lines without end; one may hold line ends, and so be several."""
    chance, good = random.Random(seed), good_lines()
    while True:
        line = chance.choice(good)
        changed = chance.choice(MUTATIONS)(chance, line, good)
        yield flip(chance, changed, good) if changed and chance.random() < 0.05 else changed
