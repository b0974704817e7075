"""`timeline cluster …`: the reference cluster from the command line. Data on standard output, messages on standard error.

The simulator is imported by the command that needs it, so that `timeline --help` stays quick.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.errors import StorageFailed, UsageError

if TYPE_CHECKING:
    from reference_cluster.sim.faults import Fault
    from reference_cluster.sim.run import Run

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The reference cluster, with faults and bugs to switch on.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
_FAULT = re.compile(r"(?P<name>[a-z_]+)(:(?P<target>[^@+]+))?(@(?P<at>[0-9a-z]+))?(\+(?P<lasts>[0-9a-z]+))?(,(?P<label>.+))?")


@app.command(epilog="\b\nExample:\n    timeline cluster scenarios")
def scenarios(as_json: AsJson = False) -> None:
    """List the scenarios: what each shows, and where it comes from."""
    from reference_cluster.scenario import load, names

    rows = [{"scenario": name, **load(name).model_dump(include={"title", "shows", "seed_document"})} for name in names()]
    _print_rows(rows, as_json, "{scenario:26} {shows}")


@app.command(epilog="\b\nExample:\n    timeline cluster bugs --json")
def bugs(as_json: AsJson = False) -> None:
    """List the planted bugs: switch, id, scenario, detectors."""
    from reference_cluster.bugs import declared_bugs

    rows = [
        {
            "bug": bug.name,
            "catalogue_id": bug.catalogue_id,
            "subsystem": bug.subsystem,
            "scenario": bug.scenario,
            "detectors": list(bug.detectors),
            "story": bug.story,
        }
        for bug in declared_bugs().values()
    ]
    _print_rows(rows, as_json, "{catalogue_id:7} {bug:28} {scenario:26} {story}")


@app.command(
    "simulate",
    epilog="\b\nExample:\n    timeline cluster simulate renew_blips --seed 7 --bug elector_runs_once -o events.jsonl --truth truth.jsonl",
)
def simulate_command(
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
    """Simulate a scenario and write its decision events."""
    from reference_cluster.scenario import load
    from reference_cluster.sim.cluster import Staged
    from reference_cluster.sim.run import simulate

    if as_json and str(out) == "-":
        raise UsageError("printing a JSON summary and the events on the same standard output: give the events a file with -o")
    switched = [_bug_named(name) for name in bug or []]
    staged = Staged(load(scenario))
    plan = [*staged.plan_of(seed), *(_fault(text, staged.scenario.control_planes) for text in fault or [])]
    run_id = run or "+".join([f"{staged.name}-{seed}", *switched, *(re.sub(r"[^A-Za-z0-9._:@-]", "_", text) for text in fault or [])])
    _say(f"{staged.name} seed {seed}, run {run_id}")
    for planned in plan:
        _say(f"  fault {json.dumps(planned.model_dump(exclude_defaults=True))}")
    done = simulate(staged, seed, switches=dict.fromkeys(switched, True), faults=plan, run_id=run_id, journal=journal)
    _write(out, done.lines)
    if truth is not None:
        _write(truth, [json.dumps(row).encode() + b"\n" for row in done.truth])
    _summarise(done, as_json)
    again = [
        f"timeline cluster simulate {scenario} --seed {seed}",
        *(f"--bug {name}" for name in switched),
        *(f"--fault {text}" for text in fault or []),
    ]
    _say(f"again: {' '.join(again)}")


def _bug_named(name: str) -> str:
    """The switch of that name or catalogue id. Raises UsageError."""
    from reference_cluster.bugs import declared_bugs

    known = declared_bugs()
    found = [bug.name for bug in known.values() if name in (bug.name, bug.catalogue_id)]
    if not found:
        raise UsageError(f"switching on the planted bug {name!r}: there is none of that name; there are {', '.join(known)}")
    return found[0]


def _fault(text: str, anybody: str) -> Fault:
    from reference_cluster.scenario import duration_us
    from reference_cluster.sim.faults import Fault

    match = _FAULT.fullmatch(text)
    if match is None:
        raise UsageError(f"reading the fault {text!r}: write NAME[:TARGET][@AT][+LASTS][,LABEL], such as renew_blip:leader@40s+18s")
    try:
        at_us, for_us = duration_us(match["at"] or "30s"), duration_us(match["lasts"]) if match["lasts"] else None
    except ValueError as error:
        raise UsageError(f"reading the fault {text!r}: {error}") from None
    params: dict[str, Any] = {"label": match["label"]} if match["label"] else {}
    return Fault.model_validate(
        {"name": match["name"], "target": match["target"] or anybody, "at_us": at_us, "for_us": for_us, "params": params}
    )


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
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    else:
        _say(f"{done.events} events, {done.effects} effects, {struck} planted bugs struck, digest {done.digest[:16]}")


def _write(path: Path, lines: list[bytes]) -> None:
    if str(path) == "-":
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return
    try:
        path.write_bytes(b"".join(lines))
    except OSError as error:
        raise StorageFailed(f"writing {path}: {error.strerror}") from None


def _print_rows(rows: list[dict[str, Any]], as_json: bool, form: str) -> None:
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        sys.stdout.write("".join(form.format(**row) + "\n" for row in rows))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
