"""Says nothing and decides nothing: notes in the truth file where a planted bug has kept a barrier or a unit for too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_cluster.bugs import Lasting, Switches
from reference_cluster.records import Row
from reference_cluster.subsystems.barrier.databags import APPLICATION, TABLE
from reference_cluster.subsystems.barrier.leader import DUTY_ONLY_ON_CHANGE
from reference_cluster.subsystems.barrier.member import STOP_ERROR_STAYS_BUSY
from reference_cluster.subsystems.barrier.scenario import Config
from reference_cluster.subsystems.barrier.unit import LOST_MEMBER_STAYS_BUSY, Unit
from reference_cluster.system import Host

LOOK_US = 1_000_000


@dataclass
class Witness:
    """Looks once a second for a barrier that all hold at, and for busy units with nothing running."""

    host: Host
    config: Config
    units: Mapping[str, Unit]
    bugs: Switches
    lasting: Lasting = field(default_factory=lambda: Lasting(LOOK_US))

    def look(self) -> None:
        """Look once, and again in a second."""
        self.host.after(LOOK_US, self.look)
        self.lasting.look()
        rows = {row.key: row for row in self.host.rows(TABLE)}
        app = rows.pop(APPLICATION)
        config = self.config
        slow_us = 3 * config.tick_us + config.leader_lease_us + config.hook_retry_us
        for barrier in self.lasting.longer(slow_us, "held", _held(app, rows)):
            self.bugs.struck(DUTY_ONLY_ON_CHANGE, barrier)
        busy = (name for name, row in rows.items() if row["status"] == "ready" and _is_empty(self.units, name))
        for unit in self.lasting.longer(config.settle_bound_us + 2 * config.tick_us, "busy", busy):
            self.bugs.struck(LOST_MEMBER_STAYS_BUSY, unit)
            self.bugs.struck(STOP_ERROR_STAYS_BUSY, unit)


def _held(app: Row, rows: Mapping[str, Row]) -> set[str]:
    """The barrier that all members hold at, if there is one."""
    expected = app["expected"]
    assert isinstance(expected, tuple), expected
    ready = [name for name in expected if name in rows and rows[name]["status"] == "ready" and rows[name]["barrier"] == app["barrier"]]
    return {app.text("barrier")} if app["state"] == "gathering" and len(ready) == len(expected) else set()


def _is_empty(units: Mapping[str, Unit], name: str) -> bool:
    return name in units and units[name].process is None
