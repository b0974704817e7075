"""A flood of mutated lines: each becomes exactly one thing, as the strict reader says, and memory stays where it was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ingest.database import INGEST_LIMITS, open_for_write
from ingest.load import load
from ingest.strict import refusal_of_line
from tests.ingest.lines import rows
from tests.ingest.mutations import good_lines, mutated_lines_of

AT_ONCE = 5000
GROWTH_MIB_MAX = 64
"""How much more the second half of a long run may take at its peak than the first half: what allocators keep, and no leak of lines."""


@pytest.mark.fault("C7", "C25", "C27")
def test_every_mutated_line_becomes_one_thing_in_flat_memory(tmp_path: Path, database: Path, mutated_lines: int) -> None:
    """The accounting closes, the strict reader and the fast one agree on every line, no exception comes through."""
    given, begin = mutated_lines_of(25), good_lines()[0]  # what a file is taken for is told from its beginning, and tested elsewhere
    path, peaks, refused, events = tmp_path / "log.jsonl", [], 0, 0
    for part in range(0, mutated_lines, AT_ONCE):
        path.unlink(missing_ok=True)
        text = b"\n".join([begin, *islice(given, min(AT_ONCE, mutated_lines - part))]) + b"\n"
        path.write_bytes(text)
        with open_for_write(database, INGEST_LIMITS) as opened:
            report = load(opened, [path])
            kept = rows(opened.connection, "SELECT line_no, reason FROM rejected_line")
            opened.connection.execute("DELETE FROM rejected_line")
        assert report.lines == text.count(b"\n")
        assert report.lines == report.events + report.duplicates + report.conflicts + report.quarantined + report.blank
        assert {row["line_no"]: row["reason"] for row in kept} == dict(expected(text)), f"lines {part} and on"
        peaks.append(peak_mib())
        refused, events = refused + report.quarantined, events + report.events
    print(
        f"{mutated_lines} lines: {refused} refused, {events} events, peaks of memory {peaks[0]}, {peaks[len(peaks) // 2]}, {peaks[-1]} MiB"
    )
    assert peaks[-1] - peaks[len(peaks) // 2] <= GROWTH_MIB_MAX
    assert refused > mutated_lines // 2


def expected(text: bytes) -> Iterator[tuple[int, str]]:
    """Number and reason of each line that the strict reader refuses."""
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        refusal = refusal_of_line(line.removesuffix(b"\r")) if line.strip() else None
        if refusal:
            yield number, refusal.reason


def peak_mib() -> int:
    """The most memory that this process ever had."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024
