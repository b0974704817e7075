"""A server over a database of its own, on real sockets, in a thread of the test's process."""

from __future__ import annotations

import functools
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ingest.database import open_for_write
from reference_cluster.demo import DEMO
from timeline.refresh import refresh
from timeline.server.owner import Owner
from timeline.server.pages import shipped
from timeline.server.run import Address, Door, owning

TOKEN = "token-of-these-tests"
PATIENCE_SECONDS = 60.0
"""How long a loaded machine may take; nothing is decided by it but that something never came."""

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Client:
    """Asks a server on this machine; with the token, unless it is told otherwise."""

    def __init__(self, port: int, owner: Owner) -> None:
        self.port, self.owner = port, owner

    def ask(self, path: str, body: bytes | None = None, *, token: str | None = TOKEN, **headers: str) -> Reply:
        """The answer to one request: a POST where there is a body."""
        return self.ask_with({name.replace("_", "-"): value for name, value in headers.items()}, path, body, token=token)

    def ask_with(self, headers: dict[str, str], path: str, body: bytes | None = None, *, token: str | None = TOKEN) -> Reply:
        """The same with headers by their own names."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        said = headers if token is None else headers | {"Authorization": f"Bearer {token}"}
        try:
            connection.request("GET" if body is None else "POST", path, body, said)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        with open_for_write(path) as database:
            refresh(database.connection)
        return path.read_bytes()


def make_empty(path: Path) -> None:
    """An empty database with its models, made once and copied: thousands of statements make one."""
    if not path.exists():
        path.write_bytes(_empty())


@contextmanager
def served(database: Path, follow: tuple[str | Path, ...] = (), *, notebooks: bool = False, **door: Any) -> Iterator[Client]:
    """A server over that database while the `with` lasts."""
    make_empty(database)
    told = Door(Address("127.0.0.1", 0), TOKEN, **door)
    with owning(database, told, shipped() if notebooks else {}, follow, lambda _: None) as (server, owner):
        thread = threading.Thread(target=lambda: server.run_until_signal(lambda _: None))
        thread.start()
        try:
            yield Client(server.address.port, owner)
        finally:
            server.stop()
            thread.join()


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fail where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        threading.Event().wait(0.01)


@pytest.fixture(scope="session")
def leak() -> list[bytes]:
    """The event lines of the demonstration's leaking cluster."""
    return [line.rstrip(b"\n") + b"\n" for line in DEMO.record(is_fixed=False).lines]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for the tests that leave no trace, with all notebooks."""
    with served(tmp_path_factory.mktemp("serve") / "shared.duckdb", notebooks=True) as client:
        yield client
