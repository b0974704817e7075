"""`timeline doctor`: what is installed, what is missing, whether the database can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line

if TYPE_CHECKING:
    from timeline.doctor import Log


def command(db: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Print versions, missing extras, and for the database: who holds it, clocks that are off, missing events, refused lines.

    The exit code is 0, or that of the trouble with the database.

    Example:
        timeline doctor --db /var/lib/timeline/timeline.duckdb
    """
    from timeline.doctor import examine

    found = examine(db, note)
    if as_json:
        print_json(found.model_dump(mode="json"))
        raise typer.Exit(found.exit_code)
    print_line(f"timeline {found.version or 'from a source tree'}, Python {found.python}")
    for name, version in found.packages.items():
        print_line(f"  {name} {version or 'is missing'}")
    for extra, missing in found.extras.items():
        print_line(
            f"  extra {extra}: " + (f"missing {', '.join(missing)}; pip install 'decision-timeline[{extra}]'" if missing else "installed")
        )
    print_line(f"  replayers: {', '.join(found.replayers) or 'none'}; added commands: {', '.join(found.commands) or 'none'}")
    print_line(
        f"database {found.database}: " + (found.trouble or ("can be read" if found.exists else "not there yet; `timeline ingest` makes it"))
    )
    if found.log is not None:
        _print(found.log)
    raise typer.Exit(found.exit_code)


def _print(log: Log) -> None:
    from ingest.duration import duration

    print_line(f"  {log.events} events in {log.runs} runs")
    for skew in log.skews:
        print_line(f"  the clock of {skew.actor} is off by {duration(skew.offset_us)} (run {skew.run_id})")
    for gap in log.gaps:
        who = f"{gap.actor} {gap.incarnation}" if gap.incarnation else gap.actor
        print_line(f"  events {gap.first_missing} to {gap.last_missing} of {who} are missing (run {gap.run_id})")
    for refused in log.rejected:
        print_line(f"  {refused.lines} lines of {refused.path} were refused: {refused.reason}")
