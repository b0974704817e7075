"""Gauges on stories: what they say at which moment, that their number is bounded, and that Prometheus reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from typer.testing import CliRunner

from ingest.errors import UsageError
from tests.story import SECOND, START_US, rows, story
from tests.timeline.test_alerts import promtool
from timeline import catalog
from timeline.alerting import alerts
from timeline.api import Timeline
from timeline.cli import app
from timeline.findings import Cost, Finding, Report, Subject
from timeline.gauges import OF_DATABASE, OF_RUN, SERIES_MAX, Gauge, measure, measure_database
from timeline.gauges.openmetrics import OWN as OF_SCRAPE
from timeline.gauges.openmetrics import exposition, history, label_value, scrape

POOL = """
    0s    cp-1/control_plane  control_plane/cp-1-a  control_plane.started
    0s    cp-1/control_plane  control_plane/cp-1-a  config.declared
    0s    cp-1/elector        lease/janitor         lease.acquired
    1s    cp-1/pool           worker/w-1            worker.slot_created  cap=4
    3s    cp-1/pool           worker/w-1            worker.spawned
    5s    cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
    10s   cp-1/pool           worker/w-1            worker.assigned
    12s   cp-1/pool           control_plane/cp-1-a  sweep.completed
    15s   cp-1/pool           worker/w-1            worker.activated
    18s   cp-1/elector        lease/janitor         lease.lost
    22s   cp-1/pool           control_plane/cp-1-a  sweep.list_failed  list_ok=false stamped=false
    25s   cp-1/pool           worker/w-1            worker.parked
    35s   cp-1/pool           worker/w-1            worker.retired
    40s   cp-2/control_plane  control_plane/cp-2-a  control_plane.started
"""
EVENT = {"actor": "cp-1/pool", "kind": "thing.happened", "subject": {"kind": "thing", "id": "t-1"}}
SILENT = Report(as_of=None, detectors=["warm_pool/stale_hot_idle"], findings=[], verdicts={"warm_pool/stale_hot_idle": "clean"})


def report(*findings: Finding) -> Report:
    return SILENT.model_copy(update={"findings": list(findings), "verdicts": {"warm_pool/stale_hot_idle": "found"}})


def finding(since: float, until: float | None, vcpu_seconds: float = 0.0) -> Finding:
    """A finding from one second of the story to another."""
    return Finding(
        finding_id="f",
        run_id="run",
        detector="warm_pool/stale_hot_idle",
        severity="warning",
        verdict="found",
        subject=Subject(kind="worker", id="w-1"),
        since=START_US + int(since * SECOND),
        until=None if until is None else START_US + int(until * SECOND),
        evidence=[],
        says="",
        cost=Cost(unit="vcpu_seconds", amount=vcpu_seconds),
        data={},
    )


def told(gauges: list[Gauge], name: str, *labels: str) -> list[float]:
    """The values of one series, in order of time; times count in seconds from the story's start."""
    (gauge,) = (gauge for gauge in gauges if gauge.name == f"timeline_{name}")
    start = START_US / SECOND if name.endswith("_timestamp_seconds") else 0
    return [row[-1] - start for row in gauge.samples.rows() if row[:-2] == labels]


@pytest.fixture(scope="module")
def pool() -> duckdb.DuckDBPyConnection:
    return story(POOL)


@pytest.fixture(scope="module")
def every_ten_seconds(pool: duckdb.DuckDBPyConnection) -> list[Gauge]:
    """The story at 0, 10, 20, 30 and 40 seconds."""
    return measure(pool, "run", SILENT, 10 * SECOND)


# ---- what they say


