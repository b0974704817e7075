"""No server that is asked can harm, hang or rob us: row H7 of the faults that are to be held against."""

from __future__ import annotations

import base64
import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ingest import safe_http
from ingest.errors import UpstreamUnavailable
from ingest.prometheus import SERIES_MAX, Prometheus
from ingest.safe_http import REPLY_BYTES_MAX, BoundedSession, is_forbidden
from tests.ingest.upstream import LEADER, T0, Answer, ask, matrix, reply, served


def endless(to: BaseHTTPRequestHandler) -> None:
    """A gigabyte, as far as it is read."""
    reply(200, b"[")(to)
    for _ in range(1024):
        to.wfile.write(b" " * 1024 * 1024)


HOSTILE: dict[str, Answer] = {
    "html": reply(200, b"<html><body>Please log in</body></html>", Content_Type="text/html"),
    "empty": reply(200, b""),
    "not_an_object": reply(200, b'["data"]'),
    "a_vector": reply(200, matrix({"metric": {}, "value": [T0, "1"], "values": "1"})),
    "no_moment": reply(200, b'{"data":{"result":[{"metric":{},"values":[[NaN,"1"]]}]}}'),
    "endless_moment": reply(200, matrix({"metric": {}, "values": [[float("inf"), "1"]]})),
    "numbers_for_labels": reply(200, matrix({"metric": {"pod": 1}, "values": []})),
    "deep": reply(200, b"[" * 200_000),
    "many_series": reply(200, matrix(*({"metric": {"pod": str(number)}, "values": []} for number in range(SERIES_MAX + 1)))),
    "gzip_bomb": reply(200, gzip.compress(b" " * 64 * 1024 * 1024, 1), Content_Encoding="gzip"),
    "gigabyte": endless,
    "failed": reply(503, b"try later"),
    "forbidden": reply(403, b"no"),
    "cut": reply(200, b'{"status":', Content_Length="1000"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_server_that_does_not_answer_as_prometheus_does_is_exit_9(what: str, database: Path):
    """Whatever it sends: one line that names the server, and no database was made. Of a gigabyte no more is read than allowed."""
    with served(HOSTILE[what]) as (url, asked):
        done = ask(url, "--db", str(database))
    assert (done.exit_code, len(asked), database.exists()) == (9, 1, False)
    assert done.stderr.startswith(f"timeline: asking {url}: ")
    assert done.stderr.count("\n") == 1


def test_no_more_is_read_than_the_cap(monkeypatch: pytest.MonkeyPatch):
    """The answer is dropped at the first block beyond it."""
    read: list[int] = []
    blocks = [b" " * 1024 * 1024] * 1024

    def stream(*_: object, **__: object) -> Iterator[bytes]:
        for block in blocks:
            read.append(len(block))
            yield block

    with served(reply(200, b"")) as (url, _):
        monkeypatch.setattr("urllib3.response.HTTPResponse.stream", stream)
        with pytest.raises(UpstreamUnavailable, match=f"more than {REPLY_BYTES_MAX} bytes"):
            Prometheus(url).ask("up", T0, T0 + 60, 60)
    assert sum(read) == REPLY_BYTES_MAX + len(blocks[0])


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b'HTTP/1.1 200 OK\r\n\r\n{"status":'], ids=["silent", "head", "body"]
)
def test_a_server_that_never_ends_its_answer_is_left(begun: bytes):
    """Also one that goes on sending, a byte at a time, so that no wait for a byte is ever long."""
    is_left = threading.Event()

    def dribble(to: BaseHTTPRequestHandler) -> None:
        to.wfile.write(begun)
        while begun and not is_left.wait(0.01):
            to.wfile.write(b" ")
        is_left.wait(30)

    with served(dribble) as (url, _):
        try:
            with pytest.raises(UpstreamUnavailable, match=r"no whole answer within 0\.2 s"):
                Prometheus(url, BoundedSession(seconds=0.2)).ask("up", T0, T0 + 60, 60)
        finally:
            is_left.set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_a_redirect_is_not_followed_not_even_to_ourselves(status: int):
    with served(reply(200, matrix())) as (inside, reached):
        redirect = reply(status, b"", Location=f"{inside}/api/v1/query_range")
        with served(redirect) as (url, _), pytest.raises(UpstreamUnavailable, match="redirects are not followed"):
            Prometheus(url).ask("up", T0, T0 + 60, 60)
    assert reached == []


