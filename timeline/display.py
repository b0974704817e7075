"""The one way in which text of an event reaches a notebook. Needs the extra `notebooks`.

A marimo page takes what it is shown for its author's: a plain dict or list whose text begins with `text/html:` runs as a
page, a cell of a table that holds the address of a picture fetches it. So a notebook shows event text through these
functions and through nothing else; a test reads the notebooks for it. What they give holds no markup but our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import marimo as mo

from timeline.safe import printable

TEXT_MAX = 2_000
"""Characters of one text that are shown."""
SHORT_MAX = 36
"""Characters of a cell that is never broken into lines."""
ROWS_MAX = 500
"""Rows of a table that are shown."""

STYLE = """
<style>
.tl { font: 13px/1.5 system-ui, sans-serif; color: inherit; border-collapse: collapse; width: 100%; }
.tl th { text-align: left; font-weight: 600; opacity: .65; border-bottom: 1px solid #8884; padding: 4px 10px 4px 0; white-space: nowrap; }
.tl td { vertical-align: top; border-bottom: 1px solid #8882; padding: 5px 10px 5px 0; overflow-wrap: anywhere; }
.tl td.tl-short { white-space: nowrap; }
.tl-lines { font: 12px/1.65 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
.tl-critical, .tl-invariant { color: #b3001b; font-weight: 600; }
.tl-warning { color: #9a5b00; font-weight: 600; }
.tl-answer { font-size: 21px; line-height: 1.4; font-weight: 600; margin: 0; }
</style>
"""
CLASSES = {name: f"tl-{name}" for name in ("critical", "invariant", "warning", "answer")}
"""Looks that a text may have, by name; any other name has none."""


def safe_label(value: object, most: int = 80) -> str:
    """The value as plain text in one line, for options, headings and tooltips: nothing in it is markup, nothing is hidden."""
    text = printable("" if value is None else str(value))
    return text if len(text) <= most else text[: most - 1] + "…"


def safe_text(value: object, look: str = "") -> mo.Html:
    """The value as a paragraph."""
    return mo.Html(f'{STYLE}<p class="{CLASSES.get(look, "tl")}">{_escaped(value)}</p>')


def safe_lines(lines: Iterable[object]) -> mo.Html:
    """Lines in the notation, as they are written."""
    return mo.Html(f'{STYLE}<pre class="tl-lines">{chr(10).join(map(_escaped, lines))}</pre>')


def safe_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> mo.Html:
    """A table. A cell whose text is a name of CLASSES, such as a severity, has that look."""
    shown = list(rows)
    head = "".join(f"<th>{_escaped(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown[:ROWS_MAX])
    rest = f'<p class="tl">and {len(shown) - ROWS_MAX:,} more rows</p>' if len(shown) > ROWS_MAX else ""
    return mo.Html(f'{STYLE}<table class="tl"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}')


def _cell(value: object) -> str:
    text = str(value)
    looks = f"{CLASSES.get(text, '')} {'tl-short' if len(text) <= SHORT_MAX else ''}".strip()
    return f'<td class="{looks}">{_escaped(value)}</td>'


def _escaped(value: object) -> str:
    return escape(safe_label(value, TEXT_MAX), quote=True)