@pytest.mark.parametrize(
    ("name", "labels", "values"),
    [
        ("workers", ("idle",), [0, 0, 0, 0, 0]),
        ("workers", ("reserved",), [0, 1, 0, 0, 0]),
        ("workers", ("hot",), [0, 0, 1, 0, 0]),
        ("workers", ("hot_idle",), [0, 0, 0, 1, 0]),
        ("slots_used", ("acme",), [0, 1, 1, 0, 0]),
        ("slots_cap", ("acme",), [4, 4, 4, 4]),
        ("hot_idle_parked_timestamp_seconds", ("acme",), [25]),
        ("hot_idle_deadline_timestamp_seconds", ("acme",), [85]),
        ("lease_held", ("janitor",), [1, 1, 0, 0, 0]),
        ("control_planes", ("alive",), [1, 1, 1, 0, 1]),
        ("control_planes", ("silent",), [0, 0, 0, 1, 1]),
        ("last_successful_sweep_timestamp_seconds", ("cp-1/pool", "janitor", "hot_idle_ttl"), [12, 12, 12]),
        ("log_last_event_timestamp_seconds", (), [0, 10, 18, 25, 40]),
        ("evidence_gaps", (), [0, 0, 0, 0, 0]),
        ("detections_total", ("warm_pool/stale_hot_idle", "warning"), [0, 0, 0, 0, 0]),
        ("findings", ("warm_pool/stale_hot_idle", "warning"), [0, 0, 0, 0, 0]),
        ("series_dropped_total", ("timeline_workers",), [0, 0, 0, 0, 0]),
    ],
)
def test_a_gauge_tells_the_state_at_each_moment(every_ten_seconds: list[Gauge], name: str, labels: tuple[str, ...], values: list[float]):
    """A count is 0 where nothing is counted; a time is absent before it first happens, and stands still while nothing succeeds."""
    assert told(every_ten_seconds, name, *labels) == values


def test_a_finding_that_lasts_a_moment_is_seen_once_and_one_that_lasts_until_it_ends(pool: duckdb.DuckDBPyConnection):
    """The first is over in no time, the second ends at 25 s, the third goes on."""
    gauges = measure(pool, "run", report(finding(11, 11), finding(5, 25), finding(32, None)), 10 * SECOND)
    assert told(gauges, "findings", "warm_pool/stale_hot_idle", "warning") == [0, 1, 2, 1, 1]
    assert told(gauges, "oldest_finding_timestamp_seconds", "warm_pool/stale_hot_idle") == [5, 5, 5, 32]


def test_a_finding_that_is_not_certain_is_not_counted(pool: duckdb.DuckDBPyConnection):
    gauges = measure(pool, "run", report(finding(5, None).model_copy(update={"verdict": "pending"})))
    assert told(gauges, "findings", "warm_pool/stale_hot_idle", "warning") == [0]


def test_what_findings_waste_sums_to_their_cost(pool: duckdb.DuckDBPyConnection):
    """8 vCPUs for 20 s, and 2 for the 8 s until the log ends."""
    gauges = measure(pool, "run", report(finding(10, 30, vcpu_seconds=160), finding(32, None, vcpu_seconds=16)), SECOND)
    wasted = told(gauges, "wasted_vcpus", "warm_pool/stale_hot_idle")
    assert sum(wasted[:-1]) == 176
    assert wasted[-1] == 2


def test_a_detector_that_cannot_judge_is_told_from_one_that_finds_nothing(pool: duckdb.DuckDBPyConnection):
    blind = SILENT.model_copy(update={"verdicts": {"warm_pool/stale_hot_idle": "unknown"}})
    assert told(measure(pool, "run", SILENT), "detector_unknown", "warm_pool/stale_hot_idle") == [0]
    assert told(measure(pool, "run", blind), "detector_unknown", "warm_pool/stale_hot_idle") == [1]


def test_now_is_the_last_moment_of_history(pool: duckdb.DuckDBPyConnection, every_ten_seconds: list[Gauge]):
    for now, then in zip(measure(pool, "run", SILENT), every_ten_seconds, strict=True):
        end = then.samples.filter(pl.col("at_us") == START_US + 40 * SECOND)
        assert now.name == then.name
        assert now.samples.rows() == end.rows()


