"""`timeline cluster score`: how far each detector can be trusted, by runs whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import AsJson, note, print_json, print_line, print_table


def command(
    system: Annotated[str | None, typer.Option("--system", metavar="S", help="Only the scenarios of that system.")] = None,
    bug: Annotated[list[str] | None, typer.Option("--bug", metavar="B", help="Only that bug and its twin; may be given again.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Run each bug and each clean twin with seeds 1 to N.")] = 20,
    healthy: Annotated[int, typer.Option("--healthy", metavar="N", min=0, help="Run each healthy scenario with seeds 1 to N.")] = 300,
    workers: Annotated[int | None, typer.Option("--workers", metavar="K", min=1, help="Processes; one a core.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the scores as a Markdown page as well.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run every planted bug, every clean twin and healthy seeds, and score the detectors against the truth files.

    For each detector: true positives, misses, false alarms, precision, recall, delay from the harm to the first second as of
    which it is provable, time taken. The mutation score says which bugs no detector catches. Ends with 1 where anything is
    missed or accused falsely.

    Example:
        timeline cluster score --seeds 20 --healthy 300 -o docs/scores.md
    """
    from reference_cluster.sweeps.fleet import cores, shown, spread
    from reference_cluster.sweeps.judging import batches, chosen, judge
    from reference_cluster.sweeps.score import score
    from reference_cluster.sweeps.score_page import HEADINGS, detector_rows, document, headline, page
    from timeline.files import write_whole

    bugs, scenarios = chosen(system, bug or [])
    work = batches(bugs, scenarios, seeds, healthy)
    note(f"{len(bugs)} planted bugs, {len(scenarios)} scenarios, {sum(len(batch.seeds) for batch in work)} runs")
    done = shown(spread(judge, work, workers or cores()), len(work), "batches")
    scores = score(bugs, (judgement for _, judgement in done))
    if out is not None:
        write_whole(out, page(scores))
    if as_json:
        print_json(document(scores))
    else:
        print_table(HEADINGS, detector_rows(scores))
        for name, each in scores.detectors.items():
            for what, runs in (("missed", each.misses), ("accused falsely", each.false_alarms)):
                if runs:
                    print_line(f"{name} {what}: {', '.join(runs)}")
        print_line(headline(scores))
    if not scores.is_perfect:
        raise typer.Exit(1)
