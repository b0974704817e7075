"""What happens to a followed file between two looks, case by case; tests/ingest/test_follow_model.py mixes them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ingest.chunks import NUL_RUN_BYTES_MIN
from ingest.database import Database
from ingest.errors import UsageError
from ingest.follow import OPEN_MAX
from ingest.in_memory import open_in_memory
from tests.ingest.following import StandingClock, append, follower_of, following, known
from tests.ingest.harm import remount, small_disk
from tests.ingest.lines import line, rows
from timeline.refresh import refresh


def text(*numbers: int) -> bytes:
    """These lines of a log."""
    return b"".join(line(number) + b"\n" for number in numbers)


def refused(database: Database) -> list[tuple[str, int, int]]:
    """Reason, offset and length of every refused line."""
    asked = "SELECT reason, byte_offset, byte_length FROM rejected_line ORDER BY byte_offset"
    return [(row["reason"], row["byte_offset"], row["byte_length"]) for row in rows(database.connection, asked)]


@pytest.mark.fault("B4", "B5", "B6", "B7")
@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("is_recreated", [True, False], ids=["recreated", "truncated"])
@pytest.mark.parametrize("numbers", [(31,), (31, 32, 33), (1, 2, 3, 4), (1, 2, 31, 32)], ids=["shorter", "as long", "same", "same head"])
def test_a_file_that_begins_anew_is_read_anew(numbers: tuple[int, ...], is_recreated: bool, is_running: bool, tmp_path: Path) -> None:
    """Whatever its length and its inode are now; nothing is lost, nothing is doubled."""
    path = tmp_path / "log.jsonl"
    with open_in_memory() as database:
        follower = follower_of(database, path)
        append(path, text(1, 2, 3))
        follower.poll()
        if not is_running:
            follower.close()
            follower = follower_of(database, path)
        if is_recreated:
            path.unlink()
        path.write_bytes(text(*numbers))
        follower.poll()
        follower.close()
        assert known(database) == sorted({1, 2, 3, *numbers})


@pytest.mark.fault("B5", "B8")
@pytest.mark.parametrize("is_other_file", [True, False])
def test_a_long_header_and_the_end_of_a_line_are_not_what_a_file_is_known_by(is_other_file: bool, tmp_path: Path) -> None:
    """Two files of one length that begin with the same 100,000 bytes and end with the same 500 are two files."""
    header = b"\n" * 100_000
    ending = {"kind": "gadget.polished", "data": {"settings": "x" * 500}}
    with following(tmp_path) as (follower, database):
        (tmp_path / "log.jsonl").write_bytes(header + line(1, **ending) + b"\n")
        follower.poll()
        (tmp_path / ("log.jsonl.1" if is_other_file else "log.jsonl")).write_bytes(header + line(2, **ending) + b"\n")
        follower.poll()
        assert known(database) == [1, 2]


@pytest.mark.fault("B9")
def test_many_rotations_between_two_looks_lose_no_file_that_still_has_a_name(tmp_path: Path) -> None:
    """Three between two looks, and many in all."""
    path, last = tmp_path / "log.jsonl", 24
    with following(tmp_path) as (follower, database):
        for number in range(1, last + 1):
            append(path, text(number))
            if number % 3 == 0:
                follower.poll()
            path.rename(tmp_path / f"log.jsonl.{number}")
        follower.poll()
        assert known(database) == list(range(1, last + 1))
        assert follower.report().duplicates == 0


@pytest.mark.fault("B11")
def test_every_name_of_a_file_leads_to_it_once(tmp_path: Path) -> None:
    """A hard link, a link, two sources; and the database is no source."""
    path = tmp_path / "log.jsonl"
    append(path, text(1))
    os.link(path, tmp_path / "log.jsonl.hard")
    (tmp_path / "log.jsonl.soft").symlink_to(path)
    with open_in_memory() as database:
        follower = follower_of(database, path, tmp_path / "log.jsonl*", tmp_path)
        follower.poll()
        append(tmp_path / "log.jsonl.hard", text(2))
        follower.poll()
        follower.close()
        assert (known(database), follower.report().duplicates, follower.report().files) == ([1, 2], 0, 1)
        for own in ("t.duckdb", "t.duckdb.wal", "t.duckdb.lock"):
            (tmp_path / own).touch()
            with pytest.raises(UsageError, match="the database itself"):
                follower_of(database, f"{tmp_path}/{own}*", own=tmp_path / "t.duckdb").poll()


@pytest.mark.fault("B12")
def test_an_event_that_comes_byte_by_byte_with_a_restart_between_loads_once_and_whole(tmp_path: Path, kills: int | None) -> None:
    """At every place of it in the long target, at every eighth here."""
    path, whole = tmp_path / "log.jsonl", text(1)
    with open_in_memory() as database:
        for place in range(1, len(whole), 1 if kills is None else 8):
            path.write_bytes(whole[:place])
            follower = follower_of(database, path)
            follower.poll()
            follower.close()
            assert (follower.report().pending, follower.report().lines) == (1, 1)
        path.write_bytes(whole)
        follower = follower_of(database, path)
        follower.poll()
        follower.close()
        assert known(database) == [1]


@pytest.mark.fault("B13", "A17")
def test_half_a_line_waits_an_hour_and_a_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    """Nothing forces it out; lag is by the monotonic clock and never negative, whatever the wall clock says."""
    path, clock = tmp_path / "log.jsonl", StandingClock()
    with open_in_memory() as database:
        follower = follower_of(database, path, clock=clock)
        append(path, line(1)[:100])
        follower.poll()
        clock.sleep(3600)
        follower.poll()
        assert (follower.report().lines, follower.report().pending) == (1, 1)
        for number, jump_seconds in enumerate((86_400, -86_400, 0)):
            clock.wall_offset_seconds = jump_seconds
            append(path, line(1)[100:] + b"\n" if number == 0 else text(number + 1))
            follower.poll()
        follower.close()
        assert known(database) == [1, 2, 3]
        (lag,) = rows(database.connection, "SELECT lag_us, lag_bytes FROM follow_lag")
        assert lag == {"lag_us": 0, "lag_bytes": 0}


@pytest.mark.fault("B14")
def test_lines_that_two_writers_tore_into_each_other_cost_themselves_only(tmp_path: Path) -> None:
    """Merged and torn lines are refused; the lines beside them load."""
    one, other = line(1), line(2)
    torn = one[:200] + other + b"\n" + one[200:] + b"\n" + line(3) + line(4) + b"\n" + line(5) + b"\n"
    with following(tmp_path) as (follower, database):
        append(tmp_path / "log.jsonl", torn)
        follower.poll()
        assert known(database) == [5]
        assert [reason for reason, _, _ in refused(database)] == ["not_json"] * 3


@pytest.mark.fault("B15")
def test_many_files_are_followed_with_few_open(tmp_path: Path, kills: int | None) -> None:
    """A fifth of them grows; descriptors stay bounded, and every line is read. A thousand of them in the long target."""
    paths = [tmp_path / f"log.jsonl.{number}" for number in range(1000 if kills is None else 200)]
    for path in paths:
        path.touch()
    before = open_files()
    with following(tmp_path) as (follower, database):
        follower.poll()
        for number, path in enumerate(paths[::5]):
            append(path, text(number))
        for _ in range(len(paths) // OPEN_MAX + 2):
            follower.poll()
            assert open_files() - before <= OPEN_MAX
        assert known(database) == list(range(len(paths) // 5))


def open_files() -> int:
    """Descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.fault("B17")
