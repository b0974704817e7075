"""The one way in which text of an event reaches a notebook. Needs the extra `notebooks`.

A marimo page takes what it is shown for its author's: a plain dict or list whose text begins with `text/html:` runs as a
page, a cell of a table that holds the address of a picture fetches it. So a notebook shows event text through these
functions and through nothing else; a test reads the notebooks for it. What they give holds no markup but our own.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import marimo as mo

import ingest.database  # noqa: F401  first, so that what it notes can be taken back
from timeline.links import Link
from timeline.safe import printable
from timeline.terminal import print_line

# `ingest.database` notes in `sys.modules` that there is no pandas; marimo takes whatever is there for a module, and fails.
if sys.modules.get("pandas", sys) is None:
    del sys.modules["pandas"]

TEXT_MAX = 2_000
"""Characters of one text that are shown."""
SHORT_MAX = 36
"""Characters of a cell that is never broken into lines."""
ROWS_MAX = 500
"""Rows of a table that are shown."""
PAGE_ROWS = 12
"""Rows of a table to choose from that are shown at once."""
CHOICES_MAX = 10_000
"""Rows that such a table holds."""

BAD = "color: light-dark(#b3001b, #ff8a96); font-weight: 600;"
DOUBTFUL = "color: light-dark(#9a5b00, #ffc46b); font-weight: 600;"
STYLE = f"""
<style>
.tl {{ font: 13px/1.5 system-ui, sans-serif; color: inherit; border-collapse: collapse; width: 100%; }}
.tl th {{ text-align: left; font-weight: 600; opacity: .65; border-bottom: 1px solid #8884; padding: 4px 12px 4px 0; white-space: nowrap; }}
.tl td {{ vertical-align: top; border-bottom: 1px solid #8882; padding: 5px 12px 5px 0; overflow-wrap: anywhere; }}
.tl td.tl-short {{ white-space: nowrap; }}
.tl a {{ color: light-dark(#0b5cad, #7cb7f2); text-decoration: none; }}
.tl a:hover {{ text-decoration: underline; }}
.tl-lines {{ font: 12px/1.65 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }}
.tl-critical, .tl-invariant {{ {BAD} }}
.tl-warning {{ {DOUBTFUL} }}
.tl-answer {{ font-size: 21px; line-height: 1.4; font-weight: 600; margin: 0; }}
.tl-note {{ font: 13px/1.5 system-ui, sans-serif; margin: 0; padding: 6px 12px; border-left: 3px solid #E69F00; background: #E69F0018; }}
.tl-faint {{ font: 13px/1.5 system-ui, sans-serif; opacity: .65; margin: 0; }}
</style>
"""
LOOKS = {"critical": BAD, "invariant": BAD, "warning": DOUBTFUL}
CLASSES = {name: f"tl-{name}" for name in ("critical", "invariant", "warning", "answer", "note", "faint")}
"""Looks that a text may have, by name; any other name has none."""


def safe_label(value: object, most: int = 80) -> str:
    """The value as plain text in one line, for options, headings and tooltips: nothing in it is markup, nothing is hidden."""
    text = printable("" if value is None else str(value))
    return text if len(text) <= most else text[: most - 1] + "…"


def safe_options(values: Iterable[str], *, every: str = "", most: int = 160) -> dict[str, str]:
    """The values by their labels, for a list to choose from; two that look alike are numbered. `every`, a text of ours, stands for ""."""
    options: dict[str, str] = {every: ""} if every else {}
    for value in values:
        label = safe_label(value, most)
        twin = next((f"{label} ({number})" for number in range(2, CHOICES_MAX) if f"{label} ({number})" not in options), label)
        options[twin if label in options else label] = value
    return options


def label_of(options: Mapping[str, str], value: str | None = None) -> str | None:
    """The label of a value, or the first one; None where there is none."""
    return next((label for label, one in options.items() if one == value), next(iter(options), None))


def safe_text(value: object, look: str = "") -> mo.Html:
    """The value as a paragraph."""
    return mo.Html(f'{STYLE}<p class="{CLASSES.get(look, "tl")}">{_escaped(value)}</p>')


def safe_answer(value: object) -> mo.Html:
    """What a page says first, in large letters; a notebook that is run as a script prints it too."""
    if mo.app_meta().mode == "script":
        print_line(str(value))
    return safe_text(value, "answer")


def safe_notes(notes: Iterable[object]) -> mo.Html:
    """Each as a paragraph that catches the eye; nothing where there is none."""
    shown = "".join(f'<p class="tl-note">{_escaped(note)}</p>' for note in notes if note)
    return mo.Html(STYLE + shown if shown else "")


def safe_lines(lines: Iterable[object]) -> mo.Html:
    """Lines in the notation, as they are written."""
    return mo.Html(f'{STYLE}<pre class="tl-lines">{chr(10).join(map(_escaped, lines))}</pre>')


def safe_links(links: Iterable[Link]) -> mo.Html:
    """Links side by side."""
    return mo.Html(f'{STYLE}<p class="tl">{" &nbsp;·&nbsp; ".join(map(_anchor, links))}</p>')


def safe_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> mo.Html:
    """A table. A cell whose text is a name of CLASSES, such as a severity, has that look; a Link leads where it says."""
    shown = list(rows)
    head = "".join(f"<th>{_escaped(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown[:ROWS_MAX])
    rest = f'<p class="tl">and {len(shown) - ROWS_MAX:,} more rows</p>' if len(shown) > ROWS_MAX else ""
    return mo.Html(f'{STYLE}<table class="tl"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}')


class Cell(mo.Html):
    """A cell of a table to choose from: it is shown as text, and sorted by what it says it is sorted by."""

    def __init__(self, shown: object, by: Any) -> None:
        look = f"white-space: normal; overflow-wrap: anywhere; {LOOKS.get(str(shown), '')}"  # a table is out of reach of STYLE
        super().__init__(f'<span style="{look}">{_escaped(shown)}</span>')
        self.by = by

    def __lt__(self, other: Cell) -> bool:
        return bool(self.by < other.by)


def safe_choice(headings: Mapping[str, int], rows: Iterable[Sequence[tuple[object, Any]]], chosen: int = 0, label: str = "") -> Any:
    """A table of which one row is chosen; a click on a heading sorts it. Its `value` holds the row, with its number as `row`.

    `headings` say how many pixels a column has.
    A cell is what it shows and what it sorts by. marimo makes pictures and links of a text that looks like an address, so that
    cells are markup of ours; what they sort by does not leave this process.
    """
    cells = [
        {"row": number, **{name: Cell(shown, by) for name, (shown, by) in zip(headings, row, strict=True)}}
        for number, row in enumerate(rows)
        if number < CHOICES_MAX
    ]
    return mo.ui.table(
        cells,
        selection="single",
        initial_selection=[chosen] if cells else None,
        page_size=PAGE_ROWS,
        show_download=False,
        show_search=False,
        show_column_summaries=False,
        show_data_types=False,
        hidden_columns=["row"],
        column_widths=dict(headings),
        label=label,
    )


def safe_dropdown(values: Iterable[str], chosen: str | None = None, *, label: str, every: str = "") -> mo.ui.dropdown:
    """A list of which one value is chosen: that one, or the first. It is searched by writing. `every` is as in `safe_options`."""
    options = safe_options(values, every=every)
    return mo.ui.dropdown(options, value=label_of(options, chosen), label=label, searchable=True)


def safe_multiselect(values: Iterable[str], chosen: Collection[str] = (), *, label: str) -> mo.ui.multiselect:
    """A list of which any number of values is chosen: first those of `chosen` that are in it."""
    options = safe_options(values)
    return mo.ui.multiselect(options, value=[name for name, value in options.items() if value in chosen], label=label)


def safe_chart(chart: alt.LayerChart) -> Any:
    """A chart of `timeline.pages.charts` whose selections are its value."""
    return mo.ui.altair_chart(chart, chart_selection=False, legend_selection=False)


def _cell(value: object) -> str:
    if isinstance(value, Link):
        return f'<td class="{_looks(str(value.text))}">{_anchor(value)}</td>'
    return f'<td class="{_looks(str(value))}">{_escaped(value)}</td>'


def _looks(text: str) -> str:
    return f"{CLASSES.get(text, '')} {'tl-short' if len(text) <= SHORT_MAX else ''}".strip()


def _anchor(link: Link) -> str:
    """Only an address of this server is a link: a path from its root."""
    if not link.address.startswith("/") or link.address.startswith("//"):
        return _escaped(link.text)
    return f'<a href="{escape(link.address, quote=True)}">{_escaped(link.text)}</a>'


def _escaped(value: object) -> str:
    return escape(safe_label(value, TEXT_MAX), quote=True)
