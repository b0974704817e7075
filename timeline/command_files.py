"""Commands are files: each module of a folder is one command, named as the file is, and its function `command` does it.

A folder inside is a group of commands: its `app`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any

import typer


def add_commands(app: typer.Typer, package: str, folders: Iterable[str]) -> None:
    """Add every command that the folders of a package hold, in order of name. Its docstring is its help."""
    for name in sorted(info.name for info in pkgutil.iter_modules(folders)):
        module = importlib.import_module(f"{package}.{name}")
        if hasattr(module, "__path__"):
            app.add_typer(module.app, name=name)
            continue
        function = module.command
        body, example = split_help(function)
        app.command(name, help=body, short_help=body.partition("\n")[0], epilog=example)(function)


def split_help(function: Callable[..., Any]) -> tuple[str, str]:
    """A docstring as help text and, kept line for line, its example."""
    lines = (function.__doc__ or "").expandtabs().splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    text = "\n".join([*lines[:1], *(line[indent:] for line in lines[1:])]).strip()
    body, found, example = text.partition("Example:\n")
    return body.strip(), f"\b\nExample:\n{example.rstrip()}" if found else ""
