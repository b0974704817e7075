"""The models are a function of the log: not of the order of its lines, of its batches, or of anybody's wall clock."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.database import Database, open_for_read, open_for_write
from ingest.events import Event
from reference_cluster import scenario
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from tests.model_rows import MODEL_NAMES, contents
from tests.story import SECOND, START_US, database, load, rows, story, tell
from timeline import catalog
from timeline import refresh as refreshing
from timeline.api import Timeline
from timeline.blank import blank
from timeline.catalog import CatalogError
from timeline.findings import detect, read_by
from timeline.moment import moment, moment_us
from timeline.refresh import as_of, is_stale, refresh

RUN = """
    0s   cp-1/control_plane  control_plane/cp-1-a  control_plane.started  run={run}
    0s   cp-1/control_plane  control_plane/cp-1-a  config.declared  run={run}
    1s   cp-1/elector  lease/janitor  lease.attempted  run={run} +2s
    1s   cp-1/elector  lease/janitor  lease.acquired  run={run} +2s
    2s   cp-2/elector  lease/janitor  lease.attempted  run={run}
    2s   cp-2/elector  lease/janitor  lease.refused  outcome=rejected run={run}
    3s   cp-1/pool     worker/w-1   worker.slot_created  run={run}
    4s   kube/pods     worker/w-1   worker.pod_created  <cp-1-a/pool:1 run={run} -1m
    5s   cp-1/pool     worker/w-1   worker.spawned  <kube-a/pods:1 run={run}
    6s   cp-1/pool     worker/w-1   worker.assigned  run={run}
    7s   cp-1/pool     worker/w-1   worker.activated  run={run}
    7s   cp-1/pool     session/s-1  session.started  >worker/w-1 run={run}
    8s   cp-1/pool     session/s-1  session.ended  run={run}
    8s   cp-1/pool     worker/w-1   worker.memory_moved  run={run}
    8s   cp-1/pool     worker/w-1   worker.parked  run={run}
    9s   cp-1/janitor  control_plane/cp-1-a  sweep.started  run={run}
    9s   cp-1/janitor  control_plane/cp-1-a  sweep.completed  run={run}
    20s  cp-1/elector  lease/janitor  lease.lost  run={run} +2s
    40s  cp-2/elector  lease/janitor  lease.acquired  run={run}
"""
DETECTOR = "election/lost_without_recontend"
RUNS = tuple(RUN.format(run=f"run-{number}") for number in range(3))
EVENTS = [event for run in RUNS for event in tell(run)]


def log_of(events: list[Event]) -> Database:
    """A database in memory, models fresh, that more can be loaded into."""
    log = blank()
    load(log, events)
    refresh(log.connection)
    return log


WHOLE = contents(database(EVENTS))


def test_every_model_of_the_warm_pool_has_rows_in_this_log():
    """The properties below say something about each model. Those of the other families: tests/cluster/test_models_of_each_system.py."""
    families = catalog.families({model.name: model for model in refreshing.models()})
    ours = [name for name in WHOLE if families[name] & {"control_loop", "election", "warm_pool"}]
    assert [name for name in ours if not WHOLE[name]] == []


@settings(max_examples=10)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_and_the_batches_of_the_lines_do_not_matter(chance: random.Random, batches: int):
    """Any shuffle, refreshed after each batch, gives the models of the whole log loaded at once."""
    shuffled = chance.sample(EVENTS, len(EVENTS))
    with blank() as log:
        for batch in range(batches):
            load(log, shuffled[batch::batches])
            refresh(log.connection)
        assert contents(log.connection) == WHOLE


@settings(max_examples=8)
@given(st.sampled_from(sorted({event.actor for event in EVENTS})), st.integers(-(10**6), 10**6))
def test_the_wall_clock_of_an_actor_does_not_matter(actor: str, hours: int):
    """Shifting one actor's clock by up to a century moves its offset and nothing else."""
    shifted = [event if event.actor != actor else shift(event, hours) for event in EVENTS]
    got = contents(database(shifted))
    assert {name: got[name] for name in got if name != "actor_clock"} == {name: WHOLE[name] for name in WHOLE if name != "actor_clock"}


def shift(event: Event, hours: int) -> Event:
    shift_us = timedelta(hours=hours) // timedelta(microseconds=1)
    return event.model_copy(update={"time": moment(moment_us(event.time) + shift_us)})


def test_only_the_runs_that_were_touched_are_built_again():
    news = tell("50s cp-9/pool worker/w-9 worker.slot_created run=run-1")
    with log_of(EVENTS) as log:
        load(log, news)
        assert refresh(log.connection) == 1
        assert contents(log.connection) == contents(database([*EVENTS, *news]))


def test_a_refresh_without_news_does_nothing():
    connection = database(EVENTS)
    assert not is_stale(connection)
    assert refresh(connection) == 0


def test_models_of_another_version_are_built_again():
    connection = database(EVENTS)
    connection.execute("UPDATE model_version SET version = 'older'")
    connection.execute("DELETE FROM worker_write")
    assert is_stale(connection)
    assert refresh(connection) == len(RUNS)
    assert contents(connection) == WHOLE


