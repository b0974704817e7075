"""Payloads and checkpoints as JSON: what is the same value has the same digest, however a store writes it down.

Workron's checkpoint of 94 bytes came back as 101: the same value, written with a space after each comma and colon (seed
document 000). Held against each other by bytes, every checkpoint has changed; by the digest of the canonical form, none.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any


def canonical(value: Any) -> str:
    """A value as JSON with sorted names and without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """Digest of the value that JSON text stands for: 16 hex digits."""
    return sha256(canonical(json.loads(text)).encode()).hexdigest()[:16]


def as_stored(text: str) -> str:
    """JSON text as the store gives it back: it keeps the value and not the bytes."""
    return json.dumps(json.loads(text), sort_keys=True)
