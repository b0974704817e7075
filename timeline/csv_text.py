"""Rows as CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from timeline.safe import printable

COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet takes for a formula."""


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The rows below their headings, RFC 4180. A text that would be computed gets a `'` in front; a number stays one."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_cell, headings))
    writer.writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else str(value)
    text = str(value)
    return printable(f"'{text}" if text.startswith(COMPUTED) else text)
