"""What every command shares: its options, and printing that is safe on a terminal.

Data goes to standard output and messages to standard error. With `--json` exactly one JSON document is printed.
Everything that came from an event passes through `printable`, and rich gets `Text`, never markup.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from timeline.safe import printable

DEFAULT_DATABASE = Path("timeline.duckdb")

Database = Annotated[Path, typer.Option("--db", metavar="PATH", envvar="TIMELINE_DB", help="The database.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Run = Annotated[str | None, typer.Option("--run", metavar="ID", help="The run; needed where the database holds several.")]


def print_json(document: Any) -> None:
    """Print one JSON document: ASCII only, keys in the order given."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2)
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")


def json_value(value: Any) -> Any:
    """A value of a database as plain JSON: what JSON has no form for becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [json_value(part) for part in value]
    if isinstance(value, dict):
        return {str(name): json_value(part) for name, part in value.items()}
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def print_line(text: str = "") -> None:
    """Print one line of data; control characters in it are shown, not obeyed."""
    sys.stdout.write(printable(text) + "\n")


def note(text: str) -> None:
    """Say something to the person, on standard error, in one line."""
    sys.stderr.write(printable(text) + "\n")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings, and nothing cut: where a terminal is too narrow for the columns, each row is folded."""
    is_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold" if is_terminal else "")
    for heading in headings:
        table.add_column(Text(heading), no_wrap=True)
    shown = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    for cells in shown:
        table.add_row(*map(Text, cells))
    console = Console(file=sys.stdout, width=None if is_terminal else 1_000_000, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
    if console.measure(table, options=console.options.update(max_width=1_000_000)).maximum > console.width:
        sys.stdout.writelines(line + "\n" for row in [headings, *shown] for line in folded(row, console.width))
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def folded(cells: Sequence[str], width: int) -> list[str]:
    """The cells of a row on as many lines as they need, all but the first indented. No cell is cut; an empty one is a `-`."""
    lines = [""]
    for cell in (cell or "-" for cell in cells):
        if not lines[-1]:
            lines[-1] = cell
        elif cell_len(f"{lines[-1]}  {cell}") <= width:
            lines[-1] += f"  {cell}"
        else:
            lines.append(f"    {cell}")
    return lines
