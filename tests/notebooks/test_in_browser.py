"""The notebook in a real Chromium: it answers, and nothing that an event says is obeyed.

First a page without our helpers and without our guard must be caught executing the payloads; else the test would prove nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request, expect, sync_playwright

from reference_cluster.demo import DEMO
from tests.house import ROOT
from tests.notebooks.conftest import load_into
from timeline.api import Timeline

pytestmark = pytest.mark.tools

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip  # a list of flags
CHARTS = "canvas.marks, svg.marks"
ROWS = "marimo-table tbody tr"
PATIENCE_MS = 90_000
"""How long a loaded machine may take; nothing is decided by it but that a page never came."""

RAW = """
import marimo

app = marimo.App()


@app.cell
def _():
    import json, os
    import marimo as mo
    payloads = json.loads(open(os.environ["PAYLOADS"]).read())
    mo.vstack([mo.md("# Raw"), mo.Html("".join(payloads)), {"says": payloads}])
    return
"""
"""A notebook that breaks the rule of display in both ways: markup of an event, and a plain dict."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium with an empty profile. Missing, it fails the gate, and elsewhere skips."""
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("there is no chromium: `make tools` installs it")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=program, headless=True, args=FLAGS, viewport={"width": 1360, "height": 1000}
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield context
        context.close()


class Canary(BaseHTTPRequestHandler):
    """Notes who asks; payloads point here."""

    hits: list[str] = []  # noqa: RUF012  shared by the handlers on purpose

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def canary() -> Iterator[str]:
    """Address of a listener on another port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def payloads(canary: str) -> list[str]:
    """Texts that want to be obeyed; the marker that they set is `owned` of the top window."""
    mark = "top.owned=(top.owned||0)+1"
    return [
        f'text/html:<iframe srcdoc="<script>{mark}</script>"></iframe>',
        f"<iframe srcdoc='<script>{mark}</script>'></iframe>",
        f"<img src=x onerror='{mark}'>",
        f"<svg onload='{mark}'></svg>",
        f"</td></table></pre><script>{mark}</script>",
        f"<a href='javascript:{mark}'>owned</a>",
        f"{canary}/bare.png",
        f"image/png:{canary}/mime.png",
        f"text/markdown:![x]({canary}/markdown.png)",
        f"<meta http-equiv=refresh content='0;url={canary}/refresh'>",
        f"<style>@import '{canary}/style.css'</style>",
        f"<base href='{canary}/base/'>",
        "{{7*7}} $\\href{javascript:1}{x}$ <marimo-ui-element>",
        "application/json:{bad",
        f"[x]({canary}/link) ![x]({canary}/image.png)",
    ]  # fmt: skip  # one payload a line


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, leaking: Path, payloads: list[str]) -> Path:
    """The leaking cluster, but whatever its findings name is called by a payload: objects, tenants, a reason, the run."""
    with Timeline.open(leaking) as log:
        named = [finding.subject.id for finding in log.detect().findings]
    names = dict(zip(dict.fromkeys([*named, "bolt", "secret_create", "demo"]), payloads, strict=True))

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: renamed(part) for name, part in value.items()}
        if isinstance(value, list):
            return [renamed(part) for part in value]
        return names.get(value, value) if isinstance(value, str) else value

    lines = [json.dumps(renamed(json.loads(line))).encode() for line in DEMO.record(is_fixed=False).lines if b'"recording.' not in line]
    return load_into(tmp_path_factory.mktemp("hostile") / "hostile.duckdb", lines)


def serve(code: str, *arguments: str, **environment: str) -> Iterator[str]:
    """A server in a process of its own; its first line is its address."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=60)


GUARDED = """
import sys
from pathlib import Path
from timeline.server.run import Address, Door, show, token_of
door = Door(Address("127.0.0.1", 0), token_of(None))
show(Path(sys.argv[2]), door, {"raw": Path(sys.argv[1])}, "raw", lambda text: print(text, flush=True))
"""
BARE = """
import socket, sys
import marimo, uvicorn
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
pages = marimo.create_asgi_app(quiet=True).with_app(path="/", root=sys.argv[1]).build()
uvicorn.Server(uvicorn.Config(pages, log_level="error", timeout_graceful_shutdown=1)).run(sockets=[listener])
"""
NOTEBOOK = "import sys; from timeline.cli import main; sys.argv = ['timeline', 'notebook', *sys.argv[1:]]; main()"


@pytest.fixture(scope="module")
def page_of_leak(leaking: Path) -> Iterator[str]:
    """`timeline notebook what_leaked` on the leaking cluster."""
    yield from serve(NOTEBOOK, "what_leaked", "--port", "0", "--db", str(leaking))


@pytest.fixture(scope="module")
def page_of_hostile(hostile: Path) -> Iterator[str]:
    """`timeline notebook what_leaked` on the hostile log."""
    yield from serve(NOTEBOOK, "what_leaked", "--port", "0", "--db", str(hostile))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, payloads: list[str]) -> tuple[Path, Path]:
    """The notebook that shows payloads raw, and the file of the payloads."""
    folder = tmp_path_factory.mktemp("raw")
    (folder / "raw.py").write_text(RAW)
    (folder / "payloads.json").write_text(json.dumps(payloads))
    return folder / "raw.py", folder / "payloads.json"


