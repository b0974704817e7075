"""The display helpers: whatever an event says is there to read, and is nothing but text."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.pages.display import ROWS_MAX, TEXT_MAX, safe_label, safe_lines, safe_table, safe_text
from timeline.safe import HOSTILE

PAYLOADS = [
    "<script>alert(1)</script>",
    "text/html:<iframe srcdoc='<script>x</script>'></iframe>",
    "</td></table><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<!-- --><marimo-ui-element>",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_adds_no_element_and_can_be_read(payload: str):
    """Beside our own markup there is none, and the text comes out as it went in."""
    for shown, plain in (
        (safe_text(payload), safe_text("x")),
        (safe_lines([payload]), safe_lines(["x"])),
        (safe_table([payload], [[payload]]), safe_table(["x"], [["x"]])),
    ):
        assert shown.text.count("<") == plain.text.count("<")
        assert payload in unescape(shown.text)


@given(st.text(max_size=300))
def test_no_text_commands_a_page_or_hides_in_it(text: str):
    shown = safe_text(text).text.partition("</style>")[2]
    assert not HOSTILE.search(shown.replace("\n", ""))
    assert shown.count("<") == safe_text("x").text.partition("</style>")[2].count("<")


def test_a_label_is_one_line_of_bounded_length():
    assert safe_label("a\nb") == "a\\u000ab"
    assert safe_label("x" * 1000) == "x" * 79 + "…"
    assert safe_label(None) == ""


def test_what_is_too_long_is_cut_and_said_to_be():
    assert len(safe_text("x" * 1_000_000).text) < TEXT_MAX + 2_000
    assert f"and {ROWS_MAX:,} more rows" in safe_table(["n"], [[str(number)] for number in range(2 * ROWS_MAX)]).text


def test_a_look_comes_from_a_table_and_never_from_the_text():
    """A severity has its colour; a text that would like to be a class has none."""
    assert 'class="tl-critical tl-short"' in safe_table(["x"], [["critical"]]).text
    assert 'class="tl-short"' in safe_table(["x"], [['x" onload="']]).text
