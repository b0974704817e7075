"""Says nothing and decides nothing: notes in the truth file where a planted bug has kept a barrier or a unit for too long."""

from __future__ import annotations

from collections.abc import Mapping

from reference_cluster.bugs import Switches
from reference_cluster.effects import List, Sleep
from reference_cluster.records import Row
from reference_cluster.subsystems.barrier.databags import APPLICATION, TABLE
from reference_cluster.subsystems.barrier.leader import DUTY_ONLY_ON_CHANGE
from reference_cluster.subsystems.barrier.member import STOP_ERROR_STAYS_BUSY
from reference_cluster.subsystems.barrier.scenario import Config
from reference_cluster.subsystems.barrier.unit import LOST_MEMBER_STAYS_BUSY, Unit


async def watch_barrier(config: Config, units: Mapping[str, Unit], bugs: Switches) -> None:
    """Look at every tick for a barrier that all hold at, and for busy units with nothing running."""
    slow_us = 3 * config.tick_us + config.leader_lease_us
    held_us: dict[str, int] = {}
    while True:
        await Sleep(config.tick_us)
        rows = {row.key: row for row in await List(TABLE)}
        app = rows.pop(APPLICATION)
        held = _held(app, rows) | {name for name, row in rows.items() if row["status"] == "ready" and _is_empty(units, name)}
        held_us = {name: held_us.get(name, 0) + config.tick_us for name in sorted(held)}
        for name, since_us in held_us.items():
            if name in rows and since_us > config.settle_bound_us + 2 * config.tick_us:
                bugs.struck(LOST_MEMBER_STAYS_BUSY, name)
                bugs.struck(STOP_ERROR_STAYS_BUSY, name)
            elif name not in rows and since_us > slow_us:
                bugs.struck(DUTY_ONLY_ON_CHANGE, name)


def _held(app: Row, rows: Mapping[str, Row]) -> set[str]:
    """The barrier that all members hold at, if there is one."""
    expected = app["expected"]
    assert isinstance(expected, tuple), expected
    ready = [name for name in expected if name in rows and rows[name]["status"] == "ready" and rows[name]["barrier"] == app["barrier"]]
    return {app.text("barrier")} if app["state"] == "gathering" and len(ready) == len(expected) else set()


def _is_empty(units: Mapping[str, Unit], name: str) -> bool:
    return name in units and units[name].process is None
