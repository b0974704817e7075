"""Mapping files: lines of somebody else's program become events, and every line is counted once."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ingest.database import Database
from ingest.errors import UsageError
from ingest.in_memory import open_in_memory
from ingest.load import Report, load
from ingest.mapping import mapping_source, shipped
from tests.ingest.lines import rows, write

PAIRS = """
    title = "doors"
    run = "house"
    [line]
    form = "pairs"
    skip = '^#'
    absent = ["-"]
    [time]
    field = "at"
    format = "iso"
    [every]
    actor = "{by}/guard"
    subject = { kind = "door", id = "{door}" }
    [[event]]
    when = { did = ["open", "unlock"] }
    kind = "door.opened"
    refs = [{ role = "guest", kind = "guest", id = "{guest}" }]
    data = { how = "{did}", note = "{note}" }
    [[event]]
    when = { did = "shut", guest = "" }
    kind = "door.shut"
    outcome = "committed"
"""


def mapped(folder: Path, mapping: str, *lines: str, **options: Any) -> tuple[Report, list[dict[str, Any]], list[dict[str, Any]]]:
    """What lines become by a mapping: the report, the events in order, the rejected lines."""
    (folder / "map.toml").write_text(dedent(mapping))
    log = write(folder / "app.log", *(line.encode() for line in lines))
    with open_in_memory() as database:
        report = load(database, [log], mapping=str(folder / "map.toml"), **options)
        asked = database.connection
        return report, rows(asked, "FROM event ORDER BY event_no"), rows(asked, "FROM rejected_line ORDER BY line_no")


def test_key_value_lines_become_events(tmp_path: Path) -> None:
    """Placeholders are filled in, a field that is absent leaves out what needs it, the first rule that fits counts."""
    line = 'at=2026-01-01T00:00:01.5Z, by=g-1, door=d-1, did=unlock, guest=-, note="a b"'
    report, (event,), _ = mapped(tmp_path, PAIRS, line)
    assert (report.lines, report.events) == (1, 1)
    assert (event["run_id"], event["actor"], event["kind"], event["subject_id"]) == ("house", "g-1/guard", "door.opened", "d-1")
    assert (event["ts_us"], event["data"], event["outcome"]) == (1767225601500000, '{"how":"unlock","note":"a b"}', None)


def test_every_line_is_counted_once(tmp_path: Path) -> None:
    """What is passed over is blank; what no rule fits, has no time, or is not text, is kept with the reason."""
    report, events, rejected = mapped(
        tmp_path,
        PAIRS,
        "# a comment",
        "",
        "at=2026-01-01T00:00:01Z, by=g-1, door=d-1, did=shut",
        "at=2026-01-01T00:00:01Z, by=g-1, door=d-1, did=shut",
        "at=2026-01-01T00:00:02Z, by=g-1, door=d-1, did=painted",
        "at=yesterday, by=g-1, door=d-1, did=shut",
        "at=2026-01-01T00:00:03Z, by=g-1, did=shut",
        "at=2026-01-01T00:00:03Z, by=g\x00, door=d-1, did=shut",
        "at=2026-01-01T00:00:03Z, by=" + "g" * 300 + ", door=d-1, did=shut",
    )
    assert (report.lines, report.events, report.duplicates, report.blank, report.quarantined) == (9, 1, 1, 2, 5)
    assert [(row["line_no"], row["reason"]) for row in rejected] == [(5, "unmapped"), (6, "schema"), (7, "type"), (8, "nul"), (9, "size")]
    assert len(events) == 1


def test_ragged_csv_with_relative_time(tmp_path: Path) -> None:
    """Numbers count from an origin; a short row lacks its last columns."""
    table = """
        title = "ragged"
        run = "r"
        [line]
        form = "csv"
        columns = ["at", "job", "node"]
        [time]
        field = "at"
        unit = "s"
        origin = "2026-01-01T00:00:00Z"
        [every]
        actor = "scheduler"
        subject = { kind = "job", id = "{job}" }
        [[event]]
        when = { node = "" }
        kind = "job.queued"
        [[event]]
        kind = "job.placed"
        refs = [{ role = "node", kind = "node", id = "{node}" }]
    """
    report, events, _ = mapped(tmp_path, table, "0, j-1", "1.25, j-1, n-1", "9999999999999999, j-1")
    assert [(event["kind"], event["ts_us"]) for event in events] == [("job.queued", 1767225600000000), ("job.placed", 1767225601250000)]
    assert (report.events, report.quarantined) == (2, 1)


def test_json_lines_by_path(tmp_path: Path) -> None:
    """A dot leads into an object; what is not JSON is refused as such."""
    table = """
        title = "slog"
        run = "r"
        [line]
        form = "json"
        [time]
        field = "time"
        format = "iso"
        [[event]]
        when = { msg = "placed" }
        event_id = "e-{n}"
        actor = "sched/{host}"
        kind = "task.{msg}"
        subject = { kind = "task", id = "{task.id}" }
        caused_by = ["e-{after}"]
    """
    good = '{"time":"2026-01-01T01:00:00+01:00","msg":"placed","n":7,"host":"h","task":{"id":"t-1"}}'
    report, (event,), (refused,) = mapped(tmp_path, table, good, '{"time":', run="mine")
    assert (event["event_id"], event["run_id"], event["kind"], event["subject_id"]) == ("e-7", "mine", "task.placed", "t-1")
    assert (event["ts_us"], report.quarantined, refused["reason"]) == (1767225600000000, 1, "not_json")


def test_a_file_goes_on_where_it_stopped_and_a_changed_mapping_reads_it_again(tmp_path: Path) -> None:
    """Without its mapping a file that grew is not misread; with another one its lines are known already."""
    mapping, log = tmp_path / "map.toml", tmp_path / "app.log"
    mapping.write_text(dedent(PAIRS))
    shut = "at=2026-01-01T00:00:0{}Z, by=g-1, door=d-1, did=shut"
    with open_in_memory() as database:
        load(database, [write(log, shut.format(1).encode())], mapping=str(mapping))
        write(log, shut.format(1).encode(), shut.format(2).encode())
        with pytest.raises(UsageError, match=r"it was read with the mapping map .*; give it again with --mapping"):
            load(database, [log])
        again = load(database, [log], mapping=str(mapping))
        assert (again.lines, again.events, again.duplicates) == (2, 1, 1)
        mapping.write_text(dedent(PAIRS) + '\n[activity.door.kinds]\n"door.shut" = "ended"\n')
        roles = load(database, [log], mapping=str(mapping))
        assert (roles.events, roles.duplicates) == (0, 2)
        assert rows(database.connection, "SELECT run_id, kind, role FROM kind_role") == [
            {"run_id": "house", "kind": "door.shut", "role": "ended"}
        ]


def test_a_kind_that_plays_in_two_activities_keeps_both_where_one_changes(tmp_path: Path) -> None:
    """What was declared last holds, and no part of it is missing."""
    activity = '\n[activity.{}]\nwithin = {{ ended = "{}s" }}\n[activity.{}.kinds]\n"door.shut" = "ended"\n'
    with open_in_memory() as database:
        log = write(tmp_path / "app.log", b"at=2026-01-01T00:00:01Z, by=g-1, door=d-1, did=shut")
        for seconds in (1, 2):
            declared = activity.format("door", seconds, "door") + activity.format("house", 9, "house")
            (tmp_path / "map.toml").write_text(dedent(PAIRS) + declared)
            load(database, [log], mapping=str(tmp_path / "map.toml"))
        found = rows(database.connection, "SELECT activity, within_us FROM kind_role ORDER BY activity")
        assert found == [{"activity": "door", "within_us": 2_000_000}, {"activity": "house", "within_us": 9_000_000}]


def test_the_same_file_can_be_another_run_too(tmp_path: Path) -> None:
    """A run that is asked for gets all lines of the file, also those that were read as another."""
    (tmp_path / "map.toml").write_text(dedent(PAIRS))
    log = write(tmp_path / "app.log", b"at=2026-01-01T00:00:01Z, by=g-1, door=d-1, did=shut")
    with open_in_memory() as database:
        told = [load(database, [log], mapping=str(tmp_path / "map.toml"), run=run) for run in ("a", "b", "b")]
        assert [(report.lines, report.events, report.duplicates) for report in told] == [(1, 1, 0), (1, 1, 0), (1, 0, 1)]
        assert rows(database.connection, "SELECT run_id FROM event ORDER BY ALL") == [{"run_id": "a"}, {"run_id": "b"}]
        with pytest.raises(UsageError, match="give it again with --mapping"):
            load(database, [log], run="c")


def test_a_line_at_another_place_is_the_same_event(tmp_path: Path) -> None:
    """The order of a file is no content: a part of a log that stands elsewhere is known."""
    said = [b'{"time": "2026-01-01T00:00:0%dZ", "msg": "placed"}' % second for second in (1, 1, 2, 3)][1:]
    with open_in_memory() as database:
        whole = load(database, [write(tmp_path / "whole.log", *said)], mapping="slog")
        part = load(database, [write(tmp_path / "part.log", *said[1:])], mapping="slog")
        assert (whole.events, part.events, part.duplicates, part.conflicts) == (3, 0, 2, 0)
        assert rows(database.connection, "SELECT clock FROM event ORDER BY ALL")[0] == {"clock": 0}


WORKERS = """
    title = "workers"
    run = "r"
    line = { form = "csv", columns = ["at", "worker"] }
    time = { field = "at" }
    every = { actor = "a", subject = { kind = "worker", id = "{worker}" } }
    event = [{ kind = "worker.seen" }]
