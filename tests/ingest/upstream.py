"""A server on loopback that answers as a test wants, and the command that asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typer.testing import CliRunner, Result

from timeline.cli import app

Answer = Callable[[BaseHTTPRequestHandler], None]
T0 = 1767225600
LEADER = {"metric": {"__name__": "leads", "pod": "cp-1"}, "values": [[T0, "0"], [T0 + 60, "1"], [T0 + 120, "1"]]}


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server on loopback that answers so; its address, and the headers of each request that it got."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            try:
                answer(self)
            except OSError:  # the client has gone, which is what it should do
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(status: int, body: bytes, **headers: str) -> Answer:
    """An answer with that body."""

    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name.replace("_", "-"), value)
        to.end_headers()
        to.wfile.write(body)

    return answer


def matrix(*result: dict[str, Any]) -> bytes:
    """A range as Prometheus answers it."""
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def ask(url: str, *more: str) -> Result:
    """The command, for three minutes of one gauge."""
    window = ["--query", "leads", "--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T00:02:00Z"]
    return CliRunner().invoke(app, ["ingest", "prometheus", "--url", url, *window, *more])
