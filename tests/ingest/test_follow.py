"""Follow mode: what was in the files while it could be read is in the database exactly once, whatever happens to the files."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.database import open_for_read, open_for_write
from ingest.follow import Follower
from tests.ingest.following import StandingClock, append, following, known
from tests.ingest.lines import line, lines, rows
from timeline.refresh import refresh


def test_a_last_line_waits_for_its_end(tmp_path: Path) -> None:
    """Not even a whole object is taken before its line end is there, so that every look counts each line once."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, _):
        for piece, events, pending in ((line(1)[:100], 0, 1), (line(1)[100:], 0, 1), (b"\n", 1, 0), (b"not", 1, 1), (b" json\n", 1, 0)):
            append(path, piece)
            follower.poll()
            assert (follower.report().events, follower.report().pending) == (events, pending)
        assert (follower.report().lines, follower.report().quarantined) == (2, 1)


def test_a_file_that_was_renamed_away_is_read_to_its_end(tmp_path: Path) -> None:
    """The writer goes on in the renamed file for a while, and no source names it any more."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path, "log.jsonl") as (follower, database):
        append(path, lines(2))
        follower.poll()
        with path.open("ab") as writer:
            path.rename(tmp_path / "old")
            append(path, line(4) + b"\n")
            follower.poll()
            writer.write(line(3) + b"\n")
        follower.poll()
        assert known(database) == [1, 2, 3, 4]
        assert follower.report().duplicates == 0


def test_renamed_copied_and_packed_rotations_are_known_by_what_was_read_of_them(tmp_path: Path) -> None:
    """Not one line of a rotation is read again, and what was appended before it is not missed."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, lines(600) + b"not json\n")
        follower.poll()
        append(path, line(601) + b"\n")
        (tmp_path / "log.jsonl.2.gz").write_bytes(gzip.compress(path.read_bytes()))
        shutil.copy(path, tmp_path / "log.jsonl.1")
        path.write_bytes(line(602) + b"\n")
        follower.poll()
        path.rename(tmp_path / "log.jsonl.0")
        follower.poll()
        assert known(database) == list(range(1, 603))
        assert (follower.report().duplicates, follower.report().quarantined) == (0, 1)


def test_a_rewritten_file_is_never_resumed(tmp_path: Path) -> None:
    """The same size, the same inode, the same beginning: the bytes before the offset give it away."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 11)))
        follower.poll()
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 12)))
        follower.poll()
        path.write_bytes(b"".join(line(number) + b"\n" for number in (10, 13, 14)))
        follower.poll()
        assert known(database) == [10, 11, 12, 13, 14]


def test_a_packed_file_that_is_still_written_waits(tmp_path: Path) -> None:
    """It is not refused for being cut, and once whole it loads once."""
    packed, path = gzip.compress(lines(50)), tmp_path / "log.jsonl.gz"
    with following(tmp_path) as (follower, database):
        for cut in (5, len(packed) // 2, len(packed)):
            path.write_bytes(packed[:cut])
            follower.poll()
        report = follower.report()
        assert (known(database), report.quarantined, report.pending) == (list(range(1, 51)), 0, 0)


def test_what_was_destroyed_unread_is_an_evidence_gap(tmp_path: Path) -> None:
    """Nobody can load it, but nobody is told that nothing is missing."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, lines(2))
        follower.poll()
        append(path, line(3) + b"\n")
        path.write_bytes(line(4) + b"\n")
        follower.poll()
        refresh(database.connection)
        holes = rows(database.connection, "SELECT first_missing, last_missing FROM evidence_gap")
        assert holes == [{"first_missing": 3, "last_missing": 3}]


def test_lag_and_last_success_are_in_the_transaction_of_the_events(tmp_path: Path) -> None:
    """A gauge reads how far behind each file was, and when something was last committed."""
    with following(tmp_path) as (follower, database):
        append(tmp_path / "log.jsonl", lines(2) + b"{")
        follower.clock.sleep(1)
        follower.poll()
        asked = "SELECT lag_bytes, lag_us, committed_us FROM follow_lag"
        assert rows(database.connection, asked) == [{"lag_bytes": 1, "lag_us": 0, "committed_us": 1_000_000}]


def test_readers_get_in_between_two_batches_and_a_writer_waits_for_them(tmp_path: Path, database: Path) -> None:
    """The follower holds nothing between its looks; while somebody reads it falls behind, says so once, and catches up."""
    told: list[str] = []
    path, clock = tmp_path / "log.jsonl", StandingClock()
    follower = Follower(lambda: open_for_write(database, lock_timeout_seconds=0.0), [path], clock, own=database, tell=told.append)
    append(path, lines(1))
    follower.poll()
    with open_for_read(database) as reader:
        append(path, line(2) + b"\n")
        follower.poll()
        follower.poll()
        assert known(reader) == [1]
    follower.poll()
    follower.close()
    with open_for_read(database) as reader:
        assert known(reader) == [1, 2]
    assert len(told) == 1


# ---- the program


def program(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "timeline", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_following_with_a_report_and_everything_committed(number: signal.Signals, tmp_path: Path, database: Path) -> None:
    """Exit 130 or 143, one JSON document, and what it says is in the database."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(3) + b"{")
    with program("ingest", "--follow", "--json", "--db", str(database), str(path)) as process:
        while not (database.exists() and loaded_events(database) == 3):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "")
    report = json.loads(out)
    assert (report["files"], report["lines"], report["events"], report["pending"]) == (1, 4, 3, 1)


def loaded_events(database: Path) -> int:
    with open_for_read(database) as reader:
        return len(known(reader))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_long_query(number: signal.Signals, database: Path) -> None:
    """DuckDB breaks the query off; the exit code is the signal's, and the database opens again at once."""
    open_for_write(database).close()
    endless = "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE a.range * b.range % 7 = 3"
    with program("sql", "--db", str(database), endless) as process:
        lock = database.with_name(database.name + ".lock")
        while lock.read_bytes().strip() != str(process.pid).encode():
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, "", "")
    open_for_write(database, lock_timeout_seconds=0.0).close()
