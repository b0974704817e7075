"""What every test may lean on: recorded logs, a database path, the seeds of a sweep, and property tests that repeat."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Playwright, sync_playwright

ROOT = Path(__file__).parents[1]
SEEDS, HEALTHY, FOLLOWS, KILLS, LINES = 2, 30, 300, 20, 5000
"""Seeds of each planted bug and clean twin, of each healthy scenario, and of what happens to followed files; points at which an ingest
is killed, and mutated lines; `make sweep` has more."""

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=SEEDS, help="seeds of each planted bug and of each clean twin")
    parser.addoption("--follows", type=int, default=FOLLOWS, help="seeded sequences of what happens to followed files")
    parser.addoption("--kills", type=_limit, default=KILLS, help="points at which an ingest is harmed; `all` for every one")
    parser.addoption("--lines", type=int, default=LINES, help="mutated lines")
    parser.addoption("--every-page", action="store_true", help="show each notebook in the browser in each way, and keep pictures of all")
    parser.addoption("--healthy", type=int, default=HEALTHY, help="seeds of each healthy scenario")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tour of the README first: it takes most of a minute, for which one worker would be waited for in the end."""
    items.sort(key=lambda item: item.name != "test_every_command_of_the_readme_runs")


def _limit(text: str) -> int | None:
    return None if text == "all" else int(text)


@pytest.fixture(scope="session")
def kills(request: pytest.FixtureRequest) -> int | None:
    """At how many points an ingest is harmed; None for every one."""
    found: int | None = request.config.getoption("--kills")
    return found


@pytest.fixture(scope="session")
def mutated_lines(request: pytest.FixtureRequest) -> int:
    """How many mutated lines are read."""
    return int(request.config.getoption("--lines"))


@pytest.fixture(scope="session")
def seeds(request: pytest.FixtureRequest) -> range:
    """The seeds of each planted bug and of each clean twin."""
    return range(1, request.config.getoption("--seeds") + 1)


@pytest.fixture(scope="session")
def follow_seeds(request: pytest.FixtureRequest) -> range:
    """The seeds of what happens to followed files."""
    return range(1, request.config.getoption("--follows") + 1)


@pytest.fixture(scope="session")
def healthy_seeds(request: pytest.FixtureRequest) -> range:
    """The seeds of each healthy scenario."""
    return range(1, request.config.getoption("--healthy") + 1)


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


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; a process has one of it."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium's program. Missing, it fails the gate, and elsewhere skips."""
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("there is no chromium: `make tools` installs it")
    return program
