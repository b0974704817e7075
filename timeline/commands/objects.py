"""`timeline objects`: what the events name."""

from __future__ import annotations

from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, print_json, print_table


def command(
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only objects of this kind.")] = None,
    run: Run = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """List every object that an event names: how often, first, last, and how it stands where the log ends.

    Example:
        timeline objects --kind worker
    """
    import timeline
    from timeline.moment import shown

    with timeline.open(db) as log:
        rows = log.objects(kind, run).to_dicts()
    if as_json:
        print_json(rows)
        return
    print_table(
        ["run", "object", "events", "first", "last", "last event", "state", "since", "owner"],
        (
            [
                row["run_id"],
                f"{row['kind']}/{row['id']}",
                row["events"],
                shown(row["first_us"]),
                shown(row["last_us"]),
                row["last_event"],
                row["state"],
                shown(row["since_us"]),
                row["owner"],
            ]
            for row in rows
        ),
    )
