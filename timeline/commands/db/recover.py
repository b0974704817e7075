"""`timeline db recover`: a database after a crash."""

from __future__ import annotations

import shlex

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line


def command(db: Database = DEFAULT_DATABASE, as_json: AsJson = False) -> None:
    """Make a database usable again that a crash or a bad disk has damaged: open what can be opened, and say what to ingest again.

    What cannot be read is kept beside it under another name; nothing is deleted. A database that is whole stays as it is. One of
    another program or another version is refused, and nothing is changed.

    Example:
        timeline db recover --db timeline.duckdb
    """
    from ingest.recover import FOUND, recover

    recovery = recover(db, on_wait=note)
    if as_json:
        print_json(recovery.model_dump())
        return
    print_line(f"{db}: {FOUND[recovery.found]}")
    if recovery.trouble:
        print_line(f"trouble: {recovery.trouble}")
    for path in recovery.aside:
        print_line(f"kept aside: {path}")
    print_line(f"events: {recovery.events}")
    for file in recovery.again:
        if file.size_bytes is None:
            print_line(f"no longer there, and perhaps not whole in the database: {file.path}")
        else:
            read = "a part" if file.read_bytes is None else f"{file.read_bytes} bytes"
            print_line(f"ingest again: {shlex.quote(file.path)}  ({read} of {file.size_bytes} are known)")
    if recovery.may_lack:
        print_line("ingest again as well: whatever was ingested last. What is known already is not doubled.")
