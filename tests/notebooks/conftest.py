"""Databases to look at, and a browser to look with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect

from ingest.database import open_for_write
from ingest.load import load
from reference_cluster.demo import DEMO
from tests.notebooks.browsing import FLAGS, PATIENCE_MS
from timeline.api import Timeline
from timeline.server.pages import shipped


def load_into(path: Path, lines: Iterable[bytes]) -> Path:
    """A database at `path` that holds these event lines, models fresh."""
    events = path.with_suffix(".jsonl")
    events.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
    database = open_for_write(path)
    try:
        load(database, [events]).check(is_strict=True)
    finally:
        database.close()
    Timeline.open(path).close()
    return path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`notebook`: every one. `sample`: the one that shows most of what events say; every one where that is asked for."""
    every = list(shipped())
    if "notebook" in metafunc.fixturenames:
        metafunc.parametrize("notebook", every)
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", every if metafunc.config.getoption("--every-page") else ["what_happened"])


@pytest.fixture(scope="session")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the demonstration's leaking cluster."""
    return load_into(tmp_path_factory.mktemp("leaking") / "leaking.duckdb", DEMO.record(is_fixed=False).lines)


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium with an empty profile."""
    context = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"), executable_path=chromium, headless=True, args=FLAGS, viewport={"width": 1280, "height": 1000}
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context
    context.close()
