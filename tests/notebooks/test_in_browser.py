"""The notebooks in a real Chromium: they answer, and nothing that an event says is obeyed (reliability.md 5b).

First a page without our helpers and without our guard must be caught executing the payloads; else the other tests would prove
nothing, and fail. One server, one browser and one log serve all of them.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from reference_cluster.demo import DEMO
from tests.house import ROOT
from tests.notebooks.browsing import CHARTS, Canary, Watch, listening, process, read, shown, try_every_control
from tests.notebooks.conftest import load_into
from tests.notebooks.hostile import DEMO_RUN, EVERY_KIND, HALVES, Payloads, every_kind, renamed_demo
from timeline.api import Timeline
from timeline.exports import Chosen
from timeline.links import notebook_link
from timeline.report import text_of
from timeline.server.pages import shipped

pytestmark = pytest.mark.tools

PAGES = tuple(shipped())
SCREENSHOTS = ROOT / "artefacts" / "screenshots"
WIDTHS = (1280, 1920)
LOOKS_MAX = 20
"""How often a page is looked at again for what has just been sent."""

RAW = """
import marimo

app = marimo.App()


@app.cell
def _():
    import json, os
    import marimo as mo
    payloads = json.loads(open(os.environ["PAYLOADS"]).read())
    mo.vstack([mo.md("# Raw"), mo.Html("".join(payloads)), mo.Html('<p class="tl-answer">shown</p>')])
    return json, mo, os, payloads


@app.cell
def _(payloads):
    {"says": payloads}
    return
