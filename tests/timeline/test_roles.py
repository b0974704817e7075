"""Roles are of a run: what is declared for one says nothing of another, and runs that come later change none."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import get_args

from ingest.load import load
from ingest.roles import Expected
from timeline import refresh
from timeline.blank import blank
from timeline.catalog import Query
from timeline.findings import detect

DETECTOR = "generic/never_ended"
MAPPING = """
    title = "jobs"
    run = "jobs"
    [line]
    form = "csv"
    columns = ["at", "job", "did"]
    [time]
    field = "at"
    [[event]]
    kind = "job.{did}"
    actor = "queue"
    subject = { kind = "job", id = "{job}" }
    [activity.job]
    within = { ended = "10s" }
    [activity.job.kinds]
    "job.start" = "started"
    "job.end" = "ended"
"""
ROWS = "1,j-1,start\n2,j-2,start\n5,j-2,end\n30,j-3,start\n31,j-3,end\n"


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(dedent(text))
    return str(folder / name)


def role_models() -> list[Query]:
    return [model for model in refresh.models() if model.name.startswith(("role_", "hold_"))]


def test_runs_that_come_one_after_the_other_give_what_they_give_together(tmp_path: Path) -> None:
    """The models of the roles are built for the runs that were touched, and for no other."""
    mapping, rows = written(tmp_path, "jobs.toml", MAPPING), written(tmp_path, "jobs.csv", ROWS)
    copy = written(tmp_path, "copy.csv", ROWS)
    with blank() as apart, blank() as together:
        for database, stops in ((apart, True), (together, False)):
            for run, path in (("a", rows), ("b", copy)):
                load(database, [path], mapping=mapping, run=run)
                if stops:
                    refresh.refresh(database.connection)
            refresh.refresh(database.connection)
        assert [finding.run_id for finding in detect(apart.connection, [DETECTOR]).findings] == ["a", "b"]
        for model in role_models():
            query = f"SELECT * FROM {model.name} ORDER BY ALL"
            assert apart.connection.execute(query).fetchall() == together.connection.execute(query).fetchall()


def test_a_mapping_that_says_something_else_is_judged_anew(tmp_path: Path) -> None:
    """Loading the same file again with other roles adds no event, and changes the judgement."""
    rows = written(tmp_path, "jobs.csv", ROWS)
    with blank() as database:
        for within, verdict in (("10s", "found"), ("1h", "pending"), ("10s", "found")):
            mapping = written(tmp_path, "jobs.toml", MAPPING.replace("10s", within))
            load(database, [rows], mapping=mapping)
            refresh.refresh(database.connection)
            assert detect(database.connection, [DETECTOR]).verdicts == {DETECTOR: verdict}


def test_what_is_asked_as_of_an_earlier_moment_knows_the_roles(tmp_path: Path) -> None:
    """After 20 s the job that never ends is overdue, after 5 s it is not yet."""
    mapping, rows = written(tmp_path, "jobs.toml", MAPPING), written(tmp_path, "jobs.csv", ROWS)
    with blank() as database:
        load(database, [rows], mapping=mapping)
        refresh.refresh(database.connection)
        assert detect(database.connection, [DETECTOR], as_of_us=5_000_000).verdicts == {DETECTOR: "pending"}
        assert detect(database.connection, [DETECTOR], as_of_us=30_000_000).verdicts == {DETECTOR: "found"}


def test_every_duration_that_can_be_declared_is_read() -> None:
    """A duration that no rule reads is refused where it is declared, and not taken in silence."""
    read = next(model.sql for model in refresh.models() if model.name == "role_within")
    assert sorted(re.findall(r"role = '(\w+)'", read)) == sorted(get_args(Expected))
