"""A judgement is kept for as long as the data is the same, and not a moment longer."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from ingest.database import open_for_write
from tests.detectors.telling import alive, in_order
from tests.story import load, tell
from timeline.api import Timeline
from timeline.findings import Report, detect
from timeline.judged import KEPT_MAX, _kept
from timeline.server.foresight import Foresight

PARKED = """
    5s   cp-1/pool  worker/{worker}  worker.activated
    10s  cp-1/pool  worker/{worker}  worker.parked  ttl=1m
"""


def load_into(path: Path, worker: str, run: str = "run") -> Path:
    """A log of one control plane that leaves that worker to itself."""
    with open_for_write(path) as database:
        load(database, tell("\n".join(f"{line} run={run}" for line in in_order(alive("cp-1", "300s"), PARKED.format(worker=worker)))))
    return path


@pytest.fixture(scope="module")
def parked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = load_into(tmp_path_factory.mktemp("parked") / "parked.duckdb", "w-1")
    Timeline.open(path).close()
    return path


def said(path: Path, run: str | None = None, as_of_us: int | None = None) -> Report:
    """What a page that is opened anew is told."""
    with Timeline.open(path) as log:
        return log.detect(run=run, as_of_us=as_of_us)


def ahead() -> list[threading.Thread]:
    """The threads that judge for somebody who is about to ask."""
    return [thread for thread in threading.enumerate() if thread.name == "foresight"]


def about(report: Report) -> set[str]:
    return {finding.subject.id for finding in report.findings}


def test_a_log_is_judged_once_for_all_pages_and_anew_when_an_event_came(parked: Path, tmp_path: Path):
    path = Path(shutil.copy(parked, tmp_path / "log.duckdb"))
    first = said(path)
    assert said(path) is first
    load_into(path, "w-2", run="other")
    with Timeline.open(path) as log:
        assert log.detect() == detect(log._connection)
        assert about(log.detect()) == {"w-1", "w-2"}
        assert log.detect(run="other") == detect(log._connection, run_id="other")


def test_what_was_judged_ahead_is_what_a_page_is_told(parked: Path, tmp_path: Path):
    path = Path(shutil.copy(parked, tmp_path / "ahead.duckdb"))
    Foresight(path).begin()
    for thread in ahead():
        thread.join()
    (known,) = list(_kept.values())[-1:]
    assert said(path) is known


@pytest.mark.parametrize("is_there", [True, False])
def test_a_thread_that_judges_ahead_is_over_when_the_server_is(is_there: bool, parked: Path, tmp_path: Path):
    """Wherever it stands, and where there is no database too."""
    foresight = Foresight(Path(shutil.copy(parked, tmp_path / "ended.duckdb")) if is_there else tmp_path / "not_there.duckdb")
    foresight.begin()
    foresight.end()
    assert ahead() == []


def test_a_database_in_the_place_of_another_is_judged_for_itself(parked: Path, tmp_path: Path):
    """Though somebody still has the other one open, which DuckDB then gives to whoever opens the path."""
    path, place = Path(shutil.copy(parked, tmp_path / "log.duckdb")), load_into(tmp_path / "other.duckdb", "w-2")
    with Timeline.open(path) as still_open:
        assert about(said(path)) == {"w-1"}
        os.replace(place, path)
        assert about(said(path)) == about(still_open.detect()) == {"w-1"}
    assert about(said(path)) == {"w-2"}


def test_each_moment_has_its_own_judgement_and_only_the_newest_are_kept(parked: Path, tmp_path: Path):
    path = Path(shutil.copy(parked, tmp_path / "log.duckdb"))
    whole = said(path)
    assert whole.as_of is not None
    for ago_us in range(KEPT_MAX):
        assert said(path, as_of_us=whole.as_of - 280_000_000 + ago_us).findings == []
    assert said(path) == whole
    assert said(path) is not whole
