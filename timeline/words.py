"""Numbers and times as a sentence on a page has them."""

from __future__ import annotations

from ingest.duration import duration
from timeline.moment import shown


def count(number: int, noun: str) -> str:
    """`1 lane`, `2 lanes`."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def short(us: int) -> str:
    """A duration as a person says it: three digits are enough."""
    step_us = 1_000_000 if us >= 10_000_000 else 1_000 if us >= 1_000 else 1
    return duration(us - us % step_us)


def clock(at_us: int) -> str:
    """Date and time to the millisecond, UTC."""
    return shown(at_us)[:23].replace("T", " ")
