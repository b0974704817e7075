"""The page of faults is whole and true: every row once, every test that it names is there, and it is as it would be printed now."""

from __future__ import annotations

from tests import faults


def test_every_row_of_the_matrix_is_there_once_and_has_a_test_or_a_reason() -> None:
    """Ninety-one rows; a row with neither is a hole."""
    rows = faults.rows()
    assert [row.name for row in rows] == [f"{group}{number}" for group, (_, most) in faults.GROUPS.items() for number in range(1, most + 1)]
    assert [row.name for row in rows if not row.tests and not row.note] == []


def test_every_test_that_is_named_is_there_and_every_mark_is_of_a_row() -> None:
    """A test that was renamed takes the page with it."""
    there = {name for name, _ in faults.test_functions()}
    rows = faults.rows()
    assert [test for row in rows for test in row.tests if test not in there] == []
    assert set(faults.marked()) <= {row.name for row in rows}


def test_the_page_is_fresh() -> None:
    """`make docs` writes it again."""
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page()
