"""Signals, pauses, and several processes at one database: the codes of the exit table, and every event once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.database import open_for_read, open_for_write
from ingest.load import load
from tests.ingest.harm import ROOT, holds_everything_once, small_log, start
from tests.ingest.lines import line, lines, rows

MANY = 5_000


def program(*arguments: str) -> subprocess.Popen[bytes]:
    """The program itself."""
    return subprocess.Popen([sys.executable, "-m", "timeline", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A log that takes a while."""
    path = tmp_path / "big.jsonl"
    path.write_bytes(b"".join(line(number) + b"\n" for number in range(MANY)))
    return path


def counted(database: Path) -> dict[str, int]:
    """Events, and different ones."""
    with open_for_read(database, lock_timeout_seconds=60.0) as reader:
        return rows(reader.connection, "SELECT count(*) AS n, count(DISTINCT (run_id, event_id)) AS ids FROM event")[0]


def until_it_loads(process: subprocess.Popen[bytes], database: Path) -> None:
    """Wait until the process has the database open for writing."""
    lock = database.with_name(f"{database.name}.lock")
    while not (lock.exists() and lock.read_bytes().strip() == str(process.pid).encode() and database.exists()):
        assert process.poll() is None


def loaded_again(log: Path, database: Path) -> None:
    """The same ingest, undisturbed."""
    with open_for_write(database) as opened:
        load(opened, [log]).check()


@pytest.mark.fault("A5")
@pytest.mark.parametrize(
    ("sent", "code"), [([signal.SIGTERM], 143), ([signal.SIGINT, signal.SIGINT], 130)], ids=["SIGTERM", "SIGINT twice"]
)
def test_a_signal_ends_an_ingest_and_the_next_one_goes_on(sent: list[signal.Signals], code: int, big: Path, database: Path) -> None:
    """Wherever it meets it, in a query of DuckDB or between two."""
    with program("ingest", "--db", str(database), str(big)) as process:
        until_it_loads(process, database)
        for number in sent:
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, b"")
    loaded_again(big, database)
    assert counted(database) == {"n": MANY, "ids": MANY}


@pytest.mark.fault("A6", "E2")
def test_a_process_that_is_paused_keeps_the_database_and_one_that_is_killed_gives_it_back(big: Path, database: Path) -> None:
    """Whoever waits is told of the holder; the lock goes with it, and what it had loaded stays or comes again."""
    with start("ingest", database, big, chunk_bytes=1_000_000) as process:
        until_it_loads(process, database)
        process.send_signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        with program("ingest", "--lock-timeout", "60", "--db", str(database), str(big)) as waiting:
            assert waiting.stderr is not None
            assert f"waiting for process {process.pid}".encode() in waiting.stderr.readline()
            process.kill()
            assert waiting.wait(timeout=60) == 0
    assert counted(database) == {"n": MANY, "ids": MANY}


@pytest.mark.fault("A6")
def test_a_process_that_was_paused_goes_on(big: Path, database: Path) -> None:
    """As if nothing had been."""
    with start("ingest", database, big, chunk_bytes=1_000_000) as process:
        until_it_loads(process, database)
        process.send_signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert counted(database) == {"n": MANY, "ids": MANY}


@pytest.mark.fault("E1")
def test_ingests_at_once_lose_nothing_and_double_nothing(tmp_path: Path, database: Path, kills: int | None) -> None:
    """Of one log and of others: each waits for its turn. Fifty times in the long target."""
    log = small_log(tmp_path)
    for _ in range(50 if kills is None else 1):
        processes = [start("ingest", database, log) for _ in range(3)]
        codes = [process.wait(timeout=120) for process in processes]
        for process in processes:
            process.communicate()
        assert codes == [0, 0, 0]
        assert holds_everything_once(database)
        database.unlink()


@pytest.mark.fault("E5", "B18")
def test_readers_and_a_follower_take_turns(tmp_path: Path, database: Path) -> None:
    """A reader waits for a batch and no longer, whatever is followed; the follower waits for the readers, and loses nothing."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(10))
    with program("ingest", "--follow", "--poll", "0.01", "--json", "--db", str(database), str(path)) as follower:
        while not database.exists():
            assert follower.poll() is None
        seen = 0
        for number in range(1, 11):
            with path.open("ab") as file:
                file.write(line(10 + number) + b"\n")
            with open_for_read(database, lock_timeout_seconds=60.0) as one, open_for_read(database, lock_timeout_seconds=60.0) as other:
                found = [rows(reader.connection, "SELECT count(*) AS n FROM event")[0]["n"] for reader in (one, other)]
            assert seen <= found[0] <= found[1] <= 10 + number
            seen = found[0]
        while counted(database)["n"] < 20:
            assert follower.poll() is None
        follower.send_signal(signal.SIGTERM)
        out, _ = follower.communicate(timeout=60)
    assert (follower.returncode, json.loads(out)["events"]) == (143, 20)
    open_for_write(database, lock_timeout_seconds=0.0).close()
