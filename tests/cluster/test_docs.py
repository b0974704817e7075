"""The page about the reference cluster says what is there."""

from __future__ import annotations

from pathlib import Path

from reference_cluster import docs


def test_the_page_about_the_reference_cluster_is_fresh() -> None:
    """It is printed from scenarios, bugs, faults and life-cycle tables."""
    written = Path(__file__).parents[2] / "docs" / docs.PAGE
    assert written.read_text(encoding="utf-8") == docs.page(), "docs/reference_cluster.md is stale: run `make docs` and commit it"
