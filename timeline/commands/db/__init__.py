"""`timeline db …`: care of the database file, one file a command, found by listing this folder."""

from __future__ import annotations

import typer

from timeline.command_files import add_commands

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Care of the database file.")
add_commands(app, __name__, __path__)
