"""An event of a known kind that leaves out what the kind requires is an event, and no row of its family's table."""

from __future__ import annotations

from pathlib import Path

from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import PARKED, line, rows, write


def test_only_events_that_say_all_that_their_kind_requires_reach_the_table_of_the_family(tmp_path: Path) -> None:
    """Left out, null, or in a line that only the strict reader could decide: `event` has it, no model reads what it lacks."""
    without_owner = {name: value for name, value in PARKED.items() if name != "owner"}
    log = write(
        tmp_path / "log.jsonl",
        line(1),
        line(2, data=without_owner),
        line(3, data=PARKED | {"owner": None}),
        line(4, data=without_owner | {"note": "a, ]"}),
        line(5, data=PARKED | {"note": "a, ]"}),
        line(6, kind="gadget.polished", data=without_owner),
    )
    with open_in_memory() as database:
        assert load(database, [log]).events == 6
        assert rows(database.connection, "SELECT seq, owner FROM worker_parked ORDER BY seq") == [
            {"seq": 1, "owner": PARKED["owner"]},
            {"seq": 5, "owner": PARKED["owner"]},
        ]
