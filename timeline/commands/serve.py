"""`timeline serve`: one process that owns the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, Database, note, print_line


def command(
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS:PORT", help="Where to listen; port 0 is any free one.")
    ] = "127.0.0.1:2718",
    follow: Annotated[
        list[str] | None,
        typer.Option("--follow", metavar="PATH", help="Read this file, glob or folder on while it grows; may be given again."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Holds the token; without it one is made and printed.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option("--host", metavar="NAME[:PORT]", help="Another name by which it is reached; may be given again.")
    ] = None,
    open_metrics: Annotated[
        bool, typer.Option("--open-metrics", help="Let anybody who reaches it read /metrics without the token.")
    ] = False,
    i_know: Annotated[bool, typer.Option("--i-know", help="Listen beyond this machine, although nothing is encrypted.")] = False,
    db: Database = DEFAULT_DATABASE,
) -> None:
    """Own the database: receive events over HTTP, follow files, keep findings and gauges fresh, and show the notebooks.

    POST /events takes JSON lines, CloudEvents and whatever `timeline ingest` knows by its content as JSON, POST /v1/logs takes OTLP in
    JSON. The answer comes after the commit, with an account of every line: 200 means durable; 429 means send it again later.
    /metrics is for Prometheus, /healthz says whether the process lives, /readyz whether events should be sent here. Every request
    but to the last two needs the token, as `Authorization: Bearer TOKEN`; a browser is given it by the address that is printed.

    SIGINT and SIGTERM end it with everything accepted committed, and exit code 130 or 143; a disk that is full ends it with 6.

    Example:
        timeline serve --follow '/var/log/scheduler/*.jsonl*'
        curl -H "Authorization: Bearer $TOKEN" --data-binary @events.jsonl http://127.0.0.1:2718/events
        timeline serve --listen 0.0.0.0:2718 --i-know --token-file /run/secrets/timeline --host timeline.example:2718
    """
    from ingest.errors import UsageError
    from timeline.extras import demand

    demand("serving", "notebooks", "marimo", "altair")
    from timeline.server.pages import shipped
    from timeline.server.run import Address, Door, serve, token_of

    address = Address.of(listen)
    if not address.is_loopback and not (i_know and token_file):
        raise UsageError(
            f"listening at {listen}: others can reach it, and nothing is encrypted; give --i-know and --token-file if that is meant"
        )
    door = Door(address, token_of(token_file), host or (), open_metrics, tells_token=token_file is None)
    raise typer.Exit(128 + serve(db, door, shipped(), follow or (), say=print_line, tell=note))
