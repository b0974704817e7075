"""`timeline demo`: the whole loop on a fresh machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import print_line


def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files are left.")] = Path("demo"),
) -> None:
    """Run the whole loop: a cluster that leaks, its log, the findings, the same run again, the fixed twin. Under a minute.

    Leaves events, database, findings, seeds, alert rules and a picture in DIR, and says what to open next.

    Example:
        timeline demo --out demo
    """
    from timeline.demo import find_demo, tell

    tell(find_demo(), out, print_line)
