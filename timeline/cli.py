"""The program `timeline`: its commands are the files of `timeline/commands` and the entry points `timeline.commands`.

Nothing is registered by hand. What goes wrong becomes one line on standard error and the exit code of its class
(`ingest.errors`); a bug of ours is exit 70 and a report file; a reader that went away ends us quietly.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ingest.errors import StorageFailed, TimelineError
from timeline import commands, signals
from timeline.command_files import add_commands
from timeline.redaction import blacked_out
from timeline.terminal import note, silence
from timeline.version import installed_version

INTERNAL_ERROR = 70


class Commands(TyperGroup):
    """The group of all commands; turns errors into exit codes."""

    def invoke(self, ctx: Any) -> None:
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except TimelineError as error:
            note(f"timeline: {error}")
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            silence(sys.stdout)
            raise typer.Exit(0) from None
        except MemoryError as error:
            said = str(error) or "none could be had"
            note(f"timeline: too little memory: {said}; what was committed is safe, run again with more")
            raise typer.Exit(StorageFailed.exit_code) from None
        except Exception as error:  # noqa: BLE001  the last resort: no traceback reaches a user
            if isinstance(error.__cause__, KeyboardInterrupt | SystemExit):  # how DuckDB tells of a signal that came in a query
                raise error.__cause__ from None
            note(f"timeline: a bug of ours, {type(error).__name__}: {error} (report: {_write_report()})")
            raise typer.Exit(INTERNAL_ERROR) from None


app = typer.Typer(
    name="timeline",
    cls=Commands,
    help="What happened in a control plane, why, and how to make it happen again.",
    epilog="Every command has --help with an example. Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage, 3 input rejected, "
    "4 database busy, 5 database unusable, 6 storage failed, 7 replay diverged, 8 seed invalid, 9 upstream unavailable, 70 a bug of ours.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"timeline {installed_version() or 'source tree'}\n")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]


@app.callback()
def _options(show_version: Version = False) -> None:
    """Options before the command."""


def _add_plugged_in() -> None:
    for entry in sorted(entry_points(group="timeline.commands"), key=lambda entry: entry.name):
        try:
            added = entry.load()
        except Exception as error:  # noqa: BLE001  somebody else's code: one that is broken must not take all the others with it
            note(f"timeline: the commands of the plug-in {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}")
            continue
        if isinstance(added, typer.Typer):
            app.add_typer(added, name=entry.name)
        else:
            app.command(entry.name)(added)


def _write_report() -> str:
    """Write the traceback of the error at hand, without values of variables; gives the file's name."""
    try:
        handle, path = tempfile.mkstemp(prefix="timeline-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"timeline {installed_version() or 'source tree'}, Python {sys.version}\n\n{blacked_out(traceback.format_exc())}")
    except OSError as error:
        return f"could not be written: {error.strerror}"
    return path


add_commands(app, commands.__name__, commands.__path__)
_add_plugged_in()


def main() -> None:
    """Entry point of the program."""
    signals.listen()
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before we began: its number would go to the next file that is opened, even the database
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if name == "stdin" else "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
