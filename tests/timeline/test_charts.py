"""Charts: what is drawn, what is folded, and that text of events is data and nothing else."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.errors import UsageError
from reference_cluster.scenario import load
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from tests.story import START_US, story
from timeline.api import Timeline
from timeline.drawn.happened import happened_to
from timeline.drawn.lanes import LANES_MAX, OTHERS_MAX, Lanes, lanes_of
from timeline.findings import Finding, Subject
from timeline.pages.charts import picture, swim_lanes
from timeline.pages.looks import colours

SECOND = 1_000_000
HANDOVER = """
    0s    cp-1/elector  lease/janitor  lease.acquired  holder=cp-1-a
    10s   cp-1/elector  lease/janitor  lease.lost      holder=cp-1-a
    25s   cp-2/elector  lease/janitor  lease.acquired  holder=cp-2-a
    26s   cp-2/pool     worker/w-1     worker.spawned
    30s   cp-2/pool     worker/w-1     worker.activated
    40s   cp-2/pool     worker/w-1     worker.parked
"""
LEAK = """
    0s    cp-1/pool  worker/w-1  worker.activated
    5s    cp-1/pool  worker/w-2  worker.activated
    9s    cp-1/pool  worker/w-2  worker.parked  ttl=60s
    400s  cp-1/pool  worker/w-1  worker.heartbeated
"""


W_2_SITS = Finding(
    finding_id="0123456789ab",
    run_id="run",
    detector="warm_pool/stale_hot_idle",
    severity="warning",
    verdict="found",
    subject=Subject(kind="worker", id="w-2"),
    since=START_US + 9 * SECOND,
    until=None,
    evidence=[],
    says="worker w-2 sat hot_idle",
    cost=None,
    data={},
)


@functools.cache
def unchanged(text: str) -> duckdb.DuckDBPyConnection:
    """The database of a story, for tests that only read it."""
    return story(text)


def lanes(text: str, found: Sequence[Finding] = ()) -> Lanes:
    return lanes_of(unchanged(text), "run", found)


def drawn(one: Lanes) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(swim_lanes(one).to_json())
    return spec


def test_who_led_and_when_nobody_did():
    """Leadership has its own stretches, and the time between two leaders is a vacancy."""
    told = lanes(HANDOVER)
    led = told.stretches.filter(panel="lease").select("whom", "ts_us", "until_us").rows()
    assert [(whom, (ts_us - START_US) // SECOND, (until_us - START_US) // SECOND) for whom, ts_us, until_us in led] == [
        ("cp-1-a", 0, 10),
        ("cp-2-a", 25, 40),
    ]
    assert told.vacancies.rows() == [("janitor", START_US + 10 * SECOND, START_US + 25 * SECOND)]


def test_a_worker_with_a_finding_stands_first_and_is_marked():
    told = lanes(LEAK, [W_2_SITS])
    assert told.lanes.filter(panel="worker").select("id", "is_marked").rows() == [("w-2", True), ("w-1", False)]
    assert told.findings.select("id", "detector").rows() == [("w-2", "warm_pool/stale_hot_idle")]


def test_lanes_of_an_object_are_those_of_what_it_touched():
    """Asked about one worker, no other has a lane; what is found about others is counted."""
    told = happened_to(unchanged(LEAK), "run", "worker", "w-1", [W_2_SITS]).lanes
    assert told.lanes.filter(panel="worker")["id"].to_list() == ["w-1"]
    assert told.elsewhere == 1


def test_workers_beyond_the_screen_are_folded_and_counted():
    crowd = "\n".join(f"{number}s cp-1/pool worker/w-{number} worker.activated" for number in range(LANES_MAX + 6))
    told = lanes(crowd)
    assert len(told.lanes.filter(panel="worker")) == LANES_MAX
    assert "6 more lanes folded" in drawn(told)["title"]["subtitle"]


def test_of_many_control_planes_those_with_findings_have_a_lane():
    """A fleet that was rolled out again and again does not push the workers off the screen."""
    lives = "\n".join(f"{number}s cp-{number}/control_plane control_plane/cp-{number}-a control_plane.started" for number in range(30))
    last = W_2_SITS.model_copy(update={"subject": Subject(kind="control_plane", id="cp-29-a")})
    told = lanes(lives, [last])
    assert told.lanes.filter(panel="control_plane")["id"].to_list() == [*(f"cp-{number}-a" for number in range(OTHERS_MAX - 1)), "cp-29-a"]
    assert told.folded == 30 - OTHERS_MAX


def test_stretches_at_one_place_become_one_that_says_how_many():
    """A thousand moves in a second of a long log are one mark of their lane."""
    moves = "\n".join(f"12.{step:03}s cp-1/pool worker/w-1 worker.{('parked', 'claimed')[step % 2]}" for step in range(1000))
    told = lanes(f"0s cp-1/pool worker/w-1 worker.activated\n{moves}\n3600s cp-1/pool worker/w-2 worker.spawned")
    first, folded = told.stretches.filter(panel="worker", id="w-1").select("state", "pieces").rows()
    assert first == ("hot", 1)
    assert folded[1] == 1000


def test_microseconds_become_milliseconds_in_the_chart_and_nowhere_before():
    (held, *_) = [row for row in rows(drawn(lanes(HANDOVER))) if row.get("whom") == "cp-1-a"]
    assert (held["from_ms"], held["until_ms"]) == (START_US / 1000, START_US / 1000 + 10_000)
    assert (held["since"], held["lasted"]) == ("00:00:00.000", "10s")


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every row of data of a chart."""
    return [row for rows in spec["datasets"].values() for row in json.loads(rows)]