def test_one_run_is_measured_whatever_else_the_database_holds():
    two = story(POOL + "45s  cp-9/pool  worker/w-9  worker.parked  run=other")
    gauges = measure(two, "run", SILENT)
    assert {gauge.run_id for gauge in gauges} == {"run"}
    assert told(gauges, "log_last_event_timestamp_seconds") == [40]
    assert told(gauges, "workers", "hot_idle") == [0]


def test_nothing_is_left_behind_in_the_database(pool: duckdb.DuckDBPyConnection):
    before = rows(pool, "SELECT table_name FROM duckdb_tables() ORDER BY ALL")
    measure(pool, "run", SILENT)
    assert rows(pool, "SELECT table_name FROM duckdb_tables() ORDER BY ALL") == before


@pytest.mark.parametrize(("run", "step_us", "way_out"), [("none", None, "it is not here"), ("run", 1000, "choose a longer --step")])
def test_what_cannot_be_measured_is_said(pool: duckdb.DuckDBPyConnection, run: str, step_us: int | None, way_out: str):
    with pytest.raises(UsageError, match=way_out):
        measure(pool, run, SILENT, step_us)


# ---- how many series there are, and what their labels can do


@pytest.fixture(scope="module")
def crowded() -> duckdb.DuckDBPyConnection:
    """The story with 20,000 more tenants: `big` has 3 workers, the others one each; a tenant's name is what an event says."""
    log = story(POOL)
    log.execute("""
        INSERT INTO worker_state_interval BY NAME
        SELECT 'run' AS run_id, 'w' || range AS worker, 'hot' AS state, if(range < 3, 'big', 'org-' || range) AS org,
               end_us - 5000000 AS ts_us, 5000000 AS dur_us, true AS is_open
        FROM range(20003), log_bounds
    """)
    return log


def test_a_crowd_of_tenants_gives_no_crowd_of_series(crowded: duckdb.DuckDBPyConnection):
    """The highest peaks keep their own series, the others are put together and counted; nobody is lost in the sum."""
    gauges = measure(crowded, "run", SILENT, 10 * SECOND)
    (used,) = (gauge for gauge in gauges if gauge.name == "timeline_slots_used")
    assert used.samples["org"].n_unique() == SERIES_MAX + 1
    assert told(gauges, "slots_used", "big") == [0, 0, 0, 0, 3]
    assert told(gauges, "slots_used", "other") == [0, 0, 0, 0, 20_000 - SERIES_MAX + 1 + 1]
    assert told(gauges, "series_dropped_total", "timeline_slots_used") == [20_002 - SERIES_MAX] * 5
    assert sum(gauge.samples.unique(gauge.labels).height for gauge in gauges if gauge.labels) < 500


def test_a_crowd_of_followed_files_gives_no_crowd_of_series():
    log = story(POOL)
    log.execute("INSERT INTO follow_lag SELECT 'f' || range, 1, range, 0, range * 1000000, 0 FROM range(1000)")
    text = scrape(measure_database(log), START_US).decode()
    lags = [line for line in text.splitlines() if line.startswith("timeline_ingest_lag_seconds{")]
    assert len(lags) == SERIES_MAX + 1
    assert 'timeline_ingest_lag_seconds{file="other"} 959.0' in lags
    assert 'timeline_series_dropped_total{gauge="timeline_ingest_lag_seconds"} 960\n' in text


HOSTILE = [
    '"',
    "\\",
    "\n",
    "a\r\tb",
    "\ud800",
    "\0",
    "x" * 10_240,
    "🦆" * 100,
    "",
    "\x1b]0;title\x07",
    "\u202edrac",
    '"} 1\nevil 2',
    "{{ $value }}",
]


