"""Prometheus as a source: gauges become timelines, and windows may overlap."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ingest.errors import UsageError
from ingest.prometheus import POINTS_MAX, STEPS_ON, Prometheus, Series, Window, load_rows, rows_of, spooled
from tests.detectors.generic.declared import GENERIC
from tests.ingest.upstream import LEADER, T0, ask, matrix, reply, served
from timeline.api import Timeline
from timeline.blank import blank
from timeline.cli import app
from timeline.refresh import refresh

MINUTE = 60_000_000


# ---- what a line says


def series(name: str, values: dict[int, str]) -> Series:
    """A series with values at some minutes from T0."""
    return Series(metric={"__name__": "up", "pod": name}, values=[(T0 + 60 * minute, value) for minute, value in values.items()])


def said(*given: Series, first: int, last: int) -> list[tuple[int, str, str, str | None, str | None]]:
    """Minute, pod, change, previous and new value of each line."""
    window = Window(T0, T0 + 60 * last, 60)
    rows = map(json.loads, rows_of("up", list(given), T0 + 60 * first, T0 + 60 * last, window))
    return [((row["at"] - T0) // 60, row["labels"]["pod"], row["change"], row["previous"], row["value"]) for row in rows]


def test_a_line_is_written_where_a_value_changes_and_every_five_minutes():
    stays = series("a", dict.fromkeys(range(-1, 12), "1"))
    moves = series("b", {0: "0", 1: "0", 2: "1", 3: "1", 7: "NaN", 8: "NaN"})
    assert said(stays, moves, first=-1, last=11) == [
        (0, "a", "held", "1", "1"),
        (0, "b", "appeared", None, "0"),
        (2, "b", "changed", "0", "1"),
        (4, "b", "vanished", "1", None),
        (5, "a", "held", "1", "1"),
        (7, "b", "appeared", None, "NaN"),
        (9, "b", "vanished", "NaN", None),
        (10, "a", "held", "1", "1"),
    ]


def test_where_no_series_is_left_nobody_was_looking():
    """The first that goes has vanished while the other is seen for two steps more; the rest go one after another, and are unseen.
    What comes after that is found.
    """
    gone = series("a", dict.fromkeys(range(-1, 6), "1")), series("b", {-1: "1"}), series("c", {3: "1", 4: "1"})
    assert said(*gone, series("d", {9: "1"}), first=-1, last=9) == [
        (0, "a", "held", "1", "1"),
        (0, "b", "vanished", "1", None),
        (3, "c", "appeared", None, "1"),
        (5, "a", "held", "1", "1"),
        (5, "c", "unseen", "1", None),
        (6, "a", "unseen", "1", None),
        (9, "d", "found", None, "1"),
    ]


@given(
    st.lists(st.dictionaries(st.integers(-1, 30), st.sampled_from("01"), max_size=30), min_size=1, max_size=3),
    st.integers(-1, 30),
    st.integers(-1, 30),
)
def test_a_window_says_of_its_moments_what_any_other_window_says(values: list[dict[int, str]], one: int, other: int):
    """So windows may overlap, be cut, be asked for twice: every line has one identity and one content."""
    every = [series(f"pod-{number}", each) for number, each in enumerate(values)]
    first, last = sorted((one, other))
    whole = list(rows_of("up", every, T0 - 60, T0 + 30 * 60, Window(T0, T0 + 30 * 60, 60)))
    part = list(rows_of("up", every, T0 + first * 60, T0 + last * 60, Window(T0, T0 + last * 60, 60)))
    assert part == [row for row in whole if T0 + first * 60 < json.loads(row)["at"] <= T0 + last * 60]
    assert len({json.loads(row)["id"] for row in whole}) == len(whole)


def test_a_long_window_is_asked_for_in_parts_that_meet():
    window = Window.around(T0 * 1_000_000, (T0 + 25_000 * 60) * 1_000_000, MINUTE)
    parts = list(window.parts())
    assert len(parts) == 3
    assert all((last - first) // 60 + STEPS_ON < POINTS_MAX for first, last in parts)
    assert [first for first, _ in parts] == [T0 - 60, *(last for _, last in parts[:-1])]
    assert parts[-1][1] == T0 + 25_000 * 60


@pytest.mark.parametrize(
    ("start", "end", "step_us"),
    [(T0, T0 - 1, MINUTE), (T0, T0 + 1, 0), (T0, T0 + 1, 500_000), (T0, T0 + 1, 301_000_000), (T0, T0 + 1_000_001, 1_000_000)],
    ids=["backwards", "no_step", "part_of_a_second", "beyond_what_prometheus_sees", "too_many_moments"],
)
def test_a_window_that_cannot_be_asked_for_is_a_usage_error(start: int, end: int, step_us: int):
    with pytest.raises(UsageError):
        Window.around(start * 1_000_000, end * 1_000_000, step_us)


def test_a_gauge_becomes_events_once_however_often_its_window_is_loaded(database: Path):
    """The server gets one plain request, and the ledger keeps where the lines came from."""
    with served(reply(200, matrix(LEADER))) as (url, asked):
        for counts in ({"lines": 2, "events": 2}, {"lines": 2, "duplicates": 2}):
            done = ask(url, "--db", str(database), "--json")
            assert done.exit_code == 0, done.output
            assert {name: count for name, count in json.loads(done.stdout).items() if count and name in {*counts, "events"}} == counts
    assert asked[0]["Accept-Encoding"] == "identity"
    with Timeline.open(database) as timeline:
        assert timeline.sql("SELECT kind, subject_id, ts_us, data->>'value' FROM event ORDER BY ts_us").rows() == [
            ("gauge.found", 'leads{pod="cp-1"}', T0 * 1_000_000, "0"),
            ("gauge.changed", 'leads{pod="cp-1"}', (T0 + 60) * 1_000_000, "1"),
        ]


@pytest.mark.parametrize("more", [["--follow"], ["--explain"], ["--format", "native"], ["events.jsonl"], ["--step", "soon"]])
def test_what_does_not_go_with_prometheus_is_a_usage_error(more: list[str], database: Path):
    assert ask("http://127.0.0.1:1", "--db", str(database), *more).exit_code == 2


def test_a_file_named_prometheus_is_a_file(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch):
    """Without --url it is a source as any other."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prometheus").write_text("")
    done = CliRunner().invoke(app, ["ingest", "prometheus", "--db", str(database)])
    assert (done.exit_code, done.stdout.startswith("0 events from 0 lines of 1 files")) == (0, True)


