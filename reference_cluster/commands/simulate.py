"""`timeline cluster simulate`: one run of a scenario, as decision events."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.errors import StorageFailed, UsageError
from timeline.terminal import AsJson, note, print_json

if TYPE_CHECKING:
    from reference_cluster.sim.run import Run


def command(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A name that `scenarios` lists, or a .toml file.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the one random generator.")] = 1,
    bug: Annotated[list[str] | None, typer.Option("--bug", metavar="B", help="Switch a planted bug on; may be given again.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME[:TARGET][@AT][+LASTS][,LABEL]", help="One more fault, such as renew_blip:leader@40s+18s."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="EVENTS", help="Where the events go; - for standard output.")] = Path("-"),
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="Where it is noted what was injected and took effect.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="ID", help="Name of the run; made from scenario, seed and switches.")] = None,
    journal: Annotated[bool, typer.Option("--journal", help="Record every effect as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario and write its decision events.

    Example:
        timeline cluster simulate renew_blips --seed 7 --bug elector_runs_once -o events.jsonl --truth truth.jsonl
    """
    from reference_cluster.bugs import bug_named, labelled
    from reference_cluster.scenario import load
    from reference_cluster.sim.cluster import Staged
    from reference_cluster.sim.fault_notation import parse_fault
    from reference_cluster.sim.run import simulate

    if as_json and str(out) == "-":
        raise UsageError("printing a JSON summary and the events on the same standard output: give the events a file with -o")
    switched = [bug_named(name).name for name in bug or []]
    staged = Staged(load(scenario))
    plan = [*staged.plan_of(seed), *(parse_fault(text, staged.scenario.control_planes) for text in fault or [])]
    run_id = run or "+".join([f"{staged.name}-{seed}", *switched, *(re.sub(r"[^A-Za-z0-9._:@-]", "_", text) for text in fault or [])])
    note(f"{staged.name} seed {seed}, run {run_id}")
    for planned in plan:
        note(f"  fault {json.dumps(planned.model_dump(exclude_defaults=True))}")
    done = simulate(staged, seed, switches=dict.fromkeys(switched, True), faults=plan, run_id=run_id, journal=journal)
    _write(out, done.lines)
    if truth is not None:
        _write(truth, [json.dumps(row).encode() + b"\n" for row in labelled(done.truth, done.run_id)])
    _summarise(done, as_json)
    again = [
        f"timeline cluster simulate {scenario} --seed {seed}",
        *(f"--bug {name}" for name in switched),
        *(f"--fault {text}" for text in fault or []),
    ]
    note(f"again: {' '.join(again)}")


def _summarise(done: Run, as_json: bool) -> None:
    struck = sum(row["kind"] == "bug" for row in done.truth)
    summary = {
        "run_id": done.run_id,
        "seed": done.seed,
        "events": done.events,
        "effects": done.effects,
        "digest": done.digest,
        "bugs_struck": struck,
        "faults_struck": sum(row["kind"] == "fault" and row["took_effect"] for row in done.truth),
    }
    if as_json:
        print_json(summary)
    else:
        note(f"{done.events} events, {done.effects} effects, {struck} planted bugs struck, digest {done.digest[:16]}")


def _write(path: Path, lines: list[bytes]) -> None:
    if str(path) == "-":
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return
    try:
        path.write_bytes(b"".join(lines))
    except OSError as error:
        raise StorageFailed(f"writing {path}: {error.strerror}") from None
