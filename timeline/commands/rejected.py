"""`timeline rejected`: the lines that could not be read as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from ingest.rejected import Attempt, Line

_BECAME = {"duplicates": "known already", "conflicts": "in conflict", "quarantined": "refused again", "blank": "blank"}


def command(
    show: Annotated[int | None, typer.Option("--show", metavar="N", min=1, help="Print line N of the list, and what is wrong.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Load the lines again; what loads leaves the list.")] = False,
    file: Annotated[str | None, typer.Option("--file", metavar="PATH", help="Only lines of this file; - is standard input.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Only lines refused for this reason.")] = None,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="How many to list.")] = 1000,
    format: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="With --retry: say what they are.")] = None,
    mapping: Annotated[str | None, typer.Option("--mapping", metavar="FILE", help="With --retry: a mapping file.")] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="ID", help="With --retry: the run of lines that name none.")] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """List the lines that could not be read as events, with place and reason; print one of them; or load them again.

    The lines are kept in the database, up to 64 KiB of each. Nothing is loaded twice, however often they are tried.

    Example:
        timeline rejected
        timeline rejected --show 3
        timeline rejected --retry --run nightly --reason schema
    """
    from ingest.database import INGEST_LIMITS, open_for_read, open_for_write
    from ingest.errors import UsageError
    from ingest.rejected import Wanted, count_of, listed, numbered
    from ingest.rejected import retry as try_again
    from timeline.published import view_of

    if retry and show is not None:
        raise UsageError("--show and --retry: give one")
    if not retry and (format or mapping or run):
        raise UsageError("--format, --mapping and --run say how lines are loaded again: give --retry too")
    wanted = Wanted(file, reason)
    with view_of(db, note) or open_for_read(db) as database:  # before trying again too: that makes no database
        if show is not None:
            _print_line(*numbered(database.connection, show), as_json)
        elif not retry:
            _print_list(listed(database.connection, wanted, most), count_of(database.connection, wanted), as_json)
    if retry:
        with open_for_write(db, INGEST_LIMITS, on_wait=note) as database:
            attempt = try_again(database, wanted, format=format, mapping=mapping, run=run)
        _print_attempt(attempt, as_json)


def _print_list(lines: list[Line], count: int, as_json: bool) -> None:
    if as_json:
        print_json([line._asdict() for line in lines])
    elif lines:
        headings = ["no", "file", "line", "reason", "what is wrong"]
        print_table(headings, ([line.number, line.path, line.line_no, line.reason, line.detail] for line in lines))
    else:
        print_line("no line was refused")
    if len(lines) < count:
        note(f"{count - len(lines)} more: --most {count} lists all")


def _print_line(line: Line, raw: bytes, as_json: bool) -> None:
    """The line itself in one line, bytes that are no text as hexadecimal."""
    from ingest.strict import REASONS

    text = raw.decode("utf-8", "backslashreplace")
    if as_json:
        print_json({**line._asdict(), "means": REASONS[line.reason], "text": text})
        return
    print_line(f"{line.path}, line {line.line_no}, at byte {line.byte_offset}")
    print_line(f"{line.reason}: {REASONS[line.reason]}")
    print_line(f"here: {line.detail}")
    kept = "" if line.kept_bytes == line.byte_length else f", of which the first {line.kept_bytes} are kept"
    print_line(f"the line, {line.byte_length} bytes{kept}:")
    print_line(text)


def _print_attempt(attempt: Attempt, as_json: bool) -> None:
    if as_json:
        print_json(attempt.model_dump())
    else:
        rest = "".join(f", {getattr(attempt, name)} {words}" for name, words in _BECAME.items() if getattr(attempt, name))
        print_line(f"{attempt.events} events from {attempt.lines} refused lines{rest}")
    for why in attempt.because:
        note(f"not tried: {why}")
