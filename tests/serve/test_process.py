"""`timeline serve` as a process: how it begins, how it ends, and what it tells nobody."""

from __future__ import annotations

import http.client
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from ingest.database import open_for_read
from tests.house import ROOT
from tests.serve.conftest import eventually, make_empty
from tests.serve.test_events import lines
from timeline.cli import app

TOKEN = "a-secret-of-this-test"


class Running(NamedTuple):
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    host: str

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the answer."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request("GET" if body is None else "POST", path, body, {"Authorization": f"Bearer {TOKEN}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def running(database: Path, *words: str, before: Callable[[], None] | None = None) -> Iterator[Running]:
    """`timeline serve` on a free port; killed if it does not end."""
    make_empty(database)
    (database.parent / "token").write_text(TOKEN)
    command = [sys.executable, "-m", "timeline", "serve", "--db", str(database), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--token-file", str(database.parent / "token"), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,  # noqa: PLW1509  sets a limit and nothing else
    )
    try:
        assert process.stdout is not None
        yield Running(process, process.stdout.readline().strip().split("/")[2])
    finally:
        process.kill()
        process.communicate()


def events_in(database: Path) -> int:
    with open_for_read(database) as read:
        return int(read.connection.execute("SELECT count(*) FROM event").fetchall()[0][0])


def test_s16_it_follows_files_ends_by_a_signal_and_never_says_its_token(database: Path, tmp_path: Path):
    """What was accepted and what was followed is committed; the token is in no argument and in nothing that is printed."""
    log = tmp_path / "followed.jsonl"
    log.write_bytes(lines(1, 2))
    with running(database, "--follow", str(log)) as server:
        eventually(lambda: b'timeline_ingest_lines_total{result="event"} 2' in server.ask("/metrics")[1])
        assert server.ask("/events", lines(3))[0] == 200
        with log.open("ab") as file:
            file.write(lines(4))
        eventually(lambda: b'timeline_ingest_lines_total{result="event"} 4' in server.ask("/metrics")[1])
        told = Path(f"/proc/{server.process.pid}/cmdline").read_text()
        server.process.send_signal(signal.SIGTERM)
        told += server.process.communicate(timeout=60)[0]
    assert server.process.returncode == 128 + signal.SIGTERM
    assert TOKEN not in told
    assert events_in(database) == 4
    assert sorted(path.name for path in tmp_path.glob("timeline.duckdb*")) == ["timeline.duckdb", "timeline.duckdb.lock"]


def test_a_disk_that_is_full_ends_it_with_6_and_loses_nothing_that_was_acknowledged(database: Path):
    """503 for what could not be committed; what was acknowledged before is there when there is room again."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, resource.RLIM_INFINITY))

    acknowledged, status = 0, 200
    with running(database, before=no_room) as server:
        while status == 200:
            number = 10 * acknowledged
            body = b"".join(lines(1, run=f"r{number}-{n}").replace(b"thing.noted", b"thing." + b"x" * 180) for n in range(4000))
            status, _ = server.ask("/events", body)
            acknowledged += status == 200
        said = server.process.communicate(timeout=60)[0]
    assert (status, server.process.returncode, "what was committed is safe" in said) == (503, 6, True)
    assert events_in(database) >= 4000 * acknowledged


@pytest.mark.parametrize("words", [("--listen", "0.0.0.0:0"), ("--listen", "0.0.0.0:0", "--i-know")])
def test_s9_it_is_not_reached_from_elsewhere_unless_that_is_meant(database: Path, words: tuple[str, ...]):
    """Beyond loopback it wants to be told so, and a token that somebody chose."""
    ended = CliRunner().invoke(app, ["serve", "--db", str(database), *words])
    assert (ended.exit_code, "--i-know and --token-file" in ended.stderr) == (2, True)
    assert not database.exists()
