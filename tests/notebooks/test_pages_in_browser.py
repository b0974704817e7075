"""The notebooks in a real Chromium, as somebody uses them: a link opens at an object, a choice changes what is shown.

One server and one page serve all of these tests; the hostile log is the matter of `test_in_browser.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.notebooks.browsing import CHARTS, NOTEBOOK, ROWS, process
from timeline.api import Timeline
from timeline.findings import Finding
from timeline.links import notebook_link

pytestmark = pytest.mark.tools

ANSWER = ".tl-answer"


@pytest.fixture(scope="module")
def worst(leaking: Path) -> Finding:
    """What the board has first about a worker."""
    with Timeline.open(leaking) as log:
        return next(one for one in log.detect().findings if one.subject.kind == "worker")


@pytest.fixture(scope="module")
def served(browser: BrowserContext, leaking: Path) -> Iterator[tuple[Page, str]]:
    """A page that is logged in, and the address of the server."""
    page = browser.new_page()
    with process(NOTEBOOK, "what_leaked", "--port", "0", "--db", str(leaking)) as address:
        page.goto(address)
        yield page, "/".join(address.split("/")[:3])
    page.close()


def opened(served: tuple[Page, str], link: str) -> Page:
    page, base = served
    page.goto(base + link)
    page.locator(ANSWER).first.wait_for()
    return page


def pointed(chart: Locator, x: float) -> tuple[float, float]:
    """Where in a column of a chart, by its first point that leads somewhere, the pointer says so."""
    box = chart.bounding_box()
    assert box is not None
    for down in range(60, int(box["height"]), 8):
        chart.hover(position={"x": x, "y": down})
        if chart.evaluate("element => getComputedStyle(element).cursor") == "pointer":
            return x, down
    raise AssertionError("nothing in the chart leads anywhere")


def test_a_link_opens_at_an_object_and_a_moment_and_slider_and_brush_go_on_from_there(served: tuple[Page, str], worst: Finding):
    """What an alert leads to. Later than the link's moment there is more; a stretch that is brushed has less."""
    link = notebook_link("", "what_happened", run=worst.run_id, object=f"worker/{worst.subject.id}", as_of=worst.since)
    page = opened(served, link)
    answer, slider = page.locator(ANSWER).first, page.get_by_role("slider").first
    expect(answer).to_contain_text(re.compile(f"^As of .*worker {worst.subject.id}: .*1 finding began by then"))
    rows = page.locator("table.tl").first.locator("tbody tr")
    expect(rows.first).to_be_visible()
    slider.press("Home")
    expect(answer).to_contain_text("Nothing was decided")
    slider.press("End")
    expect(answer).to_contain_text(worst.says)
    expect(page.locator(CHARTS)).to_have_count(2)
    box = page.locator(CHARTS).first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=4)
    page.mouse.up()
    expect(answer).to_contain_text("in this stretch of the log")


def test_a_name_in_a_chart_leads_to_what_happened_to_it(served: tuple[Page, str]):
    page = opened(served, "/who_led")
    expect(page.locator(CHARTS)).to_have_count(2)
    chart = page.locator(CHARTS).last
    x, y = pointed(chart, 185)
    chart.click(position={"x": x, "y": y})
    page.wait_for_url("**/what_happened/?*object=lease*")
    expect(page.locator(ANSWER).first).to_contain_text("lease janitor")


def test_the_board_sorts_by_cost_and_a_row_that_is_chosen_shows_its_evidence(served: tuple[Page, str], leaking: Path):
    """The most expensive first; what has no cost stands last."""
    page = opened(served, "/what_leaked")
    with Timeline.open(leaking) as log:
        dearest = max(log.detect().findings, key=lambda one: one.cost.amount if one.cost else 0)
    heading = page.locator("marimo-table thead th").nth(2)
    heading.hover()
    heading.get_by_role("button", name="Column options").click()
    page.get_by_role("menuitem", name="Desc").click()
    rows = page.locator(ROWS)
    expect(rows.first).to_contain_text(dearest.says)
    says = rows.nth(1).locator("td").nth(3).inner_text()
    rows.nth(1).get_by_role("checkbox").check()
    expect(page.locator(ANSWER).nth(1)).to_have_text(says)


def test_a_link_to_a_finding_and_a_severity_opens_there(served: tuple[Page, str], worst: Finding):
    page = opened(served, notebook_link("", "what_leaked", finding=worst.finding_id, severity=worst.severity))
    expect(page.locator(ANSWER).nth(1)).to_have_text(worst.says)
    expect(page.locator(ROWS).first).to_be_visible()
    assert set(page.locator(ROWS).locator("td:nth-child(2)").all_inner_texts()) == {worst.severity}


def test_what_a_link_names_and_the_log_has_not_is_said(served: tuple[Page, str]):
    page = opened(served, notebook_link("", "what_happened", run="none", object="worker/<b>none</b>", as_of="yesterday", finding="zzz"))
    notes = page.locator(".tl-note")
    expect(notes).to_have_count(4)
    assert "worker/<b>none</b>" in " ".join(notes.all_inner_texts())
