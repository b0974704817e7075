"""Durations as people write them, `250ms`, `4.5s`, `1m30s`, and as we show them. Inside they are integer microseconds."""

from __future__ import annotations

import re

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


def rounded(us: int) -> int:
    """Microseconds to the next millisecond where there is a second or more: as exact as a table has to be."""
    return us if abs(us) < 1_000_000 else (us + 500) // 1000 * 1000


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


def positive_us(text: object) -> int:
    """The microseconds of a duration in a file. Raises ValueError for what is none, or is negative."""
    us = microseconds(text) if isinstance(text, str) else None
    if us is None or us < 0:
        raise ValueError(f"{text!r} is not a duration; write 250ms, 20s, 1m30s")
    return us
