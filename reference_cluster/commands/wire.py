"""`timeline cluster wire`: do both sides of every message mean the same fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from timeline.terminal import AsJson, note, print_json, print_line, print_table


def command(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A name that `scenarios` lists, or a .toml file.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the one random generator.")] = 1,
    bug: Annotated[list[str] | None, typer.Option("--bug", metavar="B", help="Switch a planted bug on; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Name the fields of messages that are sent and never read, or read and never sent, in one run.

    Both sides' messages are recorded as they are encoded and decoded. A field that nobody reads may be meant for later; one
    that is read and never sent has the receiver's default for its value, always.

    Example:
        timeline cluster wire gang_old_workers --seed 1 --bug epoch_field_renamed
    """
    from reference_cluster.bugs import bug_named
    from reference_cluster.scenario import load
    from reference_cluster.sim.cluster import Staged
    from reference_cluster.sim.run import simulate
    from reference_cluster.sim.wire_report import WireReport

    switched = [bug_named(name).name for name in bug or []]
    with WireReport() as report:
        run = simulate(Staged(load(scenario)), seed, switches=dict.fromkeys(switched, True), wire=report)
    traffic, mismatches = report.traffic(), report.mismatches()
    note(f"{run.run_id}: {sum(each.sent for each in traffic.values())} messages of {len(traffic)} kinds")
    if as_json:
        print_json(
            {
                "run_id": run.run_id,
                "mismatches": [asdict(mismatch) for mismatch in mismatches],
                "messages": {name: asdict(each) for name, each in traffic.items()},
            }
        )
        return
    print_table(["message", "field", "what", "times"], [(each.message, each.field, each.what, each.times) for each in mismatches])
    for name, each in traffic.items():
        for complaint, times in each.refused.items():
            print_line(f"{name}: refused {times} times: {complaint}")
    if not mismatches:
        print_line("every field that is sent is read, and every field that is read is sent")
