"""Databags: what the units of the application tell one another, one row for the application and one for each unit.

Only the leader writes the application's bag. What a hook writes is visible to others when the hook has succeeded, and not
before: all its writes are one commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reference_cluster.effects import List, Read
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import Row

TABLE = "databag"
APPLICATION = "k6"

BARRIER = Lifecycle(
    "barrier",
    {
        "clear": {"open": "gathering"},
        "gathering": {"release": "released", "close": "clear"},
        "released": {"close": "clear"},
    },
)

MEMBER = Lifecycle(
    "barrier_member",
    {
        "idle": {"arrive": "ready", "finish": "done", "forget": "idle"},
        "ready": {"arrive": "ready", "finish": "done", "lose": "done", "stop": "idle", "forget": "idle"},
        "done": {"arrive": "ready", "finish": "done", "forget": "idle"},
    },
)

CLEAR: Mapping[str, object] = {"state": "clear", "barrier": None, "script": None, "expected": (), "opened_us": 0, "released_us": 0}
"""The application's bag while no test is on."""


@dataclass
class Bags:
    """The databags as a hook sees them: as they were when it began, with what it has written itself."""

    app: Row
    units: dict[str, Row]
    leader: str | None

    @property
    def barrier(self) -> str | None:
        """The test that is on."""
        return None if self.app["barrier"] is None else self.app.text("barrier")

    @property
    def expected(self) -> tuple[str, ...]:
        """The members that were fixed when the test was started."""
        members = self.app["expected"]
        assert isinstance(members, tuple), members
        return members

    def status(self, unit: str) -> str | None:
        """What a unit's bag says of the test that is on: `idle` where it speaks of another; None where there is no such unit."""
        row = self.units.get(unit)
        if row is None:
            return None
        return row.text("status") if row["barrier"] == self.barrier else "idle"

    def age_us(self, column: str) -> int:
        """Age of a time in the application's bag, by the store's clock; 0 where this very hook has written it."""
        return self.app.age_us(column) if isinstance(self.app[column], int) else 0

    def write(self, key: str, changes: Mapping[str, object]) -> None:
        """What the hook has written, as it sees it from here on."""
        if key == APPLICATION:
            self.app = replace(self.app, fields={**self.app.fields, **changes})
        else:
            self.units[key] = replace(self.units[key], fields={**self.units[key].fields, **changes})


async def read_bags() -> Bags:
    """All databags, and who leads. Raises StoreDown."""
    rows = {row.key: row for row in await List(TABLE)}
    leader = await Read("leader", APPLICATION)
    app = rows.pop(APPLICATION)
    unit = None if leader is None else leader.text("unit")
    return Bags(app, rows, unit)