class Watch:
    """What a page did that nobody asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.outside: list[str] = []
        self.windows: list[Page] = []
        page.on("dialog", self._dialog)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("popup", self._window)
        page.on("request", self._request)

    def _window(self, window: Page) -> None:
        self.windows.append(window)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.outside.append(request.url)

    def owned(self) -> bool:
        """Whether a payload set the marker in any frame."""
        return any(frame.evaluate("Boolean(window.owned)") for frame in self.page.frames)


@pytest.fixture
def watch(browser: BrowserContext) -> Iterator[Watch]:
    Canary.hits.clear()
    page = browser.new_page()
    yield Watch(page)
    page.close()


def opened(watch: Watch, address: str, heading: str) -> None:
    watch.page.goto(address)
    watch.page.get_by_role("heading", name=heading).wait_for()
    expect(watch.page.locator(CHARTS)).to_have_count(2)


def board(page: Page) -> Iterator[Locator]:
    """Every row of the table of findings, page by page; a table is out of reach of the text of its page."""
    rows, following = page.locator(ROWS), page.get_by_test_id("next-page-button")
    while True:
        yield from rows.all()
        if following.count() == 0 or following.is_disabled():
            return
        first = rows.first.locator("td").nth(3).inner_text()
        following.click()
        expect(rows.first).not_to_contain_text(first)


def test_control_a_page_that_shows_events_raw_is_caught_executing(watch: Watch, raw: tuple[Path, Path]):
    """Without helpers and without guard the same payloads run: what the other tests look for can be seen."""
    for address in serve(BARE, str(raw[0]), PAYLOADS=str(raw[1])):
        watch.page.goto(address)
        watch.page.wait_for_function("window.owned > 0")
        assert watch.owned()
        assert Canary.hits


def test_the_guard_alone_keeps_payloads_from_running(watch: Watch, raw: tuple[Path, Path]):
    """The same raw page behind our policy: nothing runs, and nothing is fetched."""
    for address in serve(GUARDED, str(raw[0]), "none.duckdb", PAYLOADS=str(raw[1])):
        watch.page.goto(address)
        expect(watch.page.locator("body")).to_contain_text("mime.png")
        assert not watch.owned()
        assert set(Canary.hits) <= {"/refresh"}, "no policy keeps a meta tag from leading a page away; the helpers do"
        assert any("Content Security Policy" in text for text in watch.console), "the policy was never asked"


def test_the_planted_leak_is_the_first_thing_to_read(watch: Watch, page_of_leak: str):
    opened(watch, page_of_leak, "Make it happen again")
    assert "findings last to the end of the log" in watch.page.inner_text("body")
    assert any("nobody held the lease janitor for 4m55s" in row.inner_text() for row in board(watch.page))
    assert "access_token" not in watch.page.url
    assert (watch.console, watch.outside) == ([], [])


def test_a_filter_changes_the_board(watch: Watch, page_of_leak: str):
    opened(watch, page_of_leak, "Make it happen again")
    rows = watch.page.locator(ROWS)
    before = rows.count()
    watch.page.get_by_text("Select...").first.click()
    watch.page.get_by_role("option", name="warning", exact=True).click()
    expect(rows).not_to_have_count(before)
    assert set(rows.locator("td:nth-child(2)").all_inner_texts()) == {"warning"}


def test_nothing_that_an_event_says_is_obeyed(watch: Watch, page_of_hostile: str, hostile: Path):
    """Every finding can be read as it is, and none is an element, a script, a dialog, a window or a request."""
    opened(watch, page_of_hostile, "Make it happen again")
    text = ""
    for row in board(watch.page):
        row.get_by_role("checkbox").check()
        expect(watch.page.locator(CHARTS)).to_have_count(2)
        for canvas in watch.page.locator(CHARTS).all():
            canvas.hover()
        text += row.inner_text()
    with Timeline.open(hostile) as log:
        assert [finding.says for finding in log.detect().findings if finding.says not in text] == []
    assert not watch.owned()
    assert (watch.dialogs, watch.windows, Canary.hits, watch.outside) == ([], [], [], [])
    assert (
        watch.page.locator(
            "iframe, meta[http-equiv=refresh], [src*='.png'][src*='127.0.0.1'], base[href*='/base/'], a[href^=javascript]"
        ).count()
        == 0
    )
    assert watch.console == []


# ---- without the token, or from elsewhere


def answer(address: str, path: str, **headers: str) -> int:
    """The status of one request."""
    host = address.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


def test_who_has_no_token_or_comes_from_another_page_gets_nothing(page_of_leak: str):
    token = page_of_leak.partition("?")[2]
    for path in ("/", "/api/status", "/health", "/assets/x.js", "/ws"):
        assert answer(page_of_leak, path) == 401, path
    assert answer(page_of_leak, f"/?{token}x") == 401
    assert answer(page_of_leak, f"/?{token}") == 303
    cookie = f"timeline_token={token.partition('=')[2]}"
    assert answer(page_of_leak, "/", Cookie=cookie) == 200
    assert answer(page_of_leak, "/", Cookie=cookie, Host="evil.example") == 403
    assert answer(page_of_leak, "/", Cookie=cookie, Origin="http://evil.example") == 403
    assert answer(page_of_leak, "/ws?session_id=s", Cookie=cookie, Origin="http://evil.example", **UPGRADE) == 403
    assert answer(page_of_leak, "/terminal/ws", Cookie=cookie) == 404
    for path in ("/assets/../../../etc/passwd", "/@file/../../etc/passwd", "/public/%2e%2e/%2e%2e/etc/passwd"):
        assert answer(page_of_leak, path, Cookie=cookie) in {403, 404}, path
