"""The library: one object over one database, frames and models out, errors that say the way out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import timeline
from ingest.database import open_for_write
from ingest.errors import DatabaseBusy, DatabaseUnusable, InputRejected, UsageError
from ingest.load import load
from tests.timeline.tiny_replayer import SECOND, record
from timeline import Timeline


def ingest(database: Path, *files: Path) -> None:
    with open_for_write(database) as target:
        load(target, files)


def test_opening_brings_the_models_up_to_date(database: Path, events: Path, tmp_path: Path):
    """Events that came in since are seen by the next opening, without a command in between."""
    ingest(database, events)
    with timeline.open(database) as log:
        assert log.runs()["run_id"].to_list() == ["tiny-1"]
    more = tmp_path / "more.jsonl"
    more.write_bytes(b"".join(line + b"\n" for line in record("tiny-2", [], {}).lines))
    ingest(database, more)
    with timeline.open(database) as log:
        assert log.runs()["run_id"].to_list() == ["tiny-1", "tiny-2"]


def test_objects_are_a_frame_with_their_state(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        rows = {(row["kind"], row["id"]): row["state"] for row in log.objects().to_dicts()}
    assert rows == {("control_plane", "cp-1-a"): "alive", ("lease", "janitor"): None}


def test_part_of_an_id_names_the_object_that_alone_has_it(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        assert log.find("lease/jan") == ("tiny-1", "lease", "janitor")
        assert log.show("lease/tor").id == "janitor"


def test_part_of_an_id_that_fits_several_lists_them():
    lines = [*record("tiny-1", [], {}, lease="east-janitor").lines, *record("tiny-1", [], {}, lease="west-janitor").lines[3:5]]
    unique = [line.replace(b'"event_id":"cp-1-a/elector:', b'"event_id":"x%d:' % number) for number, line in enumerate(lines)]
    with Timeline.in_memory(unique) as log, pytest.raises(UsageError, match=r"2 objects fit: lease/east-janitor, lease/west-janitor"):
        log.find("lease/janitor")


def test_object_that_is_not_there_is_refused_with_the_way_out(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        for name in ["janitor", "lease/", "/janitor", "lease/nobody", "pod/a"]:
            with pytest.raises(UsageError, match=r"timeline objects|lease/janitor"):
                log.show(name)


def test_run_has_to_be_named_where_there_are_several():
    lines = [*record("tiny-1", [], {}).lines, *record("tiny-2", [], {}).lines]
    with Timeline.in_memory(lines) as log:
        assert log.run("tiny-2") == "tiny-2"
        with pytest.raises(UsageError, match=r"name one with --run: tiny-1, tiny-2"):
            log.run()
        with pytest.raises(UsageError, match="there are tiny-1, tiny-2"):
            log.run("tiny-3")


def test_finding_is_explained_back_to_where_its_causes_begin(leak: list[bytes]):
    """Evidence in order, the runbook of its detector, the commands that replay it."""
    with Timeline.in_memory(leak) as log:
        (finding,) = log.detect(["election/lost_without_recontend"]).findings
        case = log.explain(finding.finding_id[:6])
    assert case.finding == finding
    assert case.evidence[0].event.kind == "lease.lost"
    assert case.runbook.mitigation
    assert case.commands[0] == f"timeline export {finding.finding_id} -o {finding.finding_id}.seed.json"


def test_unknown_finding_names_those_that_are_there(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        ids = [finding.finding_id for finding in log.detect().findings]
        with pytest.raises(UsageError, match=ids[0]):
            log.finding("zzzz")


def test_query_gives_a_frame(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        assert log.sql("SELECT count(*) AS lost FROM lease_lost").equals(pl.DataFrame({"lost": [1]}))


def test_query_that_cannot_be_answered_says_why(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        for query, way_out in [
            ("SELEC 1", "Parser Error"),
            ("SELECT nothing FROM event", "nothing"),
            ("SELECT INTERVAL 1 DAY AS d", "cast it to VARCHAR"),
            ("SELECT 1 AS a, 2 AS a", "rename one with AS"),
            ("SELECT 'x'::INTEGER", "Conversion Error"),
        ]:
            with pytest.raises(UsageError, match=way_out):
                log.sql(query)


def test_database_that_is_being_written_is_busy_and_the_writer_named(database: Path, events: Path):
    ingest(database, events)
    with open_for_write(database), pytest.raises(DatabaseBusy, match=r"process \d+ holds it"):
        timeline.open(database)


def test_database_that_is_none_is_not_opened(tmp_path: Path):
    with pytest.raises(DatabaseUnusable, match="no such database"):
        timeline.open(tmp_path / "none.duckdb")


def test_replayed_line_that_is_no_event_is_refused():
    with pytest.raises(InputRejected):
        Timeline.in_memory([b"not json"])


def test_moment_is_counted_from_the_run_that_is_meant(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        start_us = log.runs()["start_us"].item()
        assert log.moment("+90s", "tiny-1") == start_us + 90 * SECOND
        assert {row["state"] for row in log.state(log.moment("+10s")).to_dicts()} == {"alive", "held"}
