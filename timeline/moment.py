"""Moments as people write them: a time of day, microseconds, or a distance from where a log begins or ends."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ingest.errors import UsageError
from timeline.notation import EPOCH, microseconds, moment

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
            return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
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
