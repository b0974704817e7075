"""S20: no question that somebody types can keep us busy for ever."""

from __future__ import annotations

import pytest

from ingest.errors import UsageError
from timeline.api import Timeline
from timeline.pages.display import ROWS_MAX, safe_table


def test_s20_a_pattern_that_explodes_elsewhere_is_linear_here():
    """DuckDB's patterns are RE2; Python's would take longer than the sun lasts. The limit of a query would stop it."""
    with Timeline.in_memory() as log:
        answer = log.sql("SELECT regexp_matches(repeat('a', 100000) || '!', '^(a+)+$') AS is_match", seconds=10)
    assert answer.item() is False


def test_s20_a_question_without_end_is_stopped_and_the_next_one_answered():
    """The connection goes on."""
    with Timeline.in_memory() as log:
        with pytest.raises(UsageError, match="longer than"):
            log.sql("SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE a.range + b.range = -1", seconds=0.1)
        assert log.sql("SELECT 1 AS one").item() == 1


def test_s20_a_page_shows_a_bounded_number_of_rows_and_says_so():
    """What is not shown is counted."""
    shown = safe_table(["n"], ([n] for n in range(ROWS_MAX + 7))).text
    assert shown.count("<tr>") == ROWS_MAX + 1
    assert "7 more rows" in shown
