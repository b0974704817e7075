"""Refused lines: listed by place, tried again exactly once, and the ledger closes before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.database import Database, Limits
from ingest.errors import UsageError
from ingest.in_memory import open_in_memory
from ingest.load import load
from ingest.rejected import Wanted, listed, numbered, retry
from tests.ingest.lines import event, line, rows, write

MAPPING = """
title = "Notes of a test"
run = "notes"
line = { form = "text", regex = '^(?P<at>\\S+) (?P<worker>\\S+) (?P<what>\\S+)$' }
time = { field = "at", format = "%Y-%m-%dT%H:%M:%SZ" }
every = { actor = "notes/notes", subject = { kind = "worker", id = "{worker}" } }

[[event]]
when = { what = "rested" }
kind = "worker.rested"
"""
REFUSED = "SELECT * FROM rejected_line ORDER BY ALL"


def without_run(number: int) -> bytes:
    """An event that says no run."""
    made = event(number)
    del made["run_id"]
    return json.dumps(made).encode()


def ledger_closes(database: Database) -> bool:
    """Whether every line of every file became exactly one thing, and the refused ones are those that are kept."""
    (sums,) = rows(
        database.connection,
        """SELECT sum(lines) = sum(events + duplicates + conflicts + quarantined + blank) AS closes,
            sum(quarantined) = (SELECT count(*) FROM rejected_line) AS agrees FROM ingest_file""",
    )
    return bool(sums["closes"] and sums["agrees"])


def counted(attempt: Any) -> tuple[int, int, int, int]:
    return attempt.lines, attempt.events, attempt.duplicates, attempt.quarantined


def test_refused_lines_are_listed_in_order_with_place_and_reason(tmp_path: Path) -> None:
    """By file and place; a filter keeps the numbers; one line comes back byte for byte."""
    first = write(tmp_path / "a.jsonl", line(1), b"bad", without_run(2))
    second = write(tmp_path / "b.jsonl", b"\xff\x1b[2J")
    with open_in_memory() as database:
        load(database, [second, first])
        found = [(each.number, Path(each.path).name, each.line_no, each.reason) for each in listed(database.connection)]
        assert found == [(1, "a.jsonl", 2, "not_json"), (2, "a.jsonl", 3, "schema"), (3, "b.jsonl", 1, "utf8")]
        assert [each.number for each in listed(database.connection, Wanted(reason="schema"))] == [2]
        assert [each.number for each in listed(database.connection, Wanted(file=str(second)))] == [3]
        assert [each.number for each in listed(database.connection, most=1)] == [1]
        assert numbered(database.connection, 3)[1] == b"\xff\x1b[2J"
        with pytest.raises(UsageError, match="there are 3 of them"):
            numbered(database.connection, 4)
        with pytest.raises(UsageError, match="no such reason"):
            listed(database.connection, Wanted(reason="ugly"))


@pytest.mark.parametrize("chunk_bytes", [1, 700, 1_000_000])
def test_lines_that_lacked_a_run_load_once_when_it_is_given(chunk_bytes: int, tmp_path: Path) -> None:
    """What loads leaves the table, what is refused stays at its place, and a second attempt finds nothing new."""
    path = write(tmp_path / "log.jsonl", *(line(number) if number % 3 else without_run(number) for number in range(1, 31)), b"bad")
    with open_in_memory() as database:
        assert load(database, [path]).quarantined == 11
        before = rows(database.connection, REFUSED)
        assert counted(retry(database)) == (11, 0, 0, 11)
        assert rows(database.connection, REFUSED) == before
        assert counted(retry(database, run="run-1", chunk_bytes=chunk_bytes)) == (11, 10, 0, 1)
        assert [(each.line_no, each.reason) for each in listed(database.connection)] == [(31, "not_json")]
        assert counted(retry(database, run="run-1")) == (1, 0, 0, 1)
        assert ledger_closes(database)
        assert rows(database.connection, "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM event") == [{"n": 30, "ids": 30}]
        again = load(database, [path])
        assert (again.lines, again.events, again.duplicates, again.quarantined) == (31, 0, 30, 1)


def test_an_event_of_a_second_attempt_says_where_its_line_stands(tmp_path: Path) -> None:
    """Its offset is that of the line in its file, as if it had loaded at once."""
    path = write(tmp_path / "log.jsonl", line(1), without_run(2), line(3))
    with open_in_memory() as database:
        load(database, [path])
        retry(database, run="run-1")
        offsets = [row["byte_offset"] for row in rows(database.connection, "SELECT byte_offset FROM event ORDER BY seq")]
        assert offsets == [path.read_bytes().index(text) for text in (line(1), without_run(2), line(3))]


def test_a_line_that_is_known_from_elsewhere_leaves_as_a_duplicate(tmp_path: Path) -> None:
    """The event came in another file: nothing is doubled, and the line is no longer refused."""
    with open_in_memory() as database:
        load(database, [write(tmp_path / "poor.jsonl", without_run(1))])
        load(database, [write(tmp_path / "named.jsonl", without_run(1))], run="run-1")
        assert counted(retry(database, run="run-1")) == (1, 0, 1, 0)
        assert listed(database.connection) == []
        assert ledger_closes(database)


def test_a_line_that_was_taken_for_another_format_loads_with_a_mapping(tmp_path: Path) -> None:
    """Only the file that was asked for is tried; its neighbour keeps its reason."""
    notes = write(tmp_path / "notes.txt", b"2026-01-31T12:00:00Z w-1 rested", b"nothing of the sort")
    other = write(tmp_path / "other.jsonl", b"bad")
    (tmp_path / "notes.toml").write_text(MAPPING)
    with open_in_memory() as database:
        load(database, [notes, other])
        attempt = retry(database, Wanted(file=str(notes)), mapping=str(tmp_path / "notes.toml"), run="run-1")
        assert counted(attempt) == (2, 1, 0, 1)
        assert [(each.line_no, each.reason) for each in listed(database.connection)] == [(2, "unmapped"), (1, "not_json")]
        assert ledger_closes(database)


def test_a_line_that_is_kept_in_part_is_not_tried_and_that_is_said(tmp_path: Path) -> None:
    """Half of a line is no line; the way out is its file."""
    long = line(1, run_id=None, reason="x" * 150, data={"text": "y" * 70_000})
    with open_in_memory() as database:
        load(database, [write(tmp_path / "log.jsonl", long, without_run(2))])
        attempt = retry(database, run="run-1")
        assert (attempt.events, attempt.untried, len(attempt.because)) == (1, 1, 1)
        assert "ingest their files again" in attempt.because[0]
        assert [each.line_no for each in listed(database.connection)] == [1]
        assert ledger_closes(database)


def test_an_interrupted_attempt_leaves_each_line_refused_or_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving the table and becoming an event are one transaction; the next attempt finishes the rest."""
    path = write(tmp_path / "log.jsonl", *(without_run(number) for number in range(1, 21)))
    with open_in_memory() as database:
        load(database, [path])
        tried: list[int] = []

        def stop_in_fourth(counts: Any) -> None:
            tried.append(counts.lines)
            if len(tried) == 4:
                raise KeyboardInterrupt

        monkeypatch.setattr("ingest.batch.Counts.check", stop_in_fourth)
        with pytest.raises(KeyboardInterrupt):
            retry(database, run="run-1", chunk_bytes=1)
        monkeypatch.undo()
        (state,) = rows(database.connection, "SELECT count(*) AS n FROM event")
        assert 0 < state["n"] < 20
        assert len(listed(database.connection)) == 20 - state["n"]
        assert ledger_closes(database)
        retry(database, run="run-1")
        assert rows(database.connection, "SELECT count(*) AS n FROM event") == [{"n": 20}]
        assert listed(database.connection) == []


@pytest.mark.fault("C26")
@pytest.mark.parametrize("lines_max", [7, 100_000])
def test_nothing_but_bad_lines_takes_no_more_memory_than_good_ones(lines_max: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept by one statement for many, and as many at once as are judged at once: the first of each need bounds the other."""
    monkeypatch.setattr("ingest.reading.CHUNK_LINES_MAX", lines_max)
    count = 10_000 if lines_max > 1000 else 100
    path = write(tmp_path / "log.jsonl", *(b"bad %d" % number for number in range(count)))
    with open_in_memory(Limits(memory_mib=128)) as database:
        report = load(database, [path])
        assert (report.lines, report.quarantined) == (count, count)
        assert load(database, [path]).quarantined == count
        kept = rows(database.connection, "SELECT line_no, byte_offset, raw FROM rejected_line ORDER BY byte_offset")
        text = path.read_bytes()
        assert [row["line_no"] for row in kept] == list(range(1, count + 1))
        assert all(text[row["byte_offset"] :].startswith(row["raw"] + b"\n") for row in kept)
        assert ledger_closes(database)