@given(st.text(st.characters()))
@example(HOSTILE[4])
@example("é" * 127)
def test_a_label_holds_nothing_that_could_command_and_is_short(text: str):
    """At most 128 bytes of UTF-8, no control character, no lone surrogate, never empty; the same text gives the same label."""
    value = label_value(text)
    assert 0 < len(value.encode()) <= 128
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value)
    assert label_value(value) == value


def _gauge(values: list[str]) -> Gauge:
    samples = pl.DataFrame({"org": values, "at_us": START_US, "value": range(len(values))})
    return Gauge("timeline_slots_used", 'Help with "quotes", \\ and\nlines.', samples)


def test_hostile_labels_are_read_back_as_they_were_cleaned():
    """By another program's parser: one sample each, and nothing that a label said became a sample of its own."""
    clean = [label_value(text) for text in HOSTILE]
    (family,) = text_string_to_metric_families(history([_gauge(clean)]))
    assert [sample.labels["org"] for sample in family.samples] == clean
    assert [sample.value for sample in family.samples] == [*range(len(clean))]


def test_names_that_look_the_same_once_cleaned_are_one_series(pool: duckdb.DuckDBPyConnection):
    """Prometheus refuses a file that says a series twice."""
    log = story(POOL)
    log.execute("UPDATE worker_state_interval SET org = repeat('x', 200) || worker || state")
    (used,) = (gauge for gauge in measure(log, "run", SILENT, 10 * SECOND) if gauge.name == "timeline_slots_used")
    assert used.samples.select("org", "value").rows() == [("x" * 128, value) for value in (0, 1, 1, 0, 0)]


# ---- what Prometheus makes of them


def test_history_is_openmetrics(every_ten_seconds: list[Gauge]):
    """Help, type and unit; a sample a line with its time in seconds, ascending in each series; the end is marked."""
    text = history(every_ten_seconds)
    assert text.endswith("\n# EOF\n")
    assert text.index("# UNIT timeline_log_last_event_timestamp_seconds seconds") > 0
    assert 'timeline_workers{run="run",state="hot"} 1 1767225620.000\n' in text
    for family in text_string_to_metric_families(text):
        assert family.type == ("counter" if family.name in {"timeline_detections", "timeline_series_dropped"} else "gauge")
        times: dict[str, list[float]] = {}
        for sample in family.samples:
            times.setdefault(json.dumps(sample.labels), []).append(float(sample.timestamp))
        assert all(series == sorted(set(series)) for series in times.values())


@pytest.mark.tools
def test_prometheus_loads_the_history_of_a_hostile_crowd(crowded: duckdb.DuckDBPyConnection, tmp_path: Path):
    gauges = [*measure(crowded, "run", report(finding(5, 25)), 10 * SECOND), _hostile()]
    (tmp_path / "run.om").write_text(history(gauges))
    loaded = promtool("tsdb", "create-blocks-from", "openmetrics", tmp_path / "run.om", tmp_path / "data")
    assert loaded.returncode == 0, loaded.stderr
    listed = promtool("tsdb", "list", tmp_path / "data").stdout.split("\n")[1].split()
    assert int(listed[4]) == sum(gauge.samples.height for gauge in gauges)


def _hostile() -> Gauge:
    return Gauge("timeline_hostile", "Labels of all sorts.", _gauge([label_value(text) for text in HOSTILE]).samples)


def test_alerts_look_only_at_what_is_exported(every_ten_seconds: list[Gauge], pool: duckdb.DuckDBPyConnection):
    exported = {gauge.name for gauge in (*every_ten_seconds, *measure_database(pool))} | set(OF_SCRAPE)
    looked_at = {name for alert in alerts.alerts() for name in re.findall(r"timeline_\w+", alert.expression)}
    assert looked_at <= exported


@pytest.mark.parametrize("name", catalog.read(OF_RUN))
def test_a_gauge_of_a_run_documents_its_columns(every_ten_seconds: list[Gauge], name: str):
    (gauge,) = (gauge for gauge in every_ten_seconds if gauge.name == f"timeline_{name}")
    assert list(catalog.read(OF_RUN)[name].columns) == ["at_us", *gauge.labels, "value"]