def test_a_refresh_that_fails_changes_nothing():
    """Readers see the models of before or of after, never a mixture."""
    log = log_of(EVENTS)
    connection = log.connection
    load(log, tell("50s cp-9/pool worker/w-9 worker.slot_created run=run-1"))
    connection.execute("ALTER TABLE worker_write ADD COLUMN stray BIGINT")
    with pytest.raises(duckdb.Error):
        refresh(connection)
    connection.execute("ALTER TABLE worker_write DROP COLUMN stray")
    assert is_stale(connection)
    assert {name: found for name, found in contents(connection).items() if name != "event_time"} == {
        name: found for name, found in WHOLE.items() if name != "event_time"
    }


def test_the_models_as_of_a_moment_are_those_of_the_log_until_then():
    """Temporary tables take the names of the models; afterwards the real ones are back."""
    connection = database(EVENTS)
    with as_of(connection, START_US + 7 * SECOND):
        assert rows(connection, "SELECT DISTINCT end_us FROM log_bounds") == [(START_US + 7 * SECOND,)]
        assert rows(connection, "SELECT DISTINCT state FROM worker_state_interval WHERE is_open") == [("hot",)]
        assert rows(connection, "SELECT count(*) FROM sweep_run") == [(0,)]
    assert contents(connection) == WHOLE


def test_the_models_as_of_a_moment_need_no_right_to_write(tmp_path: Path):
    path = tmp_path / "log.duckdb"
    with open_for_write(path) as log:
        load(log, EVENTS)
        refresh(log.connection)
    with open_for_read(path) as log, as_of(log.connection, START_US):
        assert rows(log.connection, "SELECT DISTINCT end_us FROM log_bounds") == [(START_US,)]


def test_events_with_one_id_and_two_contents_are_left_out():
    """Neither wins, so neither is in a model."""
    log = story("""
        0s  cp-1/pool  worker/w-1  worker.slot_created
        2s  cp-1/pool  worker/w-1  worker.spawned  id=twice
        3s  cp-1/pool  worker/w-1  worker.spawned  id=twice vcpu=16
        4s  cp-1/pool  worker/w-1  worker.assigned
    """)
    assert rows(log, "SELECT kind FROM worker_write ORDER BY position") == [("worker.slot_created",), ("worker.assigned",)]


def test_every_column_of_a_model_is_documented_in_the_database():
    connection = database([])
    undocumented = "SELECT table_name, column_name FROM duckdb_columns() WHERE list_contains($models, table_name) AND comment IS NULL"
    assert connection.execute(undocumented, {"models": MODEL_NAMES}).fetchall() == []


def test_a_model_with_a_column_that_nobody_explains_is_refused():
    model = next(model for model in refreshing.models() if model.name == "log_bounds")
    connection = database([])
    silent = replace(model, columns={"run_id": "the run", "size": "nothing"})
    with pytest.raises(CatalogError, match=r"log_bounds\.sql:1: .* for \['end_us', 'events', 'start_us'\], remove \['size'\]"):
        refreshing.create_statements(connection, silent)


@pytest.mark.parametrize("name", {scenario.load(name).system: name for name in scenario.names()}.values())
def test_a_model_that_is_passed_over_would_have_been_empty(name: str):
    """A log of one family costs nothing for the models of the others, and loses nothing by it."""
    with Timeline.in_memory(simulate(Staged(scenario.load(name)), 1).lines) as log:
        connection = log._database.connection
        there = catalog.present(connection)
        for model in refreshing.models():
            if not refreshing._applies(model, there):
                assert rows(connection, model.sql) == []


def test_a_log_that_is_to_be_judged_by_one_detector_has_only_what_that_reads():
    """Its rows are those of the whole; a model that was not asked for is not there, so that it cannot be taken for empty."""
    asked = read_by([DETECTOR])
    with blank(asked) as log:
        load(log, EVENTS[: len(EVENTS) // 3])
        refresh(log.connection, asked)
        load(log, EVENTS[len(EVENTS) // 3 :])
        refresh(log.connection, asked)
        made = {name for (name,) in rows(log.connection, "SELECT table_name FROM duckdb_tables()")}.intersection(MODEL_NAMES)
        assert {"leadership_interval", "event_time", "log_bounds"} <= made < set(MODEL_NAMES) - {"worker_memory_interval"}
        for name in made - {"event_time"}:
            assert rows(log.connection, f'FROM "{name}" ORDER BY ALL') == WHOLE[name]
        assert detect(log.connection, [DETECTOR]).verdicts == {DETECTOR: "clean"}


def test_a_refresh_of_one_family_leaves_the_rows_of_the_others():
    """A model that is passed over keeps what other runs gave it, and those that read it see nothing of them."""
    log = log_of(EVENTS)
    refresh(log.connection)
    before = contents(log.connection)
    load(log, tell("0s kube/pods pod/p-1 pod.seen run=foreign"))
    refresh(log.connection)
    after = contents(log.connection)
    assert {name: [row for row in found if row[0] != "foreign"] for name, found in after.items()} == before
