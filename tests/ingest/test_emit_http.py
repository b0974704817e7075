"""The emitter and a server: what was acknowledged is there once, and what a server answers decides what comes again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import timeline
from ingest.emit import DROPPED, Counts, Emitter
from tests.ingest.test_emit import loaded
from tests.serve import conftest as serve


@contextmanager
def answering(*answers: int | None, **headers: str) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers so, one after another, and then 200; None for taking the events and hanging up. What it was sent."""
    left, bodies = list(answers), list[bytes]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert (self.path, self.headers["Authorization"]) == ("/events", "Bearer hunter2")
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status = left.pop(0) if left else 200
            if status is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def emitter_to(url: str, **options: Any) -> Emitter:
    return Emitter(url, run_id="run", actor="cp-1/pool", incarnation="i", token="hunter2", **options)


def seqs(*bodies: bytes) -> list[int]:
    return [json.loads(line)["seq"] for body in bodies for line in body.splitlines()]


def test_events_reach_a_running_server_and_are_durable_when_it_answered(database: Path):
    with serve.served(database) as client:
        url = f"http://127.0.0.1:{client.port}/"
        with Emitter(url, run_id="run", actor="cp-1/pool", token=serve.TOKEN) as emitter:
            for number in range(25):
                emitter.emit("thing.noted", f"thing/{number % 3}", data={"number": number})
            assert emitter.flush(60)
            assert (emitter.counts(), emitter.problem) == (Counts(25, 25, 0), None)
        with Emitter(url, run_id="run", actor="cp-1/pool", token="wrong") as emitter:
            emitter.emit("thing.noted", "thing/1")
            emitter.close(0)
            assert emitter.counts().written == 0
    with timeline.open(database) as log:
        assert log.sql("SELECT seq FROM event ORDER BY seq").rows() == [(seq,) for seq in range(1, 26)]


@pytest.mark.parametrize("answer", [429, 503, 500, 401, 404, 408, 302])
def test_a_server_that_may_take_events_later_is_sent_them_again(answer: int):
    """It says when. The token is in no message, and no redirect is followed."""
    with answering(answer, answer, Retry_After="0", Location="http://127.0.0.1:1/") as (url, bodies), emitter_to(url) as emitter:
        emitter.emit("a.b", "c/d")
        assert emitter.flush(60)
        assert emitter.counts() == Counts(1, 1, 0)
    assert seqs(*bodies) == [1, 1, 1]


def test_an_event_whose_answer_was_lost_comes_twice_and_is_there_once(tmp_path: Path):
    with answering(None) as (url, bodies), emitter_to(url) as emitter:
        emitter.emit("a.b", "c/d")
        assert emitter.flush(60)
    (tmp_path / "received.jsonl").write_bytes(b"".join(bodies))
    events, twice, refused = loaded(tmp_path / "received.jsonl")
    assert (len(events), twice, refused, emitter.counts()) == (1, 1, 0, Counts(1, 1, 0))


def test_a_server_that_says_400_is_not_asked_again():
    """The events are dropped and counted, and the stream says so."""
    with answering(400) as (url, bodies), emitter_to(url) as emitter:
        emitter.emit("a.b", "c/1")
        assert emitter.flush(60)
        assert (emitter.counts(), emitter.problem) == (Counts(1, 0, 1), "the server answered 400")
        emitter.emit("a.b", "c/2")
    assert seqs(*bodies) == [1, 2, 3]
    assert json.loads(bodies[-1])["kind"] == DROPPED


def test_a_body_that_is_too_large_is_sent_in_halves():
    with answering(None, 413, 413, Retry_After="0") as (url, bodies), emitter_to(url) as emitter:
        for _ in range(50):
            emitter.emit("a.b", "c/d")
        assert emitter.flush(60)
        assert emitter.counts() == Counts(50, 50, 0)
    assert sorted(set(seqs(*bodies))) == list(range(1, 51))


@pytest.mark.parametrize(
    "url", ["http://", "https://anna:hunter2@host/", "http://host/?token=hunter2", "http://host:99999/", "http://ho\nst/", "http://[::1"]
)
def test_a_url_that_is_no_server_is_told_without_what_it_holds(url: str):
    with pytest.raises(ValueError, match="http://HOST:PORT") as told:
        emitter_to(url)
    assert "hunter2" not in str(told.value)


def test_a_token_that_would_be_another_header_is_refused():
    with pytest.raises(ValueError, match="one line of ASCII"):
        Emitter("http://127.0.0.1:1", run_id="run", actor="a/b", token="x\r\nX-Other: y")
