"""The signals that end the program: SIGINT and SIGTERM, with exit codes 130 and 143.

What a handler raises can be lost: Python drops it in a `__del__`, and DuckDB where it looks for pandas, as it does at each value
that is bound. So what came is noted too, and whoever works for long asks now and then.
"""

from __future__ import annotations

import signal
import sys

_came: list[int] = []


def listen() -> None:
    """End the process at the next signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def end_if_asked() -> None:
    """End the process where a signal came and what it raised was lost."""
    if _came:
        sys.exit(128 + _came[-1])


def _end(number: int, _: object) -> None:
    _came.append(number)
    end_if_asked()
