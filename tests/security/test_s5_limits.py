"""S5: whatever comes in, what it costs has an end that was chosen before. Each limit and its neighbours: tests/ingest."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ingest.load import load
from timeline.blank import blank

EVENT = {
    "event_id": "e-1",
    "run_id": "run",
    "time": "2026-01-01T00:00:00Z",
    "actor": "cp-1/janitor",
    "kind": "a.happened",
    "subject": {"kind": "a", "id": "1"},
}


def deep(levels: int) -> str:
    return json.dumps({**EVENT, "data": "DEEP"}).replace('"DEEP"', '{"a":' * levels + "1" + "}" * levels)


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({**EVENT, "data": {"text": "x" * 1_100_000}}),
        deep(100_000),
        json.dumps({**EVENT, "data": {f"k{number}": 0 for number in range(20_000)}}),
        json.dumps({**EVENT, "data": {"n": 0}}).replace('"n": 0', '"n": ' + "9" * 5000),
        json.dumps({**EVENT, "data": {"n": 0}}).replace('"n": 0', '"n": 1e999999999'),
    ],
    ids=["length", "depth", "keys", "digits", "exponent"],
)
def test_s5_a_line_beyond_a_limit_is_refused_and_the_next_one_loads(line: str, tmp_path: Path):
    """It is kept with its reason, and nothing else is lost."""
    (tmp_path / "events.jsonl").write_text(f"{line}\n{json.dumps(EVENT)}\n")
    database = blank()
    report = load(database, [str(tmp_path / "events.jsonl")])
    assert (report.events, report.quarantined) == (1, 1)
    database.close()


def test_s5_a_file_that_swells_is_given_up(tmp_path: Path):
    """64 KiB that unpack to 64 MiB: a quarter of it is read, and the place where it was given up is kept with the reason."""
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress((b"x" * 99_999 + b"\n") * 671, 9))
    database = blank()
    report = load(database, [str(tmp_path / "bomb.jsonl.gz")])
    assert report.events == 0
    assert report.lines < 200
    (told,) = database.connection.execute("SELECT detail FROM rejected_line WHERE detail LIKE '%ratio of 200%'").fetchall()
    assert "packed bytes unpack to" in told[0]
    database.close()
