"""`timeline cluster …`: the reference cluster from the command line, one file a command, found by listing this folder.

Data goes to standard output and messages to standard error. The simulator is imported by the command that needs it, so
that `timeline --help` stays quick.
"""

from __future__ import annotations

import typer

from timeline.command_files import add_commands

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The reference cluster, with faults and bugs to switch on.",
)
add_commands(app, __name__, __path__)
