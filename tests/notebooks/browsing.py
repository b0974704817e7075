"""A browser that is watched: what a page did that nobody asked for, and every control of a page tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Download, Frame, Locator, Page, Request

from tests.house import ROOT

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-lcd-text", "--font-render-hinting=none", "--mute-audio",
]  # fmt: skip  # a list of flags
PATIENCE_MS = 90_000
"""How long a loaded machine may take; nothing is decided by it but that something never came."""
CONTROLS_MAX = 2
"""Controls of one kind that are tried on a page."""
CHARTS = "canvas.marks, svg.marks"
ROWS = "marimo-table tbody tr"
"""Rows of a table to choose from."""
NOTEBOOK = "import sys; from timeline.cli import main; sys.argv = ['timeline', 'notebook', *sys.argv[1:]]; main()"
"""`timeline notebook` as a process."""


class Canary(BaseHTTPRequestHandler):
    """Notes who asks; payloads point here."""

    hits: list[str] = []  # noqa: RUF012  shared by the handlers on purpose

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_GET  # noqa: N815  the name that the library asks for

    def log_message(self, *_: object) -> None:
        """Quietly."""


@contextmanager
def listening() -> Iterator[str]:
    """The address of a canary on another port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def process(code: str, *arguments: str, **environment: str) -> Iterator[str]:
    """A server in a process of its own; its first line is its address."""
    started = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert started.stdout is not None
        yield started.stdout.readline().strip()
    finally:
        started.terminate()
        started.communicate(timeout=60)


# All elements, those in shadow trees too; and of them what came from a payload: it runs, leads to another place, or stands for a page.
_ELEMENTS = """canary => {
  const all = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
  const away = value => {
    try { return !['data:', 'blob:'].includes(new URL(value, location).protocol) && new URL(value, location).origin !== location.origin }
    catch { return false }
  };
  const leads = ['src', 'href', 'action', 'srcset', 'data', 'poster', 'xlink:href', 'formaction'];
  const bad = e => {
    const text = e.textContent || '';
    return e.getAttributeNames().some(name => /^on/.test(name) && /owned/.test(e.getAttribute(name)))
      || leads.some(name => e.hasAttribute(name) && away(e.getAttribute(name)))
      || ['iframe', 'embed', 'object', 'frame'].includes(e.localName) || (e.localName === 'meta' && e.httpEquiv === 'refresh')
      || (e.localName === 'script' && text.includes('top.owned')) || (e.localName === 'style' && text.includes(canary));
  };
  return all(document).filter(bad).map(e => e.outerHTML.slice(0, 200));
}"""

# Nothing is computed or drawn, and what can be read has been the same for a while.
_AT_REST = """started => {
  const now = performance.now(), busy = document.querySelector('[data-testid=loading-indicator]');
  const seen = document.body.innerText.length + ' ' + document.querySelectorAll('*').length + ' ' + started;
  if (busy || /Loading chart/.test(document.body.innerText) || !window.rest || window.rest.seen !== seen) window.rest = {seen, since: now};
  return now - window.rest.since > 400;
}"""


class Watch:
    """What a page did that nobody asked for."""

    def __init__(self, context: BrowserContext, canary: str) -> None:
        self.canary = canary
        self.console: list[str] = []
        self.done: list[str] = []
        self.home = ""
        self.rests = 0
        self.page = context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("popup", self._popup)
        self.page.on("download", self._download)
        self.page.on("request", self._request)
        self.page.on("framenavigated", self._navigated)
        Canary.hits.clear()

    def open(self, address: str, first: str = ".tl-answer") -> Page:
        """Open an address, and wait until what comes first is there and the page has come to rest."""
        self.home = "/".join(address.split("/")[:3])
        self.page.goto(address)
        self.page.locator(first).first.wait_for()
        self.rest()
        assert self.page.get_by_text("Bad Data", exact=True).count() == 0, "a control was given what it cannot show"
        return self.page

    def rest(self) -> Page:
        """Wait until nothing is being computed or drawn."""
        self.rests += 1
        self.page.wait_for_function(_AT_REST, arg=self.rests, polling=50)
        return self.page

    def owned(self) -> list[int]:
        """Numbers of the payloads that ran, in any frame."""
        return sorted(number for frame in self.page.frames for number in frame.evaluate("window.owned || []"))

    def obeyed(self) -> dict[str, list[object]]:
        """Everything that a payload achieved."""
        found = {
            "ran": self.owned(),
            "did": self.done,
            "asked the canary": Canary.hits,
            "stands in the page": self.page.evaluate(_ELEMENTS, self.canary),
        }
        return {what: list(found) for what, found in found.items() if found}

    def _dialog(self, dialog: Dialog) -> None:
        self.done.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _popup(self, window: Page) -> None:
        self.done.append(f"window {window.url}")

    def _download(self, download: Download) -> None:
        self.done.append(f"download {download.suggested_filename}")

    def _navigated(self, frame: Frame) -> None:
        if not frame.url.startswith((self.home, "about:blank", "file:")):
            self.done.append(f"navigation to {frame.url}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.home, self.home.replace("http", "ws"), self.canary, "data:", "blob:", "file:")):
            self.done.append(f"request for {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")


def try_every_control(watch: Watch, payload: str) -> int:
    """Choose from every list and table, move every slider, press every button, type into every field, hover over every chart.

    How many were tried.
    """
    page, tried = watch.page, 0
    hover_charts(page)
    for selector, touch in CONTROLS.items():
        for number in range(min(page.locator(selector).count(), CONTROLS_MAX)):
            control = page.locator(selector).nth(number)
            if control.count() and control.is_visible() and control.is_enabled():
                touch(page, control)
                watch.rest()
                tried += 1
    hover_charts(page)
    for field in page.locator("marimo-text input, marimo-text-area textarea").all():
        for text in (payload, ""):
            field.fill(text)
            field.blur()
            watch.rest()
        tried += 1
    return tried


def _choose(page: Page, control: Locator) -> None:
    """The second of the options of a list that unfolds."""
    control.click()
    for key in ("ArrowDown", "ArrowDown", "Enter", "Escape"):
        page.keyboard.press(key)


def _select(_: Page, control: Locator) -> None:
    """The last of the options of a plain list."""
    control.select_option(index=control.locator("option").count() - 1)


CONTROLS: dict[str, Callable[[Page, Locator], None]] = {
    "marimo-dropdown select": _select,
    "marimo-dropdown button": _choose,
    "marimo-multiselect button": _choose,
    "marimo-table tbody [role=checkbox], marimo-table tbody [role=radio]": lambda _, control: control.click(),
    "[role=slider]": lambda _, control: control.press("ArrowLeft"),
    "marimo-button button": lambda _, control: control.click(),
}
"""What is done to each kind of control."""


def hover_charts(page: Page) -> None:
    """Move over every chart, so that it shows its tooltips."""
    for chart in page.locator(CHARTS).all():
        box = chart.bounding_box()
        if box is not None:
            chart.scroll_into_view_if_needed()
            for part in (0.25, 0.5, 0.75):
                chart.hover(position={"x": box["width"] * part, "y": box["height"] / 2}, force=True)


def read(page: Page) -> str:
    """All text of a page, that of its tables to choose from too, which is out of reach of its body's."""
    return "\n".join([page.inner_text("body"), *page.locator("marimo-table tbody tr").all_inner_texts()])


def shown(text: str) -> tuple[str, ...]:
    """The forms in which a payload may stand on a page: as it is, or with what is hidden or quoted in it spelled out."""
    from timeline.safe import printable

    return text, printable(text), printable(json.dumps(text, ensure_ascii=False)[1:-1])
