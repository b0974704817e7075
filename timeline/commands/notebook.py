"""`timeline notebook`: the analysis as a page."""

from __future__ import annotations

from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, Database, print_line


def command(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The notebook that is opened; all are there.")] = "what_leaked",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0 for any free one.")] = 2718,
    db: Database = DEFAULT_DATABASE,
) -> None:
    """Serve the notebooks to a browser on this machine. The address that is printed holds a token; nobody gets in without it.

    Example:
        timeline notebook what_leaked --db timeline.duckdb
    """
    from ingest.errors import UsageError
    from timeline.extras import demand
    from timeline.remote import address_of

    demand("opening a notebook", "notebooks", "marimo", "altair")
    from timeline.server.pages import shipped
    from timeline.server.run import LOOPBACK, Address, Door, show, token_of

    if (address := address_of(db)) is not None:
        raise UsageError(f"opening a notebook on {address}: it shows them itself; open that address in a browser, with its token")
    pages = shipped()
    if name not in pages:
        raise UsageError(f"opening the notebook {name!r}: there is none of that name; there are {', '.join(pages)}")
    raise typer.Exit(128 + show(db.resolve(), Door(Address(LOOPBACK, port), token_of(None)), pages, name, print_line))
