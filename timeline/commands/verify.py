"""`timeline verify`: whether a sealed log is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.terminal import AsJson, print_json, print_line, print_parts

Key = Annotated[Path | None, typer.Option("--key-file", metavar="FILE", help="The key that the log was sealed with, if it was with one.")]


def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The log; of a rotated one every file, the oldest first.")],
    key_file: Key = None,
    as_json: AsJson = False,
) -> None:
    """Hold a sealed log against its chain: the first line of each actor that was changed, dropped, swapped or put in.

    A log is sealed by whoever writes it: docs/emit.md. Exit 3 where a chain is broken, or where nothing is sealed.

    Example:
        timeline verify events.jsonl.1 events.jsonl --key-file log.key
    """
    from ingest.errors import InputRejected, UsageError
    from ingest.verify import verify

    try:
        key = b"" if key_file is None else key_file.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"reading the key {key_file}: {error.strerror}") from None
    if key_file is not None and not key:
        raise UsageError(f"reading the key {key_file}: there is nothing in it; without a key leave --key-file out")
    found = verify(files, key)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_line(f"{found.sealed} of {found.lines} lines are sealed, in {found.streams} streams")
        for actor in found.begun_late:
            print_line(f"{actor}: its first line here, and what was before it, cannot be verified")
        for one in found.broken:
            print_parts((f"{one.file}:{one.line}", "bad"), f" (byte {one.offset}): {one.actor}: {one.says}", hang=4)
    if found.broken or not found.sealed:
        why = f"{len(found.broken)} chains are broken" if found.broken else "no line is sealed"
        raise InputRejected(f"verifying {files[0]}: {why}")
