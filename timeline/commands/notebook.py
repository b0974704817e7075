"""`timeline notebook`: the analysis as a page."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, Database, print_line


def command(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The notebook.")] = "what_leaked",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0 for any free one.")] = 2718,
    db: Database = DEFAULT_DATABASE,
) -> None:
    """Serve a notebook to a browser on this machine. The address that is printed holds a token; nobody gets in without it.

    Example:
        timeline notebook what_leaked --db timeline.duckdb
    """
    from pathlib import Path

    from ingest.errors import UsageError

    if any(importlib.util.find_spec(needed) is None for needed in ("marimo", "altair")):
        raise UsageError("opening a notebook: it needs the extra notebooks: pip install 'decision-timeline[notebooks]'")
    import notebooks
    from timeline.notebook_server import serve

    pages = {path.stem: path for path in sorted(Path(notebooks.__path__[0]).glob("*.py")) if path.stem != "__init__"}
    if name not in pages:
        raise UsageError(f"opening the notebook {name!r}: there is none of that name; there are {', '.join(pages)}")
    serve(pages[name], db.resolve(), port, print_line)
