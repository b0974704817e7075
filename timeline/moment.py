"""Moments and durations as people write them, and as we show them. Inside, both are integer microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

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


_UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000))
DURATION = re.compile(
    r"(?P<sign>-?)(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d{1,6})?)s|(?P<ms>\d+(?:\.\d{1,3})?)ms|(?P<us>\d+)us)?"
)


def duration(us: int) -> str:
    """Microseconds as people write them: `250ms`, `4.5s`, `1m30s`, `2d3h`. Exact."""
    sign, rest = ("-", -us) if us < 0 else ("", us)
    if rest < 1000:
        return f"{sign}{rest}us" if rest else "0s"
    if rest < 1_000_000:
        return f"{sign}{_decimal(rest, 1000)}ms"
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return sign + "".join(parts) + (f"{_decimal(rest, 1_000_000)}s" if rest else "")


def microseconds(text: str) -> int | None:
    """The microseconds that a duration means; None where `text` is none."""
    match = DURATION.fullmatch(text)
    if not match or not any(match[unit] for unit in ("d", "h", "m", "s", "ms", "us")):
        return None
    total = sum(int(match[unit] or 0) * size for unit, size in _UNITS) + int(match["us"] or 0)
    total += _scaled(match["s"], 6) + _scaled(match["ms"], 3)
    return -total if match["sign"] else total


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else str(whole)


def _scaled(text: str | None, digits: int) -> int:
    whole, _, rest = (text or "0").partition(".")
    return int(whole + rest.ljust(digits, "0"))


def moment(us: int) -> str:
    """Microseconds UTC as RFC 3339: the one form that the notation makes."""
    return (EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_us(text: str) -> int:
    """RFC 3339 as microseconds UTC."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
