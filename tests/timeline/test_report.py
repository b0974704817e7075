"""The report: everything that a person needs on one page, and nothing on it that the log could have made run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, Playwright

from ingest.errors import UsageError
from tests.timeline.test_exports import LEAK, log_of
from timeline.exports import Chosen
from timeline.report import TEXT_MAX, html, markdown, markdown_text, shown_text, text_of
from timeline.report.page import Page as ReportPage
from timeline.report.page import page_of

MARK = "top.owned=(top.owned||0)+1"
PAYLOADS = [
    f"<script>{MARK}</script>",
    f"<img src=x onerror='{MARK}'>",
    f"<iframe srcdoc='<script>{MARK}</script>'></iframe>",
    f"</style></title></pre></details><svg onload='{MARK}'>",
    f'" onmouseover="{MARK}" autofocus onfocus="{MARK}',
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/refresh'>",
    "<style>@import 'http://127.0.0.1:9/style.css'</style><link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "http://127.0.0.1:9/bare.png {{7*7}} {% include 'report.css' %} javascript:alert(1)",
]
"""Texts that want to be obeyed; the marker that they set is `owned` of the top window."""


@pytest.fixture(scope="module")
def leak() -> Iterator[Chosen]:
    with log_of(LEAK) as log:
        yield log.choose(run="run")


@pytest.fixture(scope="module")
def alone(leak: Chosen) -> ReportPage:
    """The page about its first finding alone."""
    return page_of(replace(leak, finding=leak.found[0]), is_drawn=False)


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """The page about a log whose objects, tenant, actors and reason are payloads."""
    names = ("w-1", "janitor", "acme", "slow", "w-2")
    text = LEAK.replace('reason="=cmd()"', "reason=slow").replace("ttl=1m", "ttl=1m org=acme")
    for name, payload in zip(names, PAYLOADS, strict=False):
        quoted = '"' + payload.replace('"', '\\"') + '"'
        text = text.replace(f"worker/{name} ", f"worker/{quoted} ").replace(f"lease/{name} ", f"lease/{quoted} ")
        text = text.replace(f"org={name}", f"org={quoted}").replace(f"reason={name}", f"reason={quoted}")
    with log_of(text) as log:
        found = next(one for one in log.detect().findings if one.detector == "warm_pool/stale_hot_idle")
        yield html(page_of(log.choose(found.finding_id)))


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Chromium."""
    started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    yield started
    started.close()


def opened(browser: Browser, text: str, path: Path) -> tuple[Page, list[str]]:
    """The page as a file, with the network cut, and everything that it asked for or said."""
    path.write_text(text)
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url.partition(",")[0]))
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.goto(path.as_uri())
    return page, heard


def test_page_says_what_leaks_since_when_why_and_what_to_do(leak: Chosen, alone: ReportPage):
    """A page about one finding tells it as the whole page does."""
    page = page_of(leak, is_drawn=False)
    assert page.answer.startswith("2 findings last to the end of the log: 1 critical, 1 warning.")
    assert [row.finding.severity for row in page.rows] == ["critical", "warning", "warning"]
    stale = next(section for section in page.sections if section.detector == "warm_pool/stale_hot_idle")
    assert stale.runbook.mitigation
    first = stale.cases[0]
    id_ = first.row.finding.finding_id
    assert (first.evidence[0].offset, first.evidence[0].event.kind) == ("+30s", "worker.parked")
    assert first.commands == [f"timeline explain {id_}", f"timeline export {id_} -o {id_}.seed.json", f"timeline replay {id_}.seed.json"]
    led = page.led[0]
    assert (led.holder, led.since, led.lasted, led.ended_by) == ("cp-1-a", "+0s", "10s", "replaced")
    told = next(case for section in page.sections for case in section.cases if case.row.finding == leak.found[0])
    assert [section.cases for section in alone.sections] == [[replace(told, row=alone.rows[0])]]


