"""`timeline explain`: why a finding is one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from timeline.story import Decided


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

    with timeline.open(db) as log:
        case = log.explain(finding)
    if as_json:
        print_json(case.model_dump(mode="json"))
        return
    found = case.finding
    print_line(f"{found.says}")
    print_line(f"{found.severity}, {found.verdict}, {found.detector}, run {found.run_id}, finding {found.finding_id}")
    if found.cost is not None:
        print_line(f"cost: {found.cost.amount:g} {found.cost.unit}")
    _print_decisions("how it came about, by declared causes", case.chain)
    for missing in case.missing_causes:
        print_line(f"  the log lacks the cause {missing}")
    _print_decisions("evidence", case.evidence)
    book = case.runbook
    for heading, text in [
        ("meaning", book.meaning),
        ("impact", book.impact),
        ("diagnosis", book.diagnosis),
        ("mitigation", book.mitigation),
    ]:
        print_line()
        print_line(heading)
        for paragraph in text.split("\n"):
            print_line(f"  {paragraph}")
    print_line()
    for line in case.commands:
        print_line(f"$ {line}")


def _print_decisions(heading: str, decisions: Sequence[Decided]) -> None:
    """Print decisions; of a stretch of equal ones by the same actor only the first and the last."""
    if not decisions:
        return
    print_line()
    print_line(heading)
    for _, group in groupby(decisions, key=lambda decided: (decided.event.actor, decided.event.kind)):
        first, *rest = group
        _print_decided(first)
        if len(rest) > 1:
            print_line(f"            … {len(rest) - 1} more {first.event.kind}")
        for last in rest[-1:]:
            _print_decided(last)


def _print_decided(decided: Decided) -> None:
    print_line(f"  {decided.line}" + (f"  saw {'; '.join(decided.seen)}" if decided.seen else ""))
