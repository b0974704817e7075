"""`timeline state`: everything as of a moment."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_parts, print_table
from timeline.watch import watchable


@watchable
def command(
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="The moment; where the log ends, if not given.")] = None,
    run: Run = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print how everything stood at a moment: who led, which control planes lived, the workers by state, every object.

    T is a time such as 2026-01-01T00:00:00Z, microseconds since 1970, +90s from where the log begins, or -5m from where it ends.

    Example:
        timeline state --at +2m
    """
    import timeline
    from timeline.moment import shown

    with timeline.open(db, note) as log:
        run_id = log.run(run)
        at_us = log.moment("-0s" if at is None else at, run_id)
        objects = log.state(at_us, run_id).drop("run_id").to_dicts()
    answer = {"run_id": run_id, "at_us": at_us, **_summary(objects), "objects": objects}
    if as_json:
        print_json(answer)
        return
    print_parts(("run", "aside"), f" {run_id} at {shown(at_us)}")
    for heading, told in [
        ("leader", (f"{lease}: {holder}" for lease, holder in answer["leaders"].items())),
        ("control planes", (f"{name} {state}" for name, state in answer["control_planes"].items())),
        ("workers", (f"{count} {state}" for state, count in answer["workers"].items())),
    ]:
        print_parts((f"{heading:<15}", "aside"), ", ".join(told) or "none", hang=15)
    print_line()
    print_table(
        ["object", "state", "for", "owner", "owner is"],
        (
            [f"{row['kind']}/{row['id']}", row["state"], _lasting(row["since_us"], at_us), row["owner"], row["owner_state"]]
            for row in objects
        ),
    )


def _lasting(since_us: int | None, at_us: int) -> str:
    """How long it has been so."""
    from ingest.duration import duration, rounded

    return "" if since_us is None else duration(rounded(at_us - since_us))


def _summary(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Leaders by lease, control planes with their state, number of workers by state."""
    workers = Counter(row["state"] for row in objects if row["kind"] == "worker")
    return {
        "leaders": {row["id"]: row["owner"] for row in objects if row["kind"] == "lease"},
        "control_planes": {row["id"]: row["state"] for row in objects if row["kind"] == "control_plane"},
        "workers": dict(sorted(workers.items())),
    }