"""
"""A notebook that breaks the rule of display in both ways: markup of an event, and a plain dict."""

GUARDED = """
import sys
from pathlib import Path
from timeline.server.pages import shipped
from timeline.server.run import Address, Door, serve, token_of
pages = {**shipped(), "raw": Path(sys.argv[2])}
door = Door(Address("127.0.0.1", 0), token_of(None))
serve(Path(sys.argv[1]), door, pages, (), say=lambda text: print(text, flush=True), tell=lambda text: None)
"""
"""`timeline serve`, with that notebook among its own."""

BARE = """
import os, socket, sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from timeline.server.pages import Pages, shipped
os.environ["TIMELINE_DB"] = sys.argv[1]
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
pages = Starlette(routes=Pages({**shipped(), "raw": Path(sys.argv[2])}, Path(sys.argv[1])).routes())
uvicorn.Server(uvicorn.Config(pages, log_level="error", timeout_graceful_shutdown=1)).run(sockets=[listener])
"""
"""The same pages without a guard."""


@dataclass(frozen=True)
class Bed:
    """What the tests share."""

    canary: str
    payloads: Payloads
    hostile: str
    """The run in which everything is called by a payload."""
    guarded: str
    token: str
    bare: str
    said_from: int
    """From this number on payloads are what the events of every kind say,"""
    said_until: int
    """and up to this one."""
    database: Path
    """A copy of what is served."""

    @property
    def lies(self) -> list[str]:
        """What the address of the error state asks for: payloads that no event says."""
        return self.payloads.texts[:4]

    def lie(self, page: str) -> str:
        """The page of the hostile run, at an address that asks for what is not there: the error state."""
        object_, finding, moment, seed = self.lies
        return notebook_link("", page, run=self.hostile, object=f"worker/{object_}", finding=finding, as_of=moment, seed=seed)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("hostile")
    with listening() as canary:
        payloads = Payloads(canary)
        raw = payloads.of_each_family()
        renamed, hostile = renamed_demo(payloads)
        said_from = len(payloads.texts)
        lines = [*DEMO.record(is_fixed=False).lines, *renamed, *every_kind(payloads)]
        database = load_into(folder / "hostile.duckdb", lines)
        copy = Path(shutil.copy(database, folder / "copy.duckdb"))
        (folder / "raw.py").write_text(RAW)
        (folder / "payloads.json").write_text(json.dumps(raw))
        told = str(folder / "payloads.json")
        with (
            process(GUARDED, str(database), str(folder / "raw.py"), PAYLOADS=told) as address,
            process(BARE, str(copy), str(folder / "raw.py"), PAYLOADS=told) as bare,
        ):
            guarded, _, token = address.partition("?access_token=")
            yield Bed(canary, payloads, hostile, guarded.rstrip("/"), token, bare, said_from, len(payloads.texts), copy)


@pytest.fixture
def watch(browser: BrowserContext, bed: Bed) -> Iterator[Watch]:
    """A page whose browser was given the token by the printed address."""
    watch = Watch(browser, bed.canary)
    watch.home = bed.guarded
    if not browser.cookies(bed.guarded):
        watch.page.goto(f"{bed.guarded}/?access_token={bed.token}")
        assert "access_token" not in watch.page.url
    yield watch
    watch.page.close()


@pytest.fixture(scope="module")
def control(browser: BrowserContext, bed: Bed) -> frozenset[int]:
    """Numbers of the payloads that run where nothing holds them: what the tests look for can be seen."""
    watch = Watch(browser, bed.canary)
    try:
        watch.page.goto(f"{bed.bare}/raw/")
        watch.page.wait_for_function("window.owned && window.owned.length >= 3")
        ran = frozenset(watch.owned())
        if not ran or not Canary.hits or not watch.obeyed().get("stands in the page"):
            pytest.fail("void: a page that shows payloads raw was not caught, so that the other tests would prove nothing")
        return ran
    finally:
        watch.page.close()


# ---- what a page must not do


def test_control_a_page_that_shows_events_raw_is_caught_executing(control: frozenset[int], bed: Bed):
    """Without helpers and without guard the same payloads run, in markup and in a plain dict."""
    ran = {bed.payloads.texts[number].partition(":<")[0][:9] for number in control}
    assert "text/html" in ran, "a plain dict runs a text that says it is a page"
    assert "<iframe s" in ran


def test_the_policy_alone_keeps_payloads_from_running(control: frozenset[int], watch: Watch, bed: Bed):
    """The same raw page behind our guard: nothing runs, and nothing is fetched."""
    watch.page.goto(f"{bed.guarded}/raw/")
    expect(watch.page.locator("body")).to_contain_text("mime.png")
    assert watch.owned() == []
    assert [hit for hit in Canary.hits if not hit.endswith("/refresh")] == [], (
        "no policy keeps a meta tag from leading away; the helpers do"
    )
    assert any("Content Security Policy" in text for text in watch.console), "the policy was never asked"


def test_the_helpers_alone_keep_payloads_from_running(control: frozenset[int], watch: Watch, bed: Bed, sample: str):
    watch.open(bed.bare + bed.lie(sample))
    assert watch.obeyed() == {}
    assert watch.console == []


def test_nothing_that_an_event_says_is_obeyed(control: frozenset[int], watch: Watch, bed: Bed, notebook: str):
    """Every control is tried, and what the events and the address say can be read as it is."""
    text = read(watch.open(bed.guarded + bed.lie(notebook)))
    assert any(form in text for payload in bed.payloads.texts[31:62] for form in shown(payload)), "nothing of an event is on the page"
    assert any(lie in text for lie in bed.lies), "nothing tells that what the address asks for is not there"
    assert watch.obeyed() == {}
    assert try_every_control(watch, bed.payloads.texts[13]) > 0
    assert watch.obeyed() == {}
    assert watch.console == []


def test_every_text_of_every_kind_of_event_can_be_read_as_it_is(control: frozenset[int], watch: Watch, bed: Bed):
    """An event of each kind, each string in it a payload: on the page of what happened, and none is obeyed."""
    read = ""
    for half in HALVES:
        read += watch.open(bed.guarded + notebook_link("", "what_happened", run=EVERY_KIND, object=f"thing/{half}")).inner_text("body")
        assert watch.obeyed() == {}
        assert watch.console == []
    with Timeline.open(bed.database) as log:
        events = log.sql("SELECT count(*) AS events FROM event WHERE run_id = 'every-kind'").item()
    said = [bed.payloads.texts[number] for number in range(bed.said_from, bed.said_until) if number not in bed.payloads.aside]
    assert len(said) > 10 * events
    assert [payload for payload in said if not any(form in read for form in shown(payload))] == []


def test_the_index_and_the_report_obey_nothing_either(control: frozenset[int], watch: Watch, bed: Bed, tmp_path: Path):
    watch.open(f"{bed.guarded}/", "h1")
    assert watch.page.locator("li a").count() == len(PAGES) + 1, "every notebook, and the one of this test"
    assert (watch.obeyed(), watch.console) == ({}, [])
    with Timeline.open(bed.database) as log:
        chosen: Chosen = log.choose(run=bed.hostile)
        (tmp_path / "report.html").write_text(text_of(chosen, tmp_path / "report.html"))
        says = [one.says for one in chosen.found]
    watch.page.context.set_offline(True)
    try:
        watch.page.goto((tmp_path / "report.html").as_uri())
        text = watch.page.inner_text("body")
    finally:
        watch.page.context.set_offline(False)
    assert [one for one in says if not any(form in text for form in shown(one))] == []
    assert (watch.obeyed(), watch.console) == ({}, [])


def test_an_event_that_arrives_while_the_page_is_open_is_not_obeyed_either(control: frozenset[int], watch: Watch, bed: Bed):
    """Sent to the server that the page is open at; the page is looked at again, and has it."""
    watch.open(bed.guarded + notebook_link("", "what_happened", run=EVERY_KIND, object=f"thing/{HALVES[1]}"))
    late = Payloads(bed.canary, list(bed.payloads.texts))
    event = {**json.loads(list(every_kind(late))[-2]), "event_id": "late", "refs": [{"role": "about", "kind": "thing", "id": "late"}]}
    request = urllib.request.Request(
        f"{bed.guarded}/events",
        json.dumps(event).encode() + b"\n",
        {"Authorization": f"Bearer {bed.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        assert json.load(answer)["events"] == 1
    assert (watch.obeyed(), watch.console) == ({}, [])
    late_page = bed.guarded + notebook_link("", "what_happened", run=EVERY_KIND, object="thing/late")
    for _ in range(LOOKS_MAX):  # the models are built behind the answer
        text = read(watch.open(late_page))
        if "thing late: 1 decision" in text:
            break
    assert any(form in text for form in shown(str(event["reason"])))
    assert (watch.obeyed(), watch.console) == ({}, [])


# ---- what a page is for


SHOWS = {
    "what_leaked": "lost the lease janitor and has not stood for election since",
    "what_happened": "lost the lease janitor and has not stood for election since",
    "capacity_and_queues": "its slot of acme was kept",
    "replay_a_seed": "5 faults, 4 switches on, 1 finding expected",
}
"""A finding of the demonstration that a page shows at once; others show its leader."""


def test_each_notebook_shows_the_demonstration_and_a_picture_of_it_is_kept(watch: Watch, bed: Bed, sample: str):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    watch.open(bed.guarded + notebook_link("", sample, run=DEMO_RUN))
    assert SHOWS.get(sample, "cp-3") in read(watch.page)
    for width in WIDTHS:
        watch.page.set_viewport_size({"width": width, "height": 1000})
        watch.rest()
        watch.page.screenshot(path=SCREENSHOTS / f"sample-{width}.png")
    assert (watch.obeyed(), watch.console) == ({}, [])


def test_a_replay_with_the_bug_switched_off_shows_the_finding_gone(watch: Watch, bed: Bed):
    """Picked by its address, switched off, replayed: the page says that it is gone, and shows both runs."""
    with Timeline.open(bed.database) as log:
        (finding,) = (one for one in log.detect(run=DEMO_RUN).findings if one.detector == "warm_pool/memory_store_divergence")
    page = watch.open(bed.guarded + notebook_link("", "replay_a_seed", run=DEMO_RUN, finding=finding.finding_id))
    page.locator("marimo-multiselect button").first.click()
    page.get_by_role("option", name="park_write_swallowed", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("marimo-button").get_by_role("button", name="Replay", exact=True).click()  # the list of sources is called so too
    answer = page.locator(".tl-answer").first
    expect(answer).to_contain_text(
        "With park_write_swallowed=off: 2 findings gone, the one that the seed expects among them, 10 stay, 1 new."
    )
    expect(page.locator("tr", has_text="gone, expected")).to_contain_text("warm_pool/memory_store_divergence")
    expect(page.locator(CHARTS)).to_have_count(2)
    watch.rest()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 2400})
        watch.rest()
        page.screenshot(path=SCREENSHOTS / f"replayed-{width}.png")
    assert (watch.obeyed(), watch.console) == ({}, [])


def test_a_filter_changes_the_board(watch: Watch, bed: Bed):
    page = watch.open(bed.guarded + notebook_link("", "what_leaked", run=DEMO_RUN))
    rows = page.locator("marimo-table tbody tr")
    before = rows.count()
    page.get_by_text("Select...").first.click()
    page.get_by_role("option", name="critical", exact=True).click()
    expect(rows).not_to_have_count(before)
    assert set(rows.locator("td:nth-child(2)").all_inner_texts()) == {"critical"}
