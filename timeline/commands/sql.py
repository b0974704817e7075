"""`timeline sql`: ask the tables directly."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, json_value, note, print_json, print_table


def command(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT.")],
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; a text that a spreadsheet would compute gets a ' in front.")] = False,
) -> None:
    """Answer one SELECT over the tables (`timeline schema --ddl`). Nothing can be changed, no file and no network is reached.

    Example:
        timeline sql "SELECT kind, count(*) AS events FROM event GROUP BY kind ORDER BY events DESC"
    """
    import timeline
    from ingest.errors import UsageError
    from timeline.csv_text import csv_text

    if as_json and as_csv:
        raise UsageError("printing the answer: it is either --json or --csv")
    with timeline.open(db, note) as log:
        answer = log.sql(query)
    if as_json:
        print_json([{name: json_value(value) for name, value in row.items()} for row in answer.to_dicts()])
    elif as_csv:
        sys.stdout.write(csv_text(answer.columns, answer.rows()))
    else:
        print_table(answer.columns, answer.rows())