# ---- what duckgres' gauges mean

IS_LEADER = "duckgres_control_plane_janitor_is_leader"
LAST_REAP = "duckgres_control_plane_hot_idle_reap_last_run_timestamp_seconds"


def gauges(metric: str, **pods: Sequence[str | None]) -> list[dict[str, Any]]:
    """Series with a value a minute; None where there is none."""
    return [
        {
            "metric": {"__name__": metric, "pod": pod},
            "values": [[T0 + 60 * minute, value] for minute, value in enumerate(values) if value is not None],
        }
        for pod, values in pods.items()
    ]


def leadership(*result: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Holder, first and last minute and end of each leadership; and what is found."""
    last = max(at for one in result for at, _ in one["values"])
    with served(reply(200, matrix(*result))) as (url, _), blank() as database:
        server = Prometheus(url)
        with spooled(server.rows("any", Window(T0, last, 60))) as rows:
            report = load_rows(database, server, "any", rows, mapping="duckgres", run=None)
        assert report.quarantined == 0
        refresh(database.connection)
        timeline = Timeline(database)
        reigns = timeline.sql("SELECT holder, ts_us, ts_us + dur_us, ended_by FROM leadership_interval ORDER BY ts_us, holder").rows()
        findings = [finding.says for finding in timeline.detect(GENERIC).findings if finding.verdict == "found"]
    return [(holder, *((at // 1_000_000 - T0) // 60 for at in span), ended) for holder, *span, ended in reigns], findings


@pytest.mark.parametrize(("last", "ended"), [(9, "lost"), (10, "replaced")])
def test_a_handover_is_no_gap_and_no_two_leaders(last: int, ended: str):
    """The next is seen to lead from minute 10, the first until minute 9; or 10, for they are not scraped at one moment."""
    one = [*["1"] * (last + 1), *["0"] * (30 - last)]
    other = [*["0"] * 10, *["1"] * 21]
    assert leadership(*gauges(IS_LEADER, a=one, b=other)) == ([("a", 0, 10, ended), ("b", 10, 30, "open")], [])


def test_a_leader_whose_pod_is_gone_has_lost_the_lease():
    """It is seen no more while the others are; nobody leads for 15 minutes at least, which is found."""
    one = [*["1"] * 10, *[None] * 21]
    other = [*["0"] * 26, *["1"] * 5]
    reigns, findings = leadership(*gauges(IS_LEADER, a=one, b=other))
    assert reigns == [("a", 0, 10, "lost"), ("b", 26, 30, "open")]
    assert findings == ["nobody held lease janitor for 16m after a; it may be free for 7m"]


def test_where_prometheus_itself_was_gone_nothing_is_said_of_the_time_between():
    """Nothing was seen for 20 minutes. The leader may have led on, the sweeps may have gone on: no gap is found."""
    lead = [*["1"] * 10, *[None] * 20, *["1"] * 6]
    stamp = [str(T0 + 60 * minute) if lead[minute] else None for minute in range(36)]
    reigns, findings = leadership(*gauges(IS_LEADER, a=lead), *gauges(LAST_REAP, a=stamp))
    assert (reigns, findings) == ([("a", 0, 35, "open")], [])


def test_a_leader_that_was_replaced_while_nobody_looked_leads_no_more():
    """Prometheus was gone from minute 10 to 14, and the leader with it. From 15 on nobody is seen to lead, for 16 minutes."""
    one = [*["1"] * 10, *[None] * 21]
    _, findings = leadership(*gauges(IS_LEADER, a=one, b=[*["0"] * 10, *[None] * 5, *["0"] * 16, "1"]))
    assert findings == ["nobody held lease janitor for 16m after unwatched; it may be free for 7m"]


def test_a_stamp_that_stands_still_is_a_dark_sweep():
    """The last reap was at minute 4: it counts as fresh until 11, and may then be dark until 16. A gauge of 0 was never stamped."""
    stamp = [str(T0 + 60 * min(minute, 4)) for minute in range(31)]
    _, findings = leadership(*gauges(LAST_REAP, a=stamp, b=["0"] * 31))
    assert findings == ["nobody held sweep hot_idle_reap for 19m after hot_idle_reap; it may be free for 5m"]


# ---- a real one


def tool(name: str) -> str:
    """A program of Debian's package prometheus. Missing, it fails the gate, and elsewhere skips."""
    program = shutil.which(name)
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is missing: `make tools` installs it")
    return program


def history() -> str:
    """Four hours of three replicas, a sample each 30 s: the first leads for an hour, the second for one, nobody for one, the third."""
    lines = []
    for metric, value in ((IS_LEADER, lambda at, leads: int(leads)), (LAST_REAP, lambda at, leads: T0 + at)):
        lines.append(f"# TYPE {metric} gauge")
        for pod, hours in (("cp-a", (0, 1)), ("cp-b", (1, 2)), ("cp-c", (3, 4))):
            for at in range(0, 4 * 3600, 30):
                leads = hours[0] * 3600 <= at < hours[1] * 3600
                if metric == IS_LEADER or leads:
                    lines.append(f'{metric}{{pod="{pod}"}} {value(at, leads)} {T0 + at}')
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """A Prometheus that has seen that history; its address."""
    (tmp_path / "history.txt").write_text(history())
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    blocks = ["tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "history.txt"), str(tmp_path / "data")]
    subprocess.run([tool("promtool"), *blocks], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={place}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([tool("prometheus"), *options, "--storage.tsdb.retention.time=100y"], stdout=log, stderr=log)
    try:
        for _ in range(600):
            if is_ready(f"http://{place}/-/ready"):
                break
            assert process.poll() is None, (tmp_path / "prometheus.log").read_text()
        yield f"http://{place}"
    finally:
        process.kill()
        process.wait()


def is_ready(url: str) -> bool:
    """Whether it answers; where it does not, after a short wait."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        threading.Event().wait(0.05)
        return False


@pytest.mark.tools
def test_a_real_prometheus_tells_who_led_and_when_nobody_did(prometheus: str, database: Path):
    """Recorded gauges become leaderships, a gap that is found and shown, and a dark sweep; an overlapping window adds nothing."""
    query = f'{{__name__=~"{IS_LEADER}|{LAST_REAP}"}}'

    def load(start: str, end: str) -> dict[str, Any]:
        window = ["--query", query, "--start", f"2026-01-01T{start}Z", "--end", f"2026-01-01T{end}Z", "--mapping", "duckgres", "--strict"]
        done = CliRunner().invoke(app, ["ingest", "prometheus", "--url", prometheus, *window, "--db", str(database), "--json"])
        assert done.exit_code == 0, done.output
        counted: dict[str, Any] = json.loads(done.stdout)
        return counted

    whole = load("00:00:00", "04:00:00")
    assert (whole["quarantined"], whole["conflicts"]) == (0, 0)
    again = load("00:47:00", "03:30:00")
    assert (again["events"], again["conflicts"], again["duplicates"]) == (0, 0, again["lines"])
    with Timeline.open(database) as timeline:
        hour = 3600 * 1_000_000
        led = timeline.sql("SELECT holder, ts_us, dur_us, ended_by FROM leadership_interval ORDER BY ts_us").rows()
        begun = [T0 * 1_000_000 + number * hour for number in (0, 1, 3)]
        ended = ["lost", "lost", "open"]
        assert led == list(zip(["cp-a", "cp-b", "cp-c"], begun, [hour] * 3, ended, strict=True))
        assert sorted(finding.says for finding in timeline.detect(GENERIC).findings if finding.verdict == "found") == [
            "nobody held lease janitor for 1h after cp-b; it may be free for 7m",
            "nobody held sweep hot_idle_reap for 53m30s after hot_idle_reap; it may be free for 5m",
        ]
    shown = CliRunner().invoke(app, ["show", "lease/janitor", "--db", str(database)])
    assert "lease.lost  holder=cp-b" in shown.output
    with duckdb.connect(str(database), read_only=True) as asked:
        assert asked.execute("SELECT DISTINCT path FROM ingest_file").fetchall() == [(f"{prometheus} {query}",)]
