"""What every command shares: its options, and printing that is safe on a terminal.

Data goes to standard output and messages to standard error. With `--json` exactly one JSON document is printed.
Everything that came from an event passes through `printable`, and rich gets `Text`, never markup.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from timeline.redaction import blacked_out
from timeline.safe import printable

DEFAULT_DATABASE = Path("timeline.duckdb")

Database = Annotated[
    Path, typer.Option("--db", metavar="PATH", envvar="TIMELINE_DB", help="The database, or where it is served: http://HOST:PORT.")
]
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


Part = str | tuple[str, str]
"""A piece of a line: its text, or text and what it is, by a name of LOOKS."""
LOOKS = {
    "critical": "bold red",
    "invariant": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "found": "bold",
    "bad": "red",
    "good": "green",
    "what": "bold",
    "who": "cyan",
    "aside": "dim",
}
"""How things look on a terminal that has colours; a name that is not here looks like any other text."""


def print_parts(*parts: Part, hang: int = 0) -> None:
    """Print one line of data. On a terminal in colour, and what is too wide goes on below, `hang` columns in; else as it is."""
    text = Text()
    for part in parts:
        words, name = (part, "") if isinstance(part, str) else part
        text.append(printable(words), LOOKS.get(name, ""))
    text.rstrip()
    if not sys.stdout.isatty():
        sys.stdout.write(text.plain + "\n")
        return
    console = _console()
    hang = min(hang, console.width // 2)
    gutter, body = text.divide([hang])[:2] if len(text) > hang else (text, Text())
    for number, line in enumerate(body.wrap(console, console.width - hang) or [Text()]):
        line.rstrip()
        console.print((gutter if number == 0 else Text(" " * hang)) + line, soft_wrap=True)


def print_paragraph(text: str) -> None:
    """Print prose two columns in, folded to the terminal."""
    for line in text.split("\n"):
        print_parts("  ", line, hang=2)


def note(text: str) -> None:
    """Say something to the person, on standard error, in one line and without secrets: it ends in the logs of whoever runs us.

    Where it cannot be written, nothing else changes for that.
    """
    try:
        sys.stderr.write(printable(blacked_out(text)) + "\n")
    except OSError:
        silence(sys.stderr)


def silence(stream: Any) -> None:
    """Nobody reads any more: what is still buffered goes nowhere, without a complaint at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, io.UnsupportedOperation):
        return


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], under: Iterable[str] = ()) -> None:
    """Print rows under headings, and nothing cut: where a terminal is too narrow for the columns, each row is folded.

    `under` has a line to stand under each row, as far as it goes; of an empty one there is none.
    """
    is_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold" if is_terminal else "")
    for heading in headings:
        table.add_column(Text(heading), no_wrap=True)
    shown = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    for cells in shown:
        table.add_row(*map(Text, cells))
    console = _console()
    if console.measure(table, options=console.options.update(max_width=1_000_000)).maximum > console.width:
        printed = [folded(row, console.width) for row in [headings, *shown]]
    else:
        with console.capture() as captured:
            console.print(table)
        printed = [[line.rstrip()] for line in captured.get().splitlines()]
    for lines, below in zip_longest(printed, ["", *under], fillvalue=""):
        sys.stdout.writelines(line + "\n" for line in (*lines, *([f"    {printable(below)}"] if below else [])))


def _console() -> Console:
    """Standard output: as wide as the terminal, or without end. Colour only on a terminal, and not where NO_COLOR is set."""
    width = None if sys.stdout.isatty() else 1_000_000
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"  # none: no bold and no faint text either
    return Console(file=sys.stdout, width=width, color_system=colours, highlight=False)


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
