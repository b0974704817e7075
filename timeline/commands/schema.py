"""`timeline schema`: what a line may say."""

from __future__ import annotations

from typing import Annotated

import typer

from timeline.terminal import AsJson, print_json, print_line


def command(
    ddl: Annotated[bool, typer.Option("--ddl", help="Print the tables and views instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of a decision event, or the tables that events are kept in.

    Example:
        timeline schema > event.schema.json
        timeline schema --ddl
    """
    from ingest.schema import json_schema, statements

    if not ddl:
        print_json(json_schema())
    elif as_json:
        print_json(list(statements()))
    else:
        for statement in statements():
            print_line(f"{statement};")
