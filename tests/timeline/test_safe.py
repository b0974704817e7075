"""What an event says is shown, never obeyed."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.safe import HOSTILE, printable

FORBIDDEN = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"),
    *(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)),
    *(chr(code) for code in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x2028, 0x2029)),
    *("\ud800", "\udbff", "\udc00", "\udfff"),
    *("\U000e0001", "\U000e0041", "\U000e007f"),
]


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda character: f"U+{ord(character):04X}")
def test_a_character_that_commands_hides_or_reorders_is_spelled_out(character: str):
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert json.loads(f'"{shown}"') == f"a{character}b"


@pytest.mark.parametrize(
    ("attack", "shown"),
    [
        ("\x1b]0;owned\x07", "\\u001b]0;owned\\u0007"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\x1b]52;c;ZXZpbA==\x07", "\\u001b]52;c;ZXZpbA==\\u0007"),
        ("\x9b31m", "\\u009b31m"),
        ("fine\rEVIL", "fine\\u000dEVIL"),
        ("worker\u202egnitra\u202c", "worker\\u202egnitra\\u202c"),
        ("one\ntwo", "one\\u000atwo"),
        ("[/nope]", "[/nope]"),
        ("tab\tstays", "tab\tstays"),
        ("Grüße 漢字 🙂", "Grüße 漢字 🙂"),
    ],
)
def test_attacks_are_shown_and_words_stay_words(attack: str, shown: str):
    assert printable(attack) == shown


@given(st.text())
def test_nothing_that_acts_is_left_and_the_rest_is_untouched(text: str):
    """What is shown holds no control, format or surrogate character, but for the tab."""
    shown = printable(text)
    assert not HOSTILE.search(shown)
    assert {unicodedata.category(character) for character in shown if character != "\t"}.isdisjoint({"Cc", "Cs"})
    assert printable(shown) == shown
    assert HOSTILE.search(text) or shown == text
