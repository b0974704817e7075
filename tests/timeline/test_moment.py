"""A moment can be written the way it comes to mind; what cannot be read is refused with the forms that can."""

from __future__ import annotations

import pytest

from ingest.errors import UsageError
from timeline.moment import moment_of, shown

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
END_US = START_US + 600_000_000


@pytest.mark.parametrize(
    ("text", "after_start_us"),
    [
        ("2026-01-01T00:00:01Z", 1_000_000),
        ("2026-01-01t00:00:01z", 1_000_000),
        ("2026-01-01T02:00:00.5+02:00", 500_000),
        (str(START_US + 7), 7),
        ("+1m30s", 90_000_000),
        ("-1m", 540_000_000),
        ("-0s", 600_000_000),
    ],
)
def test_moment_is_read(text: str, after_start_us: int):
    assert moment_of(text, START_US, END_US) - START_US == after_start_us


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-01-01T00:00:00", "+", "+1x", "1e9", "2026-13-01T00:00:00Z", "+1s; DROP TABLE event"]
)
def test_what_is_no_moment_is_refused_with_the_way_out(text: str):
    with pytest.raises(UsageError, match=r"\+90s from where the log begins"):
        moment_of(text, START_US, END_US)


def test_moment_beyond_the_calendar_is_shown_as_a_number():
    assert shown(2**62) == f"{2**62} us"
