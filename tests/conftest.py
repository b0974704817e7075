"""What every test may lean on: where the shared recordings lie, a database path, and property tests that repeat."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded logs of other people's systems, beside the source tree or at TIMELINE_SHARED_DATA."""
    folder = Path(os.environ.get("TIMELINE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "MANIFEST.md").is_file():
        pytest.skip(f"no recorded logs at {folder}; set TIMELINE_SHARED_DATA to the folder that holds their MANIFEST.md")
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a database of this test may be made."""
    return tmp_path / "timeline.duckdb"
