"""`timeline objects`: what the events name."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_parts, print_table
from timeline.watch import watchable


@watchable
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

    with timeline.open(db, note) as log:
        rows = log.objects(kind, run).to_dicts()
        begins = {row["run_id"]: row["start_us"] for row in log.runs().to_dicts()}
    if as_json:
        print_json(rows)
        return
    for number, (run_id, some) in enumerate(groupby(rows, key=lambda row: row["run_id"])):
        if number:
            print_line()
        start_us = begins[run_id]
        print_parts(("run", "aside"), f" {run_id}", (", which begins ", "aside"), shown(start_us))
        print_table(
            ["object", "events", "first", "last", "last event", "state", "since", "owner"],
            (
                [
                    f"{row['kind']}/{row['id']}",
                    row["events"],
                    *(_offset(row[name], start_us) for name in ("first_us", "last_us")),
                    row["last_event"],
                    row["state"],
                    _offset(row["since_us"], start_us),
                    row["owner"],
                ]
                for row in some
            ),
        )


def _offset(at_us: int | None, start_us: int) -> str:
    """A moment as the time since the run began."""
    from ingest.duration import duration, rounded

    return "" if at_us is None else duration(rounded(at_us - start_us))