@pytest.mark.parametrize("name", catalog.read(OF_DATABASE))
def test_a_gauge_of_the_database_documents_its_columns(pool: duckdb.DuckDBPyConnection, name: str):
    (gauge,) = (gauge for gauge in measure_database(pool) if gauge.name == f"timeline_{name}")
    assert list(catalog.read(OF_DATABASE)[name].columns) == [*gauge.labels, "value"]


# ---- a scrape


@pytest.mark.tools
def test_a_scrape_is_what_promtool_calls_well_named(crowded: duckdb.DuckDBPyConnection):
    """Whatever the labels hold, and with every gauge that we have; `promtool check metrics` ends with 3 for a fault of naming."""
    gauges = [*measure(crowded, "run", report(finding(5, 25))), *measure_database(crowded), _hostile()]
    checked = promtool("check", "metrics", stdin=scrape(gauges, START_US).decode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_scrape_has_each_live_run_under_its_own_label_and_no_old_one():
    """Two runs of one day, and one that ended two days before: each name has one head, and a series for each live run."""
    log = Timeline.in_memory(
        json.dumps({**EVENT, "event_id": run, "run_id": run, "time": time}).encode()
        for run, time in (("old", "2026-01-01T00:00:00Z"), ("east", "2026-01-03T08:00:00Z"), ("west", "2026-01-03T09:00:00Z"))
    )
    text = exposition(log, START_US).decode()
    heard = [line.split()[0] for line in text.splitlines() if line.startswith("timeline_log_last_event_timestamp_seconds")]
    assert heard == [f'timeline_log_last_event_timestamp_seconds{{run="{run}"}}' for run in ("east", "west")]
    assert text.count("# TYPE timeline_log_last_event_timestamp_seconds gauge") == 1
    assert 'timeline_ingest_lines_total{result="event"} 3\n' in text


def test_a_database_that_cannot_be_measured_is_down_and_says_since_when():
    assert scrape([], START_US, is_up=False).decode().splitlines()[2::3] == [
        "timeline_up 0",
        "timeline_measured_timestamp_seconds 1767225600.000",
    ]
    assert b"timeline_measured" not in scrape([], None, is_up=False)


def test_a_database_without_events_is_up_and_has_no_run():
    assert b'{run="' not in exposition(Timeline.in_memory(), START_US)


# ---- the command


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, result.stdout


@pytest.fixture
def loaded(database: Path, events: Path) -> Path:
    assert run("ingest", events, "--db", database)[0] == 0
    return database


def test_the_command_prints_gauges_as_a_table_and_as_one_document(loaded: Path):
    code, text = run("gauges", "--db", loaded)
    assert code == 0
    assert re.search(r"timeline_lease_held +lease=janitor +0\n", text)
    code, text = run("gauges", "--db", loaded, "--json")
    answer = json.loads(text)
    assert (code, answer["run_id"]) == (0, "tiny-1")
    assert {"gauge": "timeline_lease_held", "labels": {"lease": "janitor"}, "value": 0} in answer["gauges"]


def test_the_command_writes_history(loaded: Path, tmp_path: Path):
    code, text = run("gauges", "--db", loaded, "--openmetrics", tmp_path / "run.om", "--step", "5s", "--json")
    written = list(text_string_to_metric_families((tmp_path / "run.om").read_text()))
    assert code == 0
    assert json.loads(text)["samples"] == sum(len(family.samples) for family in written)


@pytest.mark.parametrize("step", ["0s", "10ms", "soon", "-5s"])
def test_a_step_that_is_none_is_refused(loaded: Path, tmp_path: Path, step: str):
    assert run("gauges", "--db", loaded, "--openmetrics", tmp_path / "run.om", "--step", step)[0] == 2
    assert not (tmp_path / "run.om").exists()
