"""`--watch`: a command that is printed again and again, until somebody stops it."""

from __future__ import annotations

import functools
import inspect
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ingest.errors import DatabaseBusy, UsageError
from timeline.terminal import note

CLEAR = "\x1b[H\x1b[2J\x1b[3J"
"""Home, clear, and forget what was scrolled away."""

Watch = Annotated[
    float | None,
    typer.Option("--watch", metavar="SECONDS", min=0.2, max=3600, help="Print it again every so many seconds; stop with Ctrl-C."),
]


def watchable(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option `--watch`. A database that is held by its writer is tried again at the next turn."""

    @functools.wraps(command)
    def again_and_again(*, watch: float | None = None, **given: Any) -> None:
        if watch is None:
            command(**given)
            return
        if given.get("as_json"):
            raise UsageError("watching: --json prints one document, and --watch prints for ever; leave one of them out")
        while True:
            sys.stdout.write(CLEAR if sys.stdout.isatty() else "")
            try:
                command(**given)
            except DatabaseBusy as error:
                note(f"timeline: {error}")
            except typer.Exit:  # a --fail-on that was met: who watches sees it
                pass
            sys.stdout.flush()
            time.sleep(watch)  # the pause that was asked for

    own = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("watch", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Watch)
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()]
    seen = own.replace(parameters=[*named, option])
    again_and_again.__signature__ = seen  # type: ignore[attr-defined]  # what typer reads the options from
    again_and_again.__annotations__ = {one.name: one.annotation for one in [*named, option]}
    del again_and_again.__wrapped__  # else typer asks the command itself
    return again_and_again
