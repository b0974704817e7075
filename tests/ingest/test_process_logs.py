"""Process logs: XES and CSV of one log are one timeline, the three encodings of OCEL one log, and XML is read safely."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import loaded
from tests.ingest.timelines import timeline_of, told

FOLDER = "process-log"
STORY = ("ts_us", "kind", "actor", "subject_id", "outcome", "event.run_id")


def story(path: Path, **options: Any) -> list[tuple[Any, ...]]:
    """What the timeline says, and the values that each event carries."""
    _, timeline = timeline_of(path, **options)
    with timeline:
        return [(*row[:-1], *(json.loads(row[-1]).get(name) for name in ("Costs", "Resource"))) for row in told(timeline, [*STORY, "data"])]


def test_xes_and_csv_of_the_same_log_are_the_same_timeline(shared_data: Path, tmp_path: Path):
    """6 cases, 42 events, 8 activities; packed or not."""
    xes = shared_data / FOLDER / "running-example.xes"
    (tmp_path / "log.xes.gz").write_bytes(gzip.compress(xes.read_bytes()))
    by_xes, by_csv = story(xes), story(shared_data / FOLDER / "running-example.csv", mapping="running_example")
    assert by_xes == by_csv == story(tmp_path / "log.xes.gz")
    assert (len(by_xes), len({row[3] for row in by_xes}), len({row[1] for row in by_xes})) == (42, 6, 8)
    ends = sorted({row[3]: row[1] for row in by_xes}.values())
    assert ends == ["pay compensation"] * 3 + ["reject request"] * 3


def test_the_receipt_log_loads_with_the_counts_of_its_manifest(shared_data: Path):
    """1434 cases, 8577 events, 27 activities, 116 variants."""
    report, timeline = timeline_of(shared_data / FOLDER / "receipt.csv", mapping="receipt")
    assert (report.lines, report.events, report.blank) == (8578, 8577, 1)
    variants: dict[str, list[str]] = {}
    with timeline:
        for case, kind in told(timeline, ["subject_id", "kind"]):
            variants.setdefault(case, []).append(kind)
    assert (len(variants), len({kind for kinds in variants.values() for kind in kinds})) == (1434, 27)
    assert len({tuple(kinds) for kinds in variants.values()}) == 116


@pytest.mark.parametrize(("suffix", "hour"), [("jsonocel", 14), ("xmlocel", 15), ("sqlite", 15)])
def test_an_object_centric_log_is_the_same_in_its_three_encodings(shared_data: Path, suffix: str, hour: int):
    """13 events, 9 objects, 20 relations of events, 7 of objects, 3 changes. A time without a zone is marked, and not guessed at."""
    report, timeline = timeline_of(shared_data / FOLDER / f"ocel20_example.{suffix}")
    assert (report.lines, report.events) == (13 + 9 + 3, 13 + 9 + 3)
    with timeline:
        rows = timeline.sql("""
            SELECT event_id, e.kind = 'object.described' AS is_object, e.kind = 'object.changed' AS is_change, role, o.kind AS thing, id,
                data->>'$.zone' AS zone, ts_us FROM event AS e JOIN event_object AS o USING (event_no)""").rows()
    relations = [row for row in rows if row[3] != "subject"]
    assert sum(not row[1] for row in relations) == 20
    assert sum(row[1] for row in relations) == 7
    assert sum(row[2] for row in rows if row[3] == "subject") == 3
    things = [row[4] for row in rows if row[1] and row[3] == "subject"]
    counted = {"Invoice": 3, "Payment": 3, "Purchase Order": 2, "Purchase Requisition": 1}
    assert {thing: things.count(thing) for thing in things} == counted
    assert {row[6] for row in rows} == {None if suffix == "jsonocel" else "unknown"}
    assert min(row[7] for row in rows) == 1641686400_000000 + hour * 3600_000000


XES = """<log><trace><string key='concept:name' value='{case}'/><event><string key='concept:name' value='go'/>
    <date key='time:timestamp' value='2026-01-01T00:00:00Z'/></event></trace>{rest}"""


@pytest.mark.parametrize(
    ("declared", "case"),
    [
        ("<!DOCTYPE log [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>", "&b;"),
        ("<!DOCTYPE log [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>", "&a;"),
        ("<!DOCTYPE log SYSTEM 'http://127.0.0.1:1/x.dtd'>", "c"),
    ],
)
def test_xml_that_declares_entities_is_refused(tmp_path: Path, declared: str, case: str):
    """Nothing is expanded, no file and no address is opened."""
    (tmp_path / "log.xes").write_text(declared + XES.format(case=case, rest="</log>"))
    report, _, rejected = loaded(tmp_path / "log.xes", format="xes")
    assert (report.events, [row["reason"] for row in rejected]) == (0, ["document"])
    assert "DOCTYPE" in rejected[0]["detail"]


@pytest.mark.parametrize(
    ("rest", "why"), [("<trace><event>", "breaks off"), ("<a>" * 40, "more than 32 deep"), ("<a></b></log>", "is not XML")]
)
def test_xml_that_breaks_off_loads_up_to_there(tmp_path: Path, rest: str, why: str):
    """What stands before the damage is kept, the damage is told about once."""
    (tmp_path / "log.xes").write_text(XES.format(case="c", rest=rest))
    report, events, rejected = loaded(tmp_path / "log.xes")
    assert ([event["subject_id"] for event in events], report.quarantined) == (["c"], 1)
    assert why in rejected[0]["detail"]


def test_a_damaged_or_foreign_sqlite_file_is_refused(tmp_path: Path, shared_data: Path):
    """The file is left as it is: no journal beside it, no byte changed."""
    good = (shared_data / FOLDER / "ocel20_example.sqlite").read_bytes()
    for name, content in {"cut": good[:5000], "header": good[:16]}.items():
        (tmp_path / name).write_bytes(content)
        report, _, rejected = loaded(tmp_path / name)
        assert (report.events, [row["reason"] for row in rejected]) == (0, ["document"])
        assert (tmp_path / name).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "header"]


SIMKUBE = '{"events": [{"ts": 1, "applied_objs": [{"kind": "Deployment", "metadata": {"name": "d"}}], "deleted_objs": []}]}'
CHROME = '{"ph": "B", "pid": 1, "tid": 2, "ts": %d, "name": "work"}'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (XES.format(case="c", rest="</log>"), "<!-- exported again -->\n" + XES.format(case="c", rest="</log>")),
        (SIMKUBE, "\n\n" + SIMKUBE),
        (f"[{CHROME % 5}]", f"[{CHROME % 1}, {CHROME % 5}]"),
    ],
)
def test_a_record_at_another_place_of_a_document_is_the_same_event(tmp_path: Path, one: str, other: str):
    """The clock of such a log is a place in it, which is no content."""
    with open_in_memory() as database:
        for name, text in {"one": one, "other": other}.items():
            (tmp_path / name).write_text(text)
            report = load(database, [tmp_path / name])
        assert (report.duplicates, report.conflicts, report.quarantined) == (1, 0, 0)