def test_a_folder_that_is_made_anew_is_followed_again(tmp_path: Path) -> None:
    """Gone, it is waited for; the files of the new one are new files."""
    folder = tmp_path / "logs"
    with open_in_memory() as database:
        follower = follower_of(database, folder / "*.jsonl")
        for number in range(1, 4):
            folder.mkdir()
            append(folder / "log.jsonl", text(number))
            follower.poll()
            shutil.rmtree(folder)
            follower.poll()
        follower.close()
        assert known(database) == [1, 2, 3]


@pytest.mark.tools
@pytest.mark.fault("B17")
def test_another_file_system_on_the_folder_is_followed_and_the_file_below_it_resumed(tmp_path: Path) -> None:
    """Mounted over and taken away again: both files load once."""
    folder = tmp_path / "logs"
    folder.mkdir()
    append(folder / "log.jsonl", text(1))
    with open_in_memory() as database:
        follower = follower_of(database, folder / "*.jsonl")
        follower.poll()
        with small_disk(folder, 1):
            append(folder / "log.jsonl", text(2))
            follower.poll()
            remount(folder, "ro")
            follower.poll()
        append(folder / "log.jsonl", text(3))
        follower.poll()
        follower.close()
        assert (known(database), follower.report().duplicates) == ([1, 2, 3], 0)


@pytest.mark.fault("B2", "B3")
@pytest.mark.parametrize("length", [NUL_RUN_BYTES_MIN, 5001, 3_000_000])
def test_a_run_of_nuls_is_refused_once_and_the_event_behind_it_loads(length: int, tmp_path: Path) -> None:
    """A file was cut under a writer that goes on at its old place; while nothing follows the run, it waits."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, text(1))
        follower.poll()
        path.write_bytes(bytes(length))
        follower.poll()
        assert refused(database) == []
        append(path, text(4) + bytes(5000) + text(5))
        follower.poll()
        append(path, text(6))
        follower.poll()
        assert known(database) == [1, 4, 5, 6]
        assert refused(database) == [("nul", 0, length), ("nul", length + len(text(4)), 5000)]
        counted = follower.report()
        assert (counted.lines, counted.events, counted.quarantined, counted.duplicates) == (6, 4, 2, 0)
        refresh(database.connection)
        assert rows(database.connection, "SELECT first_missing, last_missing FROM evidence_gap") == [
            {"first_missing": 2, "last_missing": 3}
        ]


@pytest.mark.fault("C16")
def test_a_line_that_outgrows_every_limit_while_it_is_written_waits_and_is_refused_once(tmp_path: Path) -> None:
    """Its end decides where the next line begins."""
    path = tmp_path / "log.jsonl"
    with following(tmp_path) as (follower, database):
        append(path, text(1))
        for _ in range(3):
            append(path, b"x" * 700_000)
            follower.poll()
        assert refused(database) == []
        append(path, b"\n" + text(2))
        follower.poll()
        append(path, text(3))
        follower.poll()
        assert (known(database), refused(database)) == ([1, 2, 3], [("line_too_long", len(text(1)), 2_100_000)])
        assert follower.report().quarantined == 1


@pytest.mark.fault("E13")
def test_where_reading_stopped_is_known_to_the_database_that_read(tmp_path: Path) -> None:
    """Two databases read one file; one database reads files of one path from two machines."""
    path = tmp_path / "log.jsonl"
    append(path, text(1, 2))
    with open_in_memory() as first, open_in_memory() as second:
        for database in (first, second, first):
            follower = follower_of(database, path)
            follower.poll()
            follower.close()
        assert (known(first), known(second)) == ([1, 2], [1, 2])
        path.rename(tmp_path / "of_another_machine")
        append(path, text(11, 12))
        follower = follower_of(first, path)
        follower.poll()
        follower.close()
        assert known(first) == [1, 2, 11, 12]
