"""Makes the tests of ingest a third cheaper."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True)
def no_search_for_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB looks for pandas at each value that is bound; where it is not installed, that is a search of every folder of packages."""
    if find_spec("pandas") is None:
        monkeypatch.setitem(sys.modules, "pandas", None)
