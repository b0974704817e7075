"""`timeline diff`: two runs held against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from timeline.api import Timeline


def command(
    first: Annotated[str, typer.Argument(metavar="RUN", help="The run to start from.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The run to hold against it.")],
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print the first decision that differs between two runs, then which kinds of decisions and which findings changed.

    Example:
        timeline diff rollout-1 rollout-1-fixed
    """
    import timeline
    from timeline.diff import changed_kinds, first_divergence

    with timeline.open(db, note) as log:
        one, two = log.stream(first), log.stream(second)
        divergence = first_divergence(one, two)
        changed = changed_kinds(one, two).to_dicts()
        before, after = _found(log, first), _found(log, second)
    findings = {"gone": sorted(before - after), "new": sorted(after - before), "both": sorted(before & after)}
    if as_json:
        first_divergence_json = None if divergence is None else divergence.model_dump(mode="json")
        print_json({"first_divergence": first_divergence_json, "changed": changed, "findings": findings})
        return
    if divergence is None:
        print_line(f"{first} and {second} are equal")
        return
    print_line(f"first divergence at event {divergence.index} of {divergence.actor}")
    for line in divergence.common:
        print_line(f"    {line}")
    print_line(f"  - {divergence.expected or 'nothing'}")
    print_line(f"  + {divergence.actual or 'nothing'}")
    print_line()
    print_table(["kind", "changed", f"only in {first}", f"only in {second}"], ([*row.values()] for row in changed))
    for heading, names in findings.items():
        for finding in names:
            print_line(f"{heading}: {finding}")


def _found(log: Timeline, run: str) -> set[str]:
    """Detector and subject of every finding of a run."""
    findings = log.detect(run=run).findings
    return {f"{one.detector} {one.subject.kind}/{one.subject.id}" for one in findings if one.verdict == "found"}
