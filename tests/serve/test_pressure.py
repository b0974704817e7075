"""More than can be taken in: who sends is told, nothing that was accepted is dropped, and memory stays bounded."""

from __future__ import annotations

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.errors import StorageFailed
from tests.serve.conftest import TOKEN, eventually, served
from tests.serve.test_events import lines
from timeline.server import intake
from timeline.server.intake import BODY_BYTES_MAX, Body, Intake, IntakeFull


def test_a_full_intake_makes_no_room_until_something_was_answered():
    waiting = Intake(most_bytes=10)
    waiting.reserve(6)
    body = Body(b"123456", None)
    waiting.put(body)
    with pytest.raises(IntakeFull):
        waiting.reserve(5)
    assert waiting.take(100, 0) == [body]
    with pytest.raises(IntakeFull):
        waiting.reserve(5)
    body.answer.set_exception(StorageFailed("full"))
    waiting.reserve(10)
    assert waiting.is_full


def test_bodies_are_taken_in_the_order_in_which_they_came():
    waiting = Intake()
    bodies = [Body(text, None) for text in (b"aaaa", b"bbbb", b"cc")]
    for body in bodies:
        waiting.reserve(len(body.text))
        waiting.put(body)
    assert [waiting.take(8, 0), waiting.take(1, 0), waiting.take(1, 0)] == [bodies[:2], bodies[2:], []]


def test_what_does_not_fit_is_turned_away_and_loads_when_there_is_room(database: Path, monkeypatch: pytest.MonkeyPatch):
    """While the writer is held up, bodies wait until the queue is full; then 429, and in the end each is there exactly once."""
    monkeypatch.setattr(intake.Intake.__init__, "__defaults__", (1000,))
    with served(database) as client, ThreadPoolExecutor(8) as pool:
        with client.owner.at_rest():
            sent = [pool.submit(client.ask, "/events", lines(n)) for n in range(8)]
            eventually(lambda: any(one.done() for one in sent))
            turned = next(one.result() for one in sent if one.done())
            assert (turned.status, turned.headers["retry-after"]) == (429, "1")
        replies = [one.result() for one in sent]
        again = [client.ask("/events", lines(n)).status for n, reply in enumerate(replies) if reply.status == 429]
        assert {reply.status for reply in replies} == {200, 429}
        assert set(again) == {200}
        assert client.owner.writer.events == 8


def test_a_body_that_is_too_large_is_refused_packed_or_not(database: Path):
    with served(database) as client:
        assert client.ask("/events", gzip.compress(b" " * (BODY_BYTES_MAX + 1))).status == 400
        with suppress(BrokenPipeError, ConnectionResetError):  # told before it had sent everything
            assert client.ask("/events", b" " * (BODY_BYTES_MAX + 1)).status == 413
        assert client.owner.intake.held_bytes == 0


def test_a_sender_that_goes_away_harms_nobody(database: Path):
    """It hangs up while its events wait: they are committed all the same, and the writer goes on."""
    request = b"POST /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
    with served(database) as client:
        with client.owner.at_rest(), socket.create_connection(("127.0.0.1", client.port)) as sender:
            sender.sendall(request % (client.port, TOKEN.encode(), len(lines(1))) + lines(1))
            eventually(lambda: client.owner.intake.held_bytes > 0)
        eventually(lambda: client.owner.writer.events == 1)
        assert client.ask("/events", lines(2)).status == 200
        assert client.owner.intake.held_bytes == 0
