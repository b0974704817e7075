"""S9: without the token, under another name, or from another page nothing is told; paths lead nowhere but to pages."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from ingest.errors import UsageError
from tests.serve.conftest import TOKEN, UPGRADE, Client, served
from timeline.server.run import Address, token_of

ROUTES = (
    "/",
    "/what_leaked/",
    "/what_leaked/ws",
    "/what_leaked/api/status",
    "/ws",
    "/api/status",
    "/events",
    "/v1/logs",
    "/metrics",
    "/database",
)
DOTS = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "%252e%252e%252f", "..%c0%af", ".%00./")
TRAVERSALS = [f"/what_leaked/{place}/{dots * 6}etc/passwd" for place in ("assets", "@file", "public") for dots in DOTS]


@pytest.mark.parametrize("path", ROUTES)
def test_s9_no_token_no_answer(shared: Client, path: str):
    body = b"{}" if path in {"/events", "/v1/logs"} else None
    assert shared.ask(path, body, token=None).status == 401
    assert shared.ask(path, body, token="x" + TOKEN).status == 401
    assert shared.ask(path, body, token=None, Cookie="timeline_token=wrong").status == 401


def test_s9_the_printed_address_gives_a_browser_the_token_and_keeps_the_rest_of_it(shared: Client):
    """The token leaves the address, where it would be seen and remembered; a deep link stays what it was."""
    welcome = shared.ask(f"/what_leaked?run=a%26b&access_token={TOKEN}", token=None)
    assert (welcome.status, welcome.headers["location"]) == (303, "/what_leaked?run=a%26b")
    assert welcome.headers["set-cookie"] == f"timeline_token={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert shared.ask("/", token=None, Cookie=f"timeline_token={TOKEN}").status == 200
    assert shared.ask(f"//evil.example/?access_token={TOKEN}", token=None).headers["location"] == "/evil.example/"


@pytest.mark.parametrize("path", ["/", "/what_leaked/", "/metrics", "/database"])
def test_s9_another_host_or_origin_is_refused(shared: Client, path: str):
    assert shared.ask(path, Host="evil.example").status == 403
    assert shared.ask(path, Host=f"evil.example:{shared.port}").status == 403
    assert shared.ask(path, Origin="http://evil.example").status == 403
    assert shared.ask(path, Origin="null").status == 403


def test_s9_a_websocket_from_another_page_or_name_is_refused(shared: Client):
    path = "/what_leaked/ws?session_id=s"
    assert shared.ask_with(UPGRADE, path, token=None).status == 403
    assert shared.ask_with(UPGRADE | {"Origin": "http://evil.example"}, path).status == 403
    assert shared.ask_with(UPGRADE | {"Host": "evil.example"}, path).status == 403


def test_s9_our_own_names_are_let_in(shared: Client):
    for host in (f"127.0.0.1:{shared.port}", f"localhost:{shared.port}"):
        assert shared.ask("/", Host=host, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize("path", ["/what_leaked/terminal/ws", "/terminal/ws", "/what_leaked/lsp/pylsp", "/what_leaked/mcp/server"])
def test_s9_the_editor_of_marimo_is_not_there(shared: Client, path: str):
    assert shared.ask(path).status == 404
    assert shared.ask_with(UPGRADE | {"Origin": f"http://127.0.0.1:{shared.port}"}, path).status == 403


@pytest.mark.parametrize("path", TRAVERSALS)
def test_s9_no_path_leads_out(shared: Client, path: str):
    answer = shared.ask(path)
    assert (answer.status, b"root:" in answer.body) == (404, False)


def test_probes_and_nothing_else_are_open(shared: Client):
    """Whoever asks whether the process lives has no token, and knows it by its address only; the answer tells nothing of the log."""
    for path in ("/healthz", "/readyz"):
        assert shared.ask(path, token=None, Host="10.0.0.1:8080").status in {200, 503}
    assert shared.ask("/healthz/", token=None).status == 401


def test_gauges_are_open_only_where_that_is_asked_for(database: Path):
    with served(database, has_open_metrics=True) as client:
        assert client.ask("/metrics", token=None, Host="scraped.example:9090").status == 200
        assert client.ask("/", token=None).status == 401


def test_s9_beyond_this_machine_nobody_listens_by_accident(tmp_path: Path):
    assert Address.of("127.0.0.1:0").is_loopback
    assert not Address.of("0.0.0.0:2718").is_loopback
    assert str(Address.of("[::1]:80")) == "[::1]:80"
    with pytest.raises(UsageError, match="write ADDRESS:PORT"):
        Address.of("nonsense")
    (tmp_path / "short").write_text("secret\n")
    with pytest.raises(UsageError, match="16 to 200") as refused:
        token_of(tmp_path / "short")
    assert "secret" not in str(refused.value)


def test_an_endless_header_ends_the_connection(shared: Client):
    """Memory does not grow with what somebody without a token sends."""
    try:
        status = shared.ask("/", token=None, X="y" * 1_000_000).status
    except (http.client.HTTPException, ConnectionError):
        status = 400
    assert status == 400
