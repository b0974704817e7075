"""`timeline schema`: what a line may say."""

from __future__ import annotations

from typing import Annotated

import typer

from timeline.terminal import print_json, print_line


def command(ddl: Annotated[bool, typer.Option("--ddl", help="Print the tables and views instead.")] = False) -> None:
    """Print the JSON Schema of a decision event, or the tables that events are kept in.

    Example:
        timeline schema > event.schema.json
        timeline schema --ddl
    """
    from ingest.schema import json_schema, statements

    if ddl:
        for statement in statements():
            print_line(f"{statement};")
    else:
        print_json(json_schema())
