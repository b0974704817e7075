"""Disks that are full, fail or may not be written, and limits of the process: exit 6, nothing committed is lost, the next run ends it."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest.database import Limits, open_for_read, open_for_write
from tests.ingest.harm import (
    EVENTS,
    harmed,
    holds_everything_once,
    ingested,
    need,
    points,
    remount,
    run,
    small_disk,
    small_log,
)
from tests.ingest.lines import line, rows, write

pytestmark = pytest.mark.tools
STORAGE_FAILED = 6
HARMS = {
    "no room once": ("error=ENOSPC", False, ("pwrite64", "write", "ftruncate")),
    "no room any more": ("error=ENOSPC", True, ("pwrite64", "write", "ftruncate")),
    "a disk that fails": ("error=EIO", False, ("pwrite64", "fdatasync", "fsync", "rename", "unlink")),
}
"""What strace answers, whether it does so from then on, and to which calls."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return small_log(tmp_path)


def is_ours(stderr: bytes) -> bool:
    """Whether the message is one line of ours."""
    return stderr.count(b"\n") == 1 and b"Traceback" not in stderr


@pytest.mark.fault("A8", "A9", "A10")
def test_a_write_that_fails_ends_in_exit_6_and_the_next_run_completes(tmp_path: Path, log: Path, kills: int | None) -> None:
    """Or changes nothing, where nothing depends on it. Every point in the long target; here two for each sort, one of them late."""
    need("strace")
    every = points("ingest", tmp_path / "calm.duckdb", log)
    for name, (harm, lasts, calls) in HARMS.items():
        those = [point for point in every if point.call in calls]
        told = 0
        few = [those[len(those) // 2], those[-4], those[len(those) // 4], those[-8], those[-12], those[-16], those[-20]]
        for number, point in enumerate(those if kills is None else few):
            if kills is not None and number >= 2 and told:  # a helper thread may take over a call, so that a point is not reached
                break
            database = tmp_path / f"{point.call}-{point.nth}.duckdb"
            failed = harmed("ingest", database, log, point=point, harm=harm, lasts=lasts)
            place = f"{name} at {point.call} number {point.nth}: {failed.returncode} {failed.stderr.decode()}"
            assert failed.returncode in (0, STORAGE_FAILED), place
            assert not failed.returncode or is_ours(failed.stderr), place
            told += failed.returncode == STORAGE_FAILED
            ingested(database, log)
            assert holds_everything_once(database), place
            database.unlink()
        print(f"{name}: {told} of {len(those)} points failed the ingest")
        assert told, name


@pytest.mark.fault("A16")
def test_a_source_that_cannot_be_read_to_its_end_is_told_about_and_read_on_later(tmp_path: Path) -> None:
    """What came before the error is committed or not; the other sources load, and the next run reads the rest."""
    need("strace")
    big, other = tmp_path / "big.jsonl", small_log(tmp_path)
    big.write_bytes(b"".join(line(number, run_id="big") + b"\n" for number in range(130)))
    database = tmp_path / "timeline.duckdb"
    counted = "SELECT count(*) FILTER (run_id = 'big') AS big, count(*) FILTER (run_id = 'run-1') AS other FROM event"
    some = []
    for late in points("ingest", tmp_path / "calm.duckdb", big, calls=("read",), only=big)[-1:-7:-1]:
        database.unlink(missing_ok=True)
        failed = harmed("ingest", database, big, other, point=late, harm="error=EIO", only=big)
        assert (failed.returncode, is_ours(failed.stderr)) == (STORAGE_FAILED, True)
        assert b"big.jsonl: Input/output error; everything else is loaded" in failed.stderr
        with open_for_read(database) as reader:
            (before,) = rows(reader.connection, counted)
        assert before["other"] == EVENTS
        some.append(before["big"])
        if 0 < before["big"] < 130:
            break
    assert 0 < some[-1] < 130, some
    ingested(database, big)
    with open_for_read(database) as reader:
        assert rows(reader.connection, counted) == [{"big": 130, "other": EVENTS}]


@pytest.mark.fault("A7")
@pytest.mark.parametrize("mebibytes", [4, 8])
def test_a_full_disk_keeps_what_was_committed_and_with_more_room_the_rest_comes(mebibytes: int, tmp_path: Path) -> None:
    """Too small for an empty database, and too small for all of the events."""
    count = 10_000
    log = write(tmp_path / "log.jsonl", *(line(number) for number in range(count)))
    with small_disk(tmp_path / "disk", mebibytes) as disk:
        database = disk / "timeline.duckdb"
        full = run("ingest", database, log, chunk_bytes=1_000_000)
        assert (full.returncode, is_ours(full.stderr)) == (STORAGE_FAILED, True), full.stderr
        assert str(database).encode() in full.stderr
        remount(disk, "size=256m")
        assert run("ingest", database, log, chunk_bytes=1_000_000).returncode == 0
        with open_for_read(database) as reader:
            found = rows(reader.connection, "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM event")
            assert found == [{"n": count, "ids": count}]


@pytest.mark.fault("A14")
def test_a_disk_that_may_only_be_read_is_told_of_before_anything_is_read(tmp_path: Path, log: Path) -> None:
    """No database is made there, one that is there stays as it is and can be read."""
    with small_disk(tmp_path / "disk", 32) as disk:
        database = disk / "timeline.duckdb"
        ingested(database, log)
        content = database.read_bytes()
        remount(disk, "ro")
        for place in (database, disk / "new.duckdb"):
            failed = run("ingest", place, tmp_path / "not_even_looked_for.jsonl")
            assert (failed.returncode, is_ours(failed.stderr)) == (STORAGE_FAILED, True)
            assert b"Read-only file system" in failed.stderr
        assert database.read_bytes() == content
        with open_for_read(database) as reader:
            assert rows(reader.connection, "SELECT count(*) AS n FROM event") == [{"n": EVENTS}]


@pytest.mark.fault("A11")
def test_a_query_that_finds_no_room_to_spill_fails_alone(tmp_path: Path) -> None:
    """The database is as it was, and the next query is answered."""
    with small_disk(tmp_path / "disk", 32) as disk:
        database = disk / "timeline.duckdb"
        open_for_write(database).close()
        content = database.read_bytes()
        with open_for_read(database, Limits(memory_mib=32, threads=1)) as reader:
            with pytest.raises(duckdb.Error):
                reader.connection.execute("SELECT count(DISTINCT hash(range)) FROM range(20_000_000)").fetchall()
            assert rows(reader.connection, "SELECT count(*) AS n FROM event") == [{"n": 0}]
        assert database.read_bytes() == content


LIMITS: dict[str, tuple[int, int]] = {
    "files to 1 MiB": (resource.RLIMIT_FSIZE, 1024 * 1024),
    "five open files": (resource.RLIMIT_NOFILE, 5),
}


def limited(name: str) -> Callable[[], None]:
    """Called in a new process: it gets so much and not more."""
    which, most = LIMITS[name]
    return lambda: resource.setrlimit(which, (most, most))


@pytest.mark.fault("A12")
@pytest.mark.parametrize("name", LIMITS)
def test_a_process_that_gets_too_little_ends_without_harm(name: str, tmp_path: Path, log: Path) -> None:
    """It says so and ends with exit 6."""
    database = tmp_path / "timeline.duckdb"
    failed = run("ingest", database, log, before=limited(name))
    assert (failed.returncode, is_ours(failed.stderr)) == (STORAGE_FAILED, True), failed.stderr
    ingested(database, log)
    assert holds_everything_once(database)


@pytest.mark.fault("A13")
def test_a_process_without_memory_ends_without_harm(tmp_path: Path, log: Path) -> None:
    """It may die, as from a kill, but does not wait for ever for a thread that could not be started; mostly it says so and ends with 6."""
    database = tmp_path / "timeline.duckdb"
    assert run("ingest", database, log, room_bytes=48 * 1024 * 1024).returncode != 0
    ingested(database, log)
    assert holds_everything_once(database)