def without_data(spec: Any) -> Any:
    if isinstance(spec, list):
        return [without_data(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    return {name: without_data(part) for name, part in spec.items() if name not in {"data", "datasets"}}


@functools.cache
def frame_of(text: str) -> Any:
    """The chart of a story, less its rows."""
    return without_data(drawn(lanes(text)))


@pytest.mark.parametrize("payload", ["datum.x; alert(1)", "a.b[0]", "text/html:<script>x</script>", "\x1b[2J\u202e", "#{evil}", "w" * 5000])
def test_text_of_events_is_data_and_nothing_else(payload: str):
    """Outside its rows a chart is the same whatever the objects are called; in the rows no character commands anything."""
    connection = story(LEAK)
    for table in ("worker_state_interval", "session_interval"):
        connection.execute(f"UPDATE {table} SET worker = $payload WHERE worker = 'w-1'", {"payload": payload})
    named = drawn(lanes_of(connection, "run", []))
    assert without_data(named) == frame_of(LEAK)
    texts = [value for row in rows(named) for value in row.values() if isinstance(value, str)]
    assert any(text.startswith(payload[:3].replace("\x1b", "\\u001b")) for text in texts)
    assert all(text.isprintable() and len(text) <= 200 for text in texts)


@pytest.mark.parametrize(("name", "begins"), [("lanes.png", b"\x89PNG"), ("lanes.svg", b"<svg")])
def test_a_picture_is_drawn(tmp_path: Path, name: str, begins: bytes):
    picture(swim_lanes(lanes(HANDOVER)), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_log_without_leaders_and_workers_says_what_to_do():
    with pytest.raises(UsageError, match="timeline objects"):
        swim_lanes(lanes("0s cp-1/control_plane session/s-1 session.queued"))


def test_a_picture_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"lanes\.gif"):
        picture(swim_lanes(lanes(HANDOVER)), tmp_path / "lanes.gif")


def test_every_family_has_lanes_without_being_listed():
    """The states of a job are drawn because a model is called job_state_interval; where it ends there is a mark, not a stretch."""
    run = simulate(Staged(load("gang_demo")), 1)
    with Timeline.in_memory(run.lines) as log:
        lanes = log.lanes()
        states = log.state()
    assert lanes.lanes.select("panel", "id").rows() == [("job", f"train-1/{member}") for member in range(3)]
    ends = lanes.stretches.filter(state="done")
    assert (len(ends), (ends["until_us"] - ends["ts_us"]).sum()) == (3, 0)
    assert states.filter(kind="job").select("id", "state").rows() == [(f"train-1/{member}", "done") for member in range(3)]
    assert swim_lanes(lanes).to_dict()["title"]["text"] == "No finding on 3 objects"


def test_no_two_states_of_a_picture_have_one_colour():
    """A reserved worker and a preempted job must not look alike."""
    with Timeline.in_memory(simulate(Staged(load("gang_demo")), 1).lines) as log:
        palette = colours(log.lanes().stretches["state"].to_list())
    assert {"reserved", "preempted", "blocked", "running"} <= set(palette)
    assert len(set(palette.values())) == len(palette)