"""


def workers(database: Database) -> list[str]:
    return [row["subject_id"] for row in rows(database.connection, "SELECT subject_id FROM event ORDER BY ALL")]


def test_a_torn_last_line_of_text_waits_for_its_rest(tmp_path: Path) -> None:
    """Half a line of text may look whole. Nothing is told of it before its end is there, and then it is told once."""
    mapping, log = tmp_path / "workers.toml", tmp_path / "workers.csv"
    mapping.write_text(dedent(WORKERS))
    with open_in_memory() as database:
        for text, known, pending in ((b"1,w11\n2,w12", ["w11"], 1), (b"1,w11\n2,w123\n3,w4\n", ["w11", "w123", "w4"], 0)):
            log.write_bytes(text)
            report = load(database, [log], mapping=str(mapping))
            assert (workers(database), report.pending, report.quarantined) == (known, pending, 0)


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_last_line_of_text_that_never_gets_an_end_loads_where_the_input_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_packed: bool
) -> None:
    """The file itself says pending each time; packed, or through a pipe, it is over, and only what waited is new."""
    mapping, log, text = tmp_path / "workers.toml", tmp_path / "workers.csv", b"1,w11\n2,w12"
    mapping.write_text(dedent(WORKERS))
    log.write_bytes(text)
    (tmp_path / "workers.csv.gz").write_bytes(gzip.compress(text))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with open_in_memory() as database:
        assert [load(database, [log], mapping=str(mapping)).pending for _ in range(2)] == [1, 1]
        over = load(database, [tmp_path / "workers.csv.gz" if is_packed else "-"], mapping=str(mapping))
        assert (over.lines, over.events, over.duplicates, over.pending) == (2, 1, 1, 0)
        assert workers(database) == ["w11", "w12"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("title =", "titel =", "title: Field required"),
        ("title =", "titel", "it is not TOML"),
        ("'^#'", "'('", "is no regular expression"),
        ('kind = "door.shut"', 'kind = "door.shut"\ncolour = "red"', "event.1.colour: Extra inputs are not permitted"),
        ('actor = "{by}/guard"', "", "the event door.opened has no actor"),
        ("'^#'", "'(?=x)'", "invalid perl operator"),
        ('"iso"', '"%Q"', "strptime"),
        ('format = "iso"', 'plus = "more"', "time: Value error, plus is added to a formatted time, so it needs format"),
        ('form = "pairs"', 'form = "pairs"\nkeeps_all = true', "line: Value error, keeps_all is for lines of form json"),
        ('form = "pairs"', 'form = "pairs"\ncolumns = ["at"]', "line: Value error, columns are for lines of form csv"),
        ("[every]", '[activity.door]\nkinds = {}\nwithin = { observed = "1s" }\n[every]', "activity.door.within.observed"),
        ('form = "pairs"', 'form = "csv"\ncolumns = ["at", "by", "door", "did"]', "the field 'guest' is no column of [line]"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        mapped(tmp_path, PAIRS.replace(old, new, 1), "x")
    assert complaint in str(refused.value)


def test_text_of_a_mapping_is_never_code(tmp_path: Path) -> None:
    """Quotes and statements in a mapping stay text."""
    nasty = PAIRS.replace("door.opened", "door'); DROP TABLE event; --").replace('["open", "unlock"]', '"o\'pen"')
    _, (event,), _ = mapped(tmp_path, nasty, "at=2026-01-01T00:00:01Z, by=g-1, door=d-1, did=o'pen")
    assert event["kind"] == "door'); DROP TABLE event; --"


def test_the_shipped_mappings_can_be_used() -> None:
    assert {"lock_log", "pairs_log", "openb", "batsim", "slog", "zap", "structlog"} <= {*shipped()}
    assert all(mapping_source(name).title for name in shipped())


def test_fields_of_a_known_kind_have_the_types_that_it_declares(tmp_path: Path) -> None:
    """So that its table, and the models over it, know them. What is no such value is refused; fields of other kinds stay text."""
    mapping = """
        title = "electors"
        run = "fleet"
        says = "all"
        [line]
        form = "pairs"
        [time]
        field = "at"
        [every]
        actor = "{by}/elector"
        subject = { kind = "lease", id = "janitor" }
        data = { holder = "{by}", term = "{n}" }
        [[event]]
        event_id = "{n}/known"
        kind = "lease.renewed"
        [[event]]
        event_id = "{n}/other"
        kind = "lease.seen"
    """
    report, (known, other, _), (rejected,) = mapped(tmp_path, mapping, "at=1, by=7, n=3", "at=2, by=7, n=many")
    assert (known["data"], other["data"]) == ('{"holder":"7","term":3}', '{"holder":"7","term":"3"}')
    assert (report.lines, rejected["reason"], rejected["detail"][:9]) == (4, "schema", "data.term")
