"""An address leads back to what it was made of, whatever a log calls its objects."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from timeline.links import PARAMETERS, notebook_link, place_of

BASE = "http://127.0.0.1:2718"
AN_INSTANT_US = 1_767_225_900_000_000

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_a_link_says_where_it_leads():
    link = notebook_link(BASE, "what_happened", object="worker/w-1", run="demo", as_of=AN_INSTANT_US)
    assert link == f"{BASE}/what_happened?run=demo&object=worker/w-1&as_of=2026-01-01T00:05:00.000000Z"


def test_without_parameters_a_link_is_the_page():
    assert notebook_link(f"{BASE}/", "who_led") == f"{BASE}/who_led"
    assert notebook_link(BASE, "who_led", run=None) == f"{BASE}/who_led"


def test_without_a_server_a_link_leads_from_one_notebook_to_another():
    assert notebook_link("", "what_leaked", finding="0f") == "/what_leaked?finding=0f"


@given(st.dictionaries(st.sampled_from(PARAMETERS), TEXT, min_size=1))
@example({"object": "worker/a&run=b#c?d=e"})
@example({"object": 'x"><script>owned=1</script>', "run": "javascript:owned=1"})
@example({"run": "100% of\r\nSet-Cookie: x=1\u202e\x00\x1b"})
@example({"seed": "../../x.seed.json", "severity": "+ +"})
def test_a_hostile_value_comes_back_whole_and_stays_in_its_place(place: Any):
    """Nothing of a value ends it, begins another parameter or leaves the page; only plain characters stand in the address."""
    link = notebook_link(BASE, "what_leaked", **place)
    assert link.startswith(f"{BASE}/what_leaked?")
    assert link.isascii()
    assert not set(link) & set(" \"'<>\\^`{|}#")
    assert place_of(parse_qs(urlsplit(link).query)) == place


def test_half_a_character_becomes_a_question_mark():
    """A lone surrogate has no form in UTF-8; a link that cannot be made would hide the finding that it is about."""
    assert notebook_link("", "what_happened", object="worker/\ud800") == "/what_happened?object=worker/%3F"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({}, {}),
        ({"run": "", "access_token": "t", "file": "x.py"}, {}),
        ({"run": ["a", "b"], "as_of": "-5m"}, {"run": "b", "as_of": "-5m"}),
    ],
)
def test_only_our_parameters_are_read(query: Any, place: Any):
    assert place_of(query) == place
