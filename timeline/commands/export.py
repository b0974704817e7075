"""`timeline export`: a replay seed, and a test that replays it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line

if TYPE_CHECKING:
    from ingest.seed import ReplaySeed
    from timeline.api import Timeline


def command(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SEED", help="The seed file to write.")],
    finding: Annotated[str | None, typer.Argument(metavar="[FINDING]", help="Id of a finding, or how it begins.")] = None,
    run: Run = None,
    object_: Annotated[
        str | None, typer.Option("--object", metavar="KIND/ID", help="The run of this object, for the findings about it.")
    ] = None,
    pytest: Annotated[Path | None, typer.Option("--pytest", metavar="FILE", help="Write a test too that replays the seed.")] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Write the replay seed of a finding, of a run, or of an object: plain JSON that makes the same run again.

    Secrets are blacked out. Files are written whole or not at all.

    Example:
        timeline export 3f9a1c -o leak.seed.json --pytest test_leak.py
        timeline export --run reference-42 -o run.seed.json
    """
    import timeline
    from ingest.errors import UsageError
    from timeline.files import write_whole
    from timeline.seeds import pytest_of

    if (finding is None) == (run is None and object_ is None):
        raise UsageError(
            "exporting a seed: name one of FINDING, --run ID, --object KIND/ID (an object with --run where several runs have it)"
        )
    with timeline.open(db) as log:
        seed = _seed(log, finding, run, object_)
    write_whole(output, seed.to_text())
    if pytest is not None:
        write_whole(pytest, pytest_of(output, pytest))
    for missing in seed.missing_inputs:
        note(f"missing: {missing}")
    answer = {
        "seed": str(output),
        "pytest": None if pytest is None else str(pytest),
        "fidelity": seed.fidelity,
        "bytes": len(seed.to_text()),
        "expected": seed.expected.model_dump(mode="json", include={"digest", "events", "findings"}),
        "missing_inputs": seed.missing_inputs,
    }
    if as_json:
        print_json(answer)
    else:
        print_line(f"{output}: fidelity {seed.fidelity}, {answer['bytes']} bytes, {len(seed.expected.findings)} expected findings")
        if seed.fidelity == "exact":
            print_line(f"$ timeline replay {output}")


def _seed(log: Timeline, finding: str | None, run: str | None, object_: str | None) -> ReplaySeed:
    if finding is not None:
        return log.export_finding(finding)
    return log.export_run(run) if object_ is None else log.export_object(object_, run)
