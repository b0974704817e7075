"""Models and gauges behind the events: they never miss any, and say so where they cannot keep up."""

from __future__ import annotations

from pathlib import Path

from ingest.database import open_for_write
from ingest.load import load
from tests.serve.conftest import eventually, make_empty, served
from tests.serve.test_events import lines
from timeline.refresh import is_stale, refresh, refreshed


def test_events_that_come_while_the_models_are_refreshed_are_in_the_next_refresh(database: Path, tmp_path: Path):
    """A refresh takes away the marks of the runs that it saw, and no other: those of the same run that came meanwhile stay."""
    first, then = tmp_path / "first.jsonl", tmp_path / "then.jsonl"
    first.write_bytes(lines(1, 2))
    then.write_bytes(lines(3))
    make_empty(database)
    with open_for_write(database) as opened:
        load(opened, [first])
        cursor = opened.connection.cursor()
        with refreshed(cursor):
            load(opened, [then])
            assert cursor.execute("SELECT events FROM log_bounds").fetchall() == [(2,)]
        assert is_stale(cursor)
        refresh(cursor)
        assert cursor.execute("SELECT events FROM log_bounds").fetchall() == [(3,)]
        assert not is_stale(cursor)
        cursor.close()


def test_a_process_that_lives_may_still_not_be_ready(database: Path):
    """A table of the models is gone: gauges are not believed, no copy is given that lacks it, and nobody restarts a process that still
    takes events.
    """
    make_empty(database)
    with open_for_write(database) as opened:
        opened.connection.execute("DROP TABLE log_bounds")
    with served(database) as client:
        assert client.ask("/events", lines(1)).status == 200
        eventually(lambda: b"the last refresh failed" in client.ask("/readyz").body)
        assert (client.ask("/readyz").status, client.ask("/healthz").status) == (503, 200)
        assert b"\ntimeline_up 0\n" in client.ask("/metrics").body
        assert client.ask("/database").status == 503
        assert client.ask("/events", lines(2)).status == 200
