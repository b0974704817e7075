"""Runs in which nothing is wrong: the generic detectors judge nothing that was not declared, and find nothing in what was."""

from __future__ import annotations

import tempfile
import tomllib

import duckdb
import pytest

from ingest.load import load
from ingest.roles import activities_of, rows_of
from tests.cluster.runs import run_of
from tests.detectors.generic.declared import GENERIC
from timeline.blank import blank
from timeline.findings import detect
from timeline.refresh import refresh

ROLES = """
    [activity.session]
    holder = "control_plane"
    [activity.session.kinds]
    "session.started" = "started"
    "session.ended" = "ended"
    "session.failed" = "ended"
    "session.reaped" = "ended"

    [activity.leadership]
    holder = "control_plane"
    within = { renewed = "20s", acquired = "60s" }
    [activity.leadership.kinds]
    "lease.attempted" = "acquire_attempted"
    "lease.acquired" = "acquired"
    "lease.renewed" = "renewed"
    "lease.released" = "released"
    "lease.lost" = "released"
"""


def healthy(seed: int) -> duckdb.DuckDBPyConnection:
    """A database that holds a healthy run of the warm pool."""
    database = blank()
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(run_of("healthy", seed).lines)
        file.flush()
        load(database, [file.name])
    return database.connection


def declare(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Say what the kinds of the runs mean, as a source would."""
    rows = [list(row) for row in rows_of(activities_of(tomllib.loads(text)))]
    connection.executemany("INSERT INTO kind_role SELECT DISTINCT run_id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM event", rows)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_healthy_run_has_no_finding_even_where_its_kinds_are_declared(seed: int):
    """Sessions as pairs of start and end, and leadership as a thing with one holder: what the emitters say fits together."""
    connection = healthy(seed)
    declare(connection, ROLES)
    refresh(connection)
    report = detect(connection, GENERIC)
    assert [finding.says for finding in report.findings if finding.verdict == "found"] == []
    assert report.verdicts["generic/never_ended"] == report.verdicts["generic/double_holder"] == "clean"


def test_nothing_is_judged_that_nobody_declared():
    """The families' own detectors judge those kinds; two sentences about one fault would be one too many."""
    connection = healthy(1)
    refresh(connection)
    report = detect(connection, GENERIC)
    assert (report.findings, set(report.verdicts.values())) == ([], {"unknown"})