def test_report_is_named_for_what_it_is(leak: Chosen, tmp_path: Path):
    with pytest.raises(UsageError, match="name it"):
        text_of(leak, tmp_path / "r.exe")


def test_text_ends_somewhere_and_hides_nothing():
    assert shown_text("a\u202eb\x1b[2J") == "a\\u202eb\\u001b[2J"
    assert str(shown_text("x" * 10_000)) == "x" * TEXT_MAX + "… (10,000 characters)"


@pytest.mark.tools
def test_s8_report_opens_offline_and_nothing_of_the_log_runs_in_it(browser: Browser, hostile: str, tmp_path: Path):
    """The payloads run in a page that trusts them; in the report they are there to read, and nothing else comes of them."""
    control, _ = opened(browser, f"<!doctype html><title>x</title>{''.join(PAYLOADS[:4])}", tmp_path / "control.html")
    control.wait_for_function("top.owned > 0")
    page, heard = opened(browser, hostile, tmp_path / "report.html")
    assert [frame.evaluate("window.owned") for frame in page.frames] == [None]
    assert page.locator("script, iframe, form, base, link, object, embed, svg, img:not([src^='data:image/svg+xml;base64,'])").count() == 0
    assert page.locator("meta[http-equiv]").count() == 1
    shown = page.locator("body").inner_text()
    assert [payload for payload in PAYLOADS[:4] if payload not in shown] == []
    assert page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 100)") == [True, True]
    assert set(heard) - {"data:image/svg+xml;base64"} == {(tmp_path / "report.html").as_uri()}
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in hostile


@pytest.mark.tools
def test_s8_policy_of_the_page_holds_alone(browser: Browser, hostile: str, tmp_path: Path):
    """Were the escaping to fail, the policy still keeps payloads from running and from asking anybody."""
    broken = hostile.replace("<h2>Findings</h2>", "<h2>Findings</h2>" + "".join(PAYLOADS[:4]))
    page, heard = opened(browser, broken, tmp_path / "broken.html")
    page.wait_for_function("document.readyState === 'complete'")
    assert page.evaluate("window.owned") is None
    assert any("violates the following Content Security Policy" in said for said in heard)


@pytest.mark.tools
@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_a_screen_and_a_phone(browser: Browser, hostile: str, tmp_path: Path, width: int):
    """Nothing sticks out at the side, however long a name is."""
    page, _ = opened(browser, hostile, tmp_path / "report.html")
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.tools
def test_s7_markdown_report_is_read_as_it_was_written(browser: Browser, tmp_path: Path):
    """Shown by Chromium after a renderer that lets HTML through, a payload is the text that it is, wherever it begins."""
    links = "[x](http://127.0.0.1:9/link) ![y](http://127.0.0.1:9/i.png) <http://127.0.0.1:9/auto>"
    payloads = [*PAYLOADS, links, "# title", "- item", "1. first", "a | b", "`code`", "*b* ~~c~~ &lt; &#60;", "\\*"]
    said = "\n\n".join(f"- {markdown_text(payload)}\n\n{markdown_text(payload)}" for payload in payloads)
    body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(said)
    page, heard = opened(browser, f"<!doctype html><title>x</title>{body}", tmp_path / "md.html")
    assert page.locator("body :not(ul, li, p)").count() == 0
    shown = page.locator("body").inner_text()
    assert [payload for payload in payloads if shown.count(payload) < 2] == []
    assert heard == [(tmp_path / "md.html").as_uri()]
    assert page.evaluate("window.owned") is None


def test_markdown_report_tells_the_findings(leak: Chosen, alone: ReportPage):
    text = markdown(alone)
    assert text.count("\n### ") == 1
    assert f"    timeline explain {leak.found[0].finding_id}\n" in text
    assert "{{" not in text
    assert not [line for line in text.splitlines() if line.startswith("|") and line.count("|") - line.count("\\|") != 7]


def test_secret_is_not_in_a_report():
    assert shown_text("dsn=postgres://a:hunter2@db") == "dsn=postgres://a:[blacked out]@db"
