"""Capacity and queues: the numbers on the page are those of the events, whatever was folded for the picture."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Unpack

import polars as pl
import pytest

from reference_cluster.bugs import bug_named
from tests.cluster.runs import run_of
from tests.house import ROOT
from tests.notebooks.conftest import load_into
from timeline.api import Timeline
from timeline.drawn.capacity import PIXELS
from timeline.links import Place
from timeline.pages import capacity_words
from timeline.pages.opening import Given


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve sessions that want a worker at once, of a tenant whose cap is four."""
    return load_into(tmp_path_factory.mktemp("burst") / "burst.duckdb", run_of("burst_at_cap", 1).lines)


def shown(database: Path, **place: Unpack[Place]) -> str:
    """What the page shows at a place, as one text."""
    page = importlib.import_module("notebooks.capacity_and_queues")
    outputs, _ = page.app.run(defs={"given": Given(str(database), place)})
    return "\n".join(getattr(output, "text", str(output)) for output in outputs if output is not None)


def test_the_page_answers_first_and_its_table_sums_to_every_wait(burst: Path):
    """Twelve sessions waited for 6m46.281331s together; the ledger and the page say the same, to the microsecond."""
    page = shown(burst)
    assert page.index("org/acme was full for 54s of 1m55s: 4 workers of 4 were taken at most") < page.index("Who waited longest")
    assert "12 sessions waited 6m46s together: 48% queue, 43% no_capacity." in page
    with Timeline.open(burst) as log:
        waits = log.waits().filter(pl.col("reason") != "running")
        measure = log.capacity()
    assert waits["dur_us"].sum() == 406_281_331
    assert ">6m46.281331s<" in page
    binned = measure.waiting.select(pl.col("waiting") * (pl.col("until_us") - pl.col("ts_us"))).sum().item()
    assert round(binned) == 406_281_331, "the area of the chart is the time that was waited"


def test_what_is_folded_for_the_picture_keeps_its_peaks_and_is_counted(burst: Path):
    with Timeline.open(burst) as log:
        measure = log.capacity()
        steps = log.sql("SELECT max(active) AS peak, max(cap) AS cap, count(*) AS steps FROM org_slots")
    (pool,) = measure.pools.to_dicts()
    assert (measure.steps["used"].max(), pool["peak"], pool["room"]) == (4, *steps.row(0)[:2])
    assert measure.folded > 0
    assert measure.steps["pieces"].sum() == len(measure.steps) + measure.folded >= steps["steps"].item()
    assert len(measure.steps) <= 2 * PIXELS


def test_the_demonstration_keeps_slots_that_nobody_uses(leaking: Path):
    """Nobody waits and no pool is full, but three slots are never given back: the findings are on the page."""
    page = shown(leaking)
    assert "Of 2 pools none was ever full; in org/acme 7 workers of 8 were taken at most, 2 are where the log ends." in page
    assert "its slot of acme was kept" in page


def test_an_address_opens_the_page_at_a_workload_and_a_moment(burst: Path):
    """At 20 s all four slots are taken; the life of the session that was asked for is shown."""
    page = shown(burst, object="session/s-3", as_of="2026-01-01T00:00:20Z")
    assert "4 are at the moment that was asked for" in page
    assert "session/s-3 waited 1m" in page


def test_what_an_address_asks_for_and_is_not_there_is_said(burst: Path):
    page = shown(burst, run="monday", object="session/none", as_of="soon")
    for said in ("The run monday", "The object that the address names", "The moment that the address names"):
        assert said in page
    assert "org/acme was full" in page


def test_a_fleet_counts_its_workers_and_the_jobs_that_wait_for_one():
    """Three workers, a gang of three: full while it runs, and while it waits for a tick all three places are asked for."""
    with Timeline.in_memory(run_of("gang_demo", 1).lines) as log:
        measure = log.capacity()
        busiest = log.sql("SELECT count(DISTINCT worker) AS busy FROM job_state_interval WHERE worker IS NOT NULL").item()
    (fleet,) = measure.pools.to_dicts()
    assert (fleet["pool_kind"], fleet["peak"], fleet["room"], fleet["unmet"]) == ("fleet", busiest, 3, 3)
    assert "1 gang waited" in capacity_words.answer(measure)
    assert "3 jobs waited" in capacity_words.answer(measure)


def test_a_quota_that_is_full_names_the_replicas_that_wait_for_it_and_not_those_that_wait_for_its_watch():
    """Two replicas and one slot, until the quota is raised; with the bug on, one waits for a cache long after that."""
    runs = [run_of("quota_race", 1), run_of("quota_race", 1, bug_named("lag_counts_as_shortage"))]
    with Timeline.in_memory(line for run in runs for line in run.lines) as log:
        clean, leaking = (log.capacity(run) for run in sorted(log.runs()["run_id"]))
    for measure in (clean, leaking):
        (quota,) = measure.pools.to_dicts()
        assert (quota["pool"], quota["peak"], quota["room"], quota["unmet"]) == ("risk.zone-c", 2, 4, 2)
        assert "2 replicas waited" in capacity_words.answer(measure)
        assert "not known" not in capacity_words.pool_rows(measure)[0]
    assert "stale_cache" not in clean.reasons["reason"].to_list()
    assert leaking.reasons.filter(reason="stale_cache")["waited_us"].to_list() == [8_015_024]


def test_a_node_without_its_lease_has_no_room_for_what_the_schedule_still_gives_it():
    """Ten instances of 2 GiB on three nodes of 8 GiB; one dies with four of them, two find no room until it comes back."""
    with Timeline.in_memory(run_of("placement_partial_fit", 1).lines) as log:
        moment = "SELECT sum(used_mb), sum(room_mb) FROM node_room WHERE ts_us = (SELECT min(ts_us) FROM node_room WHERE used_mb > 0)"
        placed = log.sql(moment).row(0)
        dead = log.sql("SELECT used_mb, room_mb FROM node_room WHERE room_mb = 0 ORDER BY ts_us LIMIT 1").row(0)
        measure = log.capacity()
    assert placed == (10 * 2048, 3 * 8192)
    assert dead == (8192, 0)
    assert measure.pools["pool"].to_list() == ["node-1", "node-2", "node-3"]
    assert set(measure.pools["unit"]) == {"MB"}
    assert measure.reasons.filter(reason="no_memory").select("workloads", "waited_us").rows() == [(2, 86_836_192)]
    assert "10 slots waited 6m6s together: 46% health_check, 24% no_memory." in capacity_words.answer(measure)
    assert {"for any node"} == {row[4] for row in capacity_words.pool_rows(measure)}, "who lacks memory waits for no node alone"


def test_a_test_that_nobody_releases_waits_for_its_leader_and_for_no_room():
    """All four members were ready after 14.5 s; then nobody told them to go on, for the 216 s that are left of the log."""
    with Timeline.in_memory(run_of("barrier_leader_moves", 1, bug_named("duty_only_on_change")).lines) as log:
        measure = log.capacity()
    assert measure.pools.is_empty()
    assert capacity_words.answer(measure) == (
        "The log says of nothing how much room it has. 1 barrier waited 3m50s together: 94% not_released, 6% member_not_ready."
    )


def test_as_a_script_it_prints_the_answer(burst: Path):
    command = [sys.executable, str(ROOT / "notebooks" / "capacity_and_queues.py"), "--db", str(burst)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    with Timeline.open(burst) as log:
        assert ran.stdout.strip() == capacity_words.answer(log.capacity())