def test_a_server_that_is_not_there_is_exit_9_with_the_reason(database: Path):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        done = ask(url, "--db", str(database))
    assert (done.exit_code, done.stderr) == (9, f"timeline: asking {url}: Connection refused\n")


def test_a_query_that_prometheus_cannot_read_is_a_usage_error_with_its_words(database: Path):
    with served(reply(400, b'{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}')) as (url, _):
        done = ask(url, "--db", str(database))
    assert done.exit_code == 2
    assert "parse error: unexpected end" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:70/", "ftp://localhost/", "localhost:9090", "//localhost", "http://", "http://:9090",
        "http://[::1", "http://localhost:99999", "http://localhost/?token=hunter2", "http://localhost/#x", "http://local host/",
        "http://169.254.169.254/", "http://2852039166/", "http://0xa9fea9fe/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://user:hunter2@169.254.169.254/",
    ],
)  # fmt: skip
def test_what_is_no_server_to_ask_is_a_usage_error(url: str, database: Path):
    """Other schemes, what cannot be read, and where clouds keep credentials, however it is written. The URL is not said back."""
    done = ask(url, "--db", str(database))
    assert (done.exit_code, database.exists()) == (2, False)
    assert "--url" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_name_that_leads_to_a_forbidden_address_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    """The address is looked at once the connection stands, before anything is sent: no second look-up can lead elsewhere."""
    with served(reply(200, matrix())) as (url, asked):
        named = url.replace("127.0.0.1", "localhost")
        assert Prometheus(named).ask("up", T0, T0 + 60, 60) == []
        monkeypatch.setattr(safe_http, "_METADATA", {"127.0.0.1"})
        assert not is_forbidden("localhost")
        with pytest.raises(UpstreamUnavailable, match="where clouds keep credentials"):
            Prometheus(named).ask("up", T0, T0 + 60, 60)
    assert len(asked) == 1


def test_no_proxy_and_no_stored_password_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with served(reply(200, matrix())) as (url, asked):
        assert Prometheus(url).ask("up", T0, T0 + 60, 60) == []
    assert "Authorization" not in asked[0]


def echo(status: int) -> Answer:
    """A server that says back what it was sent."""
    return lambda to: reply(status, f"errorType bad_data {to.headers}".encode())(to)


@pytest.mark.parametrize("how", ["url", "file"])
@pytest.mark.parametrize(
    "answer", [reply(200, matrix(LEADER)), echo(400), echo(500), reply(302, b"")], ids=["loaded", "refused", "failed", "redirected"]
)
def test_a_secret_reaches_the_server_and_nothing_else(
    how: str, answer: Answer, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not the terminal, not the database: neither as it is nor as it is sent."""
    sent = {"url": "Basic " + base64.b64encode(b"anna:hunt er2").decode(), "file": "Bearer hunter2"}[how]
    (tmp_path / "token").write_text("hunter2\n")
    with served(answer) as (url, asked):
        if how == "file":
            monkeypatch.setenv("PROMETHEUS_TOKEN_FILE", str(tmp_path / "token"))
        secret_url = url.replace("//", "//anna:hunt%20er2@") if how == "url" else url
        done = ask(secret_url, "--db", str(database))
    assert asked[0]["Authorization"] == sent
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith(database.name))
    for secret in ("hunter2", "hunt er2", "hunt%20er2", sent.split()[1], "anna"):
        assert secret not in done.output
        assert secret.encode() not in written
