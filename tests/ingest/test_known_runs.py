"""Ids are looked for only among events of the same runs; nothing is lost or doubled by what a load remembers of the runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import line, rows, write


@pytest.mark.parametrize("remembered", [0, 2, 1000])
def test_a_run_that_comes_back_is_held_against_all_that_is_known_of_it(
    remembered: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three runs in turns, twice, in small chunks: the second time each line is a duplicate, a changed one a conflict."""
    monkeypatch.setattr("ingest.batch.RUNS_REMEMBERED", remembered)
    lines = [line(number, run_id=f"run-{number % 3}") for number in range(30)]
    changed = line(4, run_id="run-1", outcome="unknown")
    log = write(tmp_path / "log.jsonl", *lines, *lines, changed)
    with open_in_memory() as database:
        report = load(database, [log], chunk_bytes=1000)
        assert (report.events, report.duplicates, report.conflicts) == (30, 30, 1)
        again = load(database, [write(tmp_path / "more.jsonl", changed, *lines, line(99, run_id="run-1"))], chunk_bytes=1000)
        assert (again.events, again.duplicates, again.conflicts) == (1, 31, 0)
        (numbers,) = rows(database.connection, "SELECT count(*) AS n, count(DISTINCT event_no) AS numbers FROM event")
        assert numbers == {"n": 32, "numbers": 32}
