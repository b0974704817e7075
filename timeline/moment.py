"""Moments as people write them, and as we show them. Inside they are integer microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ingest.duration import microseconds
from ingest.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FORMS = "2026-01-01T00:00:00Z, microseconds since 1970, +90s from where the log begins, or -5m from where it ends"


def moment_of(text: str, start_us: int, end_us: int) -> int:
    """The moment in microseconds UTC. `start_us` and `end_us` are where the log begins and ends. Raises UsageError."""
    if re.fullmatch(r"\d{1,18}", text):
        return int(text)
    if text[:1] in {"+", "-"}:
        distance_us = microseconds(text[1:])
        if distance_us is not None:
            return start_us + distance_us if text[0] == "+" else end_us - distance_us
    else:
        try:
            return moment_us(text.upper())  # RFC 3339 allows `t` and `z`, Python does not
        except (ValueError, TypeError):  # not a time; a time without its offset from UTC
            pass
    raise UsageError(f"reading the time {text!r}: write {FORMS}")


def shown(at_us: int | None) -> str:
    """A moment as RFC 3339 in UTC; empty for none."""
    if at_us is None:
        return ""
    try:
        return moment(at_us)
    except OverflowError:
        return f"{at_us} us"


def moment(us: int) -> str:
    """Microseconds UTC as RFC 3339: the one form that the notation makes."""
    return (EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_us(text: str) -> int:
    """RFC 3339 as microseconds UTC."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
