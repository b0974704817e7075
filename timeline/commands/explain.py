"""`timeline explain`: why a finding is one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.decided import OFFSET, print_decided
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_paragraph, print_parts
from timeline.watch import watchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from timeline.story import Decided


@watchable
def command(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="Id of the finding, or how it begins.")],
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print the whole case for a finding: its evidence, the chain of causes before it, the runbook, the commands that replay it.

    Example:
        timeline explain 3f9a1c
    """
    import timeline

    with timeline.open(db, note) as log:
        case = log.explain(finding)
    if as_json:
        print_json(case.model_dump(mode="json"))
        return
    found = case.finding
    print_parts((found.says, "what"))
    cost = "" if found.cost is None else f", cost {found.cost.amount:g} {found.cost.unit}"
    told = f", {found.verdict}, {found.detector}, run {found.run_id}, finding {found.finding_id}{cost}"
    print_parts((found.severity, found.severity), told)
    _print_decisions("how it came about, by declared causes", case.chain)
    for missing in case.missing_causes:
        print_line(f"  the log lacks the cause {missing}")
    _print_decisions("evidence", case.evidence)
    for heading in ("meaning", "impact", "diagnosis", "mitigation"):
        print_line()
        print_parts((heading, "what"))
        print_paragraph(getattr(case.runbook, heading))
    print_line()
    for line in case.commands:
        print_line(f"$ {line}")


def _print_decisions(heading: str, decisions: Sequence[Decided]) -> None:
    """Print decisions; of a stretch of equal ones by the same actor only the first and the last."""
    if not decisions:
        return
    print_line()
    print_parts((heading, "what"))
    for _, group in groupby(decisions, key=lambda decided: (decided.event.actor, decided.event.kind)):
        first, *rest = group
        print_decided(first)
        if len(rest) > 1:
            print_parts(" " * OFFSET, "  ", (f"… {len(rest) - 1} more {first.event.kind}", "aside"))
        for last in rest[-1:]:
            print_decided(last)
