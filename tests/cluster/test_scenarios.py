"""Scenarios and planted bugs are data that can be trusted, and a bad file is told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import UsageError
from reference_cluster.bugs import Switches
from reference_cluster.scenario import duration_us, load, names
from reference_cluster.sim import faults
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from tests.cluster.runs import BUGS
from timeline import catalog

CATALOGUE = {
    "DG": ["01", "02", "02b", "03", "04", "05", "06", "08", "09", "10", "11", "12", "13", "16", "18", "23", "29"],
    "K6": [f"{number:02}" for number in range(1, 9)],
    "OZ": ["01", "02", "03", "04", "05", "06", "07", "07b", "08", "09"],
    "RP": [f"{number:02}" for number in range(1, 7)],
    "WR": [*(f"{number:02}" for number in range(1, 11)), "10b", *(f"{number:02}" for number in range(11, 18))],
}
"""The defects of the seeds' systems, by the ids of their catalogues."""

MINIMAL = """
title = "t"
shows = "s"
seed_document = "d"
length = "10s"
[tenants.acme]
"""


def test_every_defect_of_the_catalogue_is_planted() -> None:
    """Each has one switch, a scenario that is there, and detectors that are there."""
    assert [bug.catalogue_id for bug in BUGS] == [f"{system}-{number}" for system, numbers in CATALOGUE.items() for number in numbers]
    assert {bug.scenario for bug in BUGS} <= set(names())
    assert {detector for bug in BUGS for detector in bug.detectors} <= set(catalog.read(catalog.DETECTORS))


@pytest.mark.parametrize("name", names())
def test_every_scenario_says_what_it_shows_and_names_faults_that_there_are(name: str) -> None:
    """`timeline cluster scenarios` has something to print, and no fault is misspelt."""
    scenario = load(name)
    assert scenario.title
    assert scenario.shows.endswith(".")
    assert scenario.seed_document[:3] in {"000", "001", "002", "003", "004"}
    assert {fault.name for fault in scenario.faults} <= set(faults.names())


@pytest.mark.parametrize(("text", "us"), [("250ms", 250_000), ("20s", 20_000_000), ("1m30s", 90_000_000), ("1h", 3_600_000_000), (7, 7)])
def test_durations_are_written_as_people_write_them(text: object, us: int) -> None:
    """Units from microseconds to hours, put together from large to small."""
    assert duration_us(text) == us


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('[config]\ntick_us = "5 seconds"', "config.tick_us: Value error, '5 seconds' is not a duration; write 250ms, 20s, 1m30s"),
        ("[config]\nticks = 3", "config.ticks: Extra inputs are not permitted"),
        ("[[arrivals]]\norg = 'acme'", "arrivals.0.at: Field required"),
        ("title = 3", "Cannot overwrite a value"),
    ],
)
def test_a_bad_scenario_is_told_where_it_is_wrong(tmp_path: Path, line: str, complaint: str) -> None:
    """The message names the file, the field and what to write."""
    path = tmp_path / "bad.toml"
    path.write_text(MINIMAL + line if line.startswith("[") else MINIMAL.replace("shows", line + "\nshows"))
    with pytest.raises(UsageError, match=r"bad\.toml") as error:
        load(str(path))
    assert complaint in str(error.value)


def test_an_unknown_bug_is_refused_with_those_that_there_are() -> None:
    """A misspelt switch never runs as a clean twin."""
    with pytest.raises(UsageError, match="elector_runs_once"):
        Switches.named(["elector_runs_twice"])


def test_an_unknown_policy_is_refused_with_the_names_that_there_are() -> None:
    """A misspelt policy value never runs as if it had been set."""
    with pytest.raises(UsageError, match="hot_idle_ttl_us"):
        simulate(Staged(load("healthy")), 1, policy={"hot_idle_tll_us": "10s"})


def test_a_policy_changes_what_is_decided() -> None:
    """With a longer time to live nothing is reaped for it."""
    lines = simulate(Staged(load("healthy")), 1, policy={"hot_idle_ttl_us": "1h"}).lines
    assert not [line for line in lines if b"hot_idle_ttl_expired" in line]
