"""`timeline report`: what is wrong with a run, in one file that opens anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The report to write: .html, or .md to paste into a ticket.")
    ],
    run: Run = None,
    finding: Annotated[str | None, typer.Option("--finding", metavar="ID", help="This finding only: its id, or how it begins.")] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Write a report of a run: what leaks and what it costs, the evidence, the causes, the runbook, the picture, who led.

    The page has no script, fetches nothing and opens offline; it prints well, and is dark where the reader's screen is. Of the
    same database it is the same file, byte for byte.

    Example:
        timeline report -o incident.html --run reference-42
    """
    import timeline
    from timeline.files import write_private
    from timeline.report import text_of

    with timeline.open(db, note) as log:
        chosen = log.choose(finding_id=finding, run=None if finding else run)
        text = text_of(chosen, output)
    write_private(output, text)
    answer = {"report": str(output), "run": chosen.run_id, "findings": len(chosen.found), "bytes": len(text.encode())}
    if as_json:
        print_json(answer)
    else:
        print_line(f"{output}: {answer['findings']} findings of the run {chosen.run_id}, {len(text) // 1024} KiB")
