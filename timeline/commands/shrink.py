"""`timeline shrink`: the smallest seed that still shows the finding."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import AsJson, note, print_json, print_line


def command(
    seed: Annotated[Path, typer.Argument(metavar="SEED", help="The seed file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SEED", help="The smaller seed file to write.")],
    as_json: AsJson = False,
) -> None:
    """Leave out faults, switches and the end of the run, as long as the detectors still find what the seed expects.

    Example:
        timeline shrink leak.seed.json -o small.seed.json
    """
    from ingest.duration import duration
    from ingest.seed import read_seed
    from timeline.files import write_private
    from timeline.shrink import shrink

    shrunk = shrink(read_seed(seed), note if sys.stderr.isatty() else lambda _: None)
    write_private(output, shrunk.seed.to_text())
    answer = {
        "seed": str(output),
        "bytes": len(shrunk.seed.to_text()),
        **shrunk.model_dump(mode="json", exclude={"seed"}),
        "findings": [finding.model_dump(mode="json") for finding in shrunk.seed.expected.findings],
    }
    if as_json:
        print_json(answer)
        return
    print_line(f"{output}: {shrunk.faults} of {shrunk.faults_before} faults, {answer['bytes']} bytes, after {shrunk.runs} runs")
    if shrunk.length_us is not None:
        print_line(f"the run ends after {duration(shrunk.length_us)}; planted bugs on: {', '.join(shrunk.switches) or 'none'}")
    for finding in shrunk.seed.expected.findings:
        print_line(f"still shows {finding.detector} of {finding.subject}")
    print_line(f"$ timeline replay {output}")
