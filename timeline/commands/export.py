"""`timeline export`: a replay seed, and every other form in which a run, an object or a finding is handed on."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timeline.exports import formats
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line

if TYPE_CHECKING:
    from ingest.seed import ReplaySeed
    from timeline.api import Timeline


def command(
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="SEED", help="A replay seed: plain JSON.")] = None,
    finding: Annotated[str | None, typer.Argument(metavar="[FINDING]", help="Id of a finding, or how it begins.")] = None,
    run: Run = None,
    object_: Annotated[
        str | None, typer.Option("--object", metavar="KIND/ID", help="An object; for a seed the run of it, with the findings about it.")
    ] = None,
    pytest: Annotated[Path | None, typer.Option("--pytest", metavar="FILE", help="A test that replays the seed of -o.")] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
    **wanted: Path | None,
) -> None:
    """Write a finding, a run or an object to files that others can use: a replay seed that makes the same run again, traces, tables.

    Several can be written at once. In a seed and in a bundle secrets are blacked out. The same database gives the same bytes.

    Example:
        timeline export 3f9a1c -o leak.seed.json --pytest test_leak.py
        timeline export --run reference-42 --perfetto run.pftrace --bundle run.bundle
    """
    import timeline
    from ingest.errors import UsageError

    chosen = {name: path for name, path in wanted.items() if path is not None}
    if output is None and not chosen:
        options = ", ".join(f"--{name}" for name in formats())
        raise UsageError(f"exporting: say what to write: a seed with -o SEED, or one of {options}")
    if pytest is not None and output is None:
        raise UsageError(f"writing the test {pytest}: it replays a seed; name that with -o SEED")
    if finding is not None and (run is not None or object_ is not None):
        raise UsageError("exporting: a finding has its run and its object; leave out --run and --object")
    if finding is None and run is None and object_ is None:
        raise UsageError("exporting: name one of FINDING, --run ID, --object KIND/ID (an object with --run where several runs have it)")
    with timeline.open(db, note) as log:
        seed = None if output is None else _seed(log, finding, run, object_)
        about = log.choose(finding, object_, run) if chosen else None
        files = {name: [str(file) for file in formats()[name].write(about, path)] for name, path in chosen.items() if about is not None}
    answer = _answer(seed, output, pytest) | {"files": files}
    if as_json:
        print_json(answer)
        return
    if seed is not None:
        print_line(f"{output}: fidelity {seed.fidelity}, {answer['bytes']} bytes, {len(seed.expected.findings)} expected findings")
        if seed.fidelity == "exact":
            print_line(f"$ timeline replay {output}")
    for name, written in files.items():
        print_line(f"{written[0]}{f' and {len(written) - 1} more' if len(written) > 1 else ''}: {name}")


def _with_formats(signature: inspect.Signature) -> inspect.Signature:
    """The signature of the command with an option for each format."""
    fixed = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[Path | None, typer.Option(f"--{name}", metavar=one.metavar, help=one.help)],
        )
        for name, one in formats().items()
    ]
    return signature.replace(parameters=[*fixed, *added])


command.__signature__ = _with_formats(inspect.signature(command, eval_str=True))  # type: ignore[attr-defined]  # what typer reads


def _seed(log: Timeline, finding: str | None, run: str | None, object_: str | None) -> ReplaySeed:
    if finding is not None:
        return log.export_finding(finding)
    return log.export_run(run) if object_ is None else log.export_object(object_, run)


def _answer(seed: ReplaySeed | None, output: Path | None, pytest: Path | None) -> dict[str, Any]:
    """Write the seed, and the test that replays it; what was written."""
    from timeline.files import write_private, write_whole
    from timeline.seeds import pytest_of

    if seed is None or output is None:
        return {"seed": None, "pytest": None, "fidelity": None, "bytes": None, "expected": None, "missing_inputs": []}
    write_private(output, seed.to_text())
    if pytest is not None:
        write_whole(pytest, pytest_of(output, pytest))
    for missing in seed.missing_inputs:
        note(f"missing: {missing}")
    return {
        "seed": str(output),
        "pytest": None if pytest is None else str(pytest),
        "fidelity": seed.fidelity,
        "bytes": len(seed.to_text()),
        "expected": seed.expected.model_dump(mode="json", include={"digest", "events", "findings"}),
        "missing_inputs": seed.missing_inputs,
    }
