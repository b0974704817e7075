"""`timeline replay`: the same run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line

if TYPE_CHECKING:
    from timeline.replays import ReplayReport

SWITCH = {"on": True, "off": False}


def command(
    seed: Annotated[Path, typer.Argument(metavar="SEED", help="The seed file.")],
    switch: Annotated[list[str] | None, typer.Option("--switch", metavar="NAME=on|off", help="Turn a planted bug on or off.")] = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", metavar="K=V", help="Run with another policy value.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="EVENTS", help="Write the events of the replay.")] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Run a seed again and hold it against the recording: equal or not, the first divergence, what the detectors find.

    Exit 7 where the replay diverges, also where --switch or --policy asked for just that. Where the database holds the
    recorded run, the first divergence is named from it; else from the seed.

    Example:
        timeline replay leak.seed.json
        timeline replay leak.seed.json --switch elector_runs_once=off
    """
    from ingest.errors import ReplayDiverged
    from ingest.seed import read_seed
    from timeline.files import write_whole
    from timeline.replays import judge, recorded_stream, run_seed

    given = read_seed(seed)
    switches, values = _switches(switch or []), _policy(policy or [])
    replayed = run_seed(given, switches, values)
    if output is not None:
        write_whole(output, b"".join(line.rstrip(b"\n") + b"\n" for line in replayed.lines).decode())
    is_changed = bool(switches or values)
    with recorded_stream(db, given.origin.run_id, note) as recorded:
        report = judge(given, replayed, recorded, is_changed=is_changed)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _print(report)
    if report.equal is False:
        raise ReplayDiverged(f"replaying {seed}: it is not equal to the recording; the first divergence is printed")


def _switches(texts: list[str]) -> dict[str, bool]:
    from ingest.errors import UsageError

    pairs = dict(text.partition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if value not in SWITCH:
            raise UsageError(f"reading --switch {name}={value}: write NAME=on or NAME=off")
    return {name: SWITCH[value] for name, value in pairs.items()}


def _policy(texts: list[str]) -> dict[str, str]:
    from ingest.errors import UsageError

    for text in texts:
        if not text.partition("=")[1]:
            raise UsageError(f"reading --policy {text!r}: write NAME=VALUE")
    return dict(text.partition("=")[::2] for text in texts)


def _print(report: ReplayReport) -> None:
    equal = {True: "equal to the recording", False: "not equal to the recording", None: "nothing to compare with"}[report.equal]
    print_line(f"{equal}; fidelity {report.fidelity}, digest {report.digest}, expected {report.expected_digest or 'none'}")
    first = report.first_divergence
    if first is not None:
        print_line(f"first divergence at event {first.index}" + (f" of {first.actor}" if first.actor else ""))
        for line in first.common:
            print_line(f"    {line}")
        print_line(f"  - {first.expected or 'nothing more'}")
        print_line(f"  + {first.actual or 'nothing more'}")
    print_line(f"{len(report.findings)} findings")
    for finding in report.findings:
        print_line(f"  {finding.severity} {finding.detector}: {finding.says}")
    for missing in report.missing_inputs:
        note(f"missing: {missing}")
