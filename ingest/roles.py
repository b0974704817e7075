"""Roles: what a kind of event means to a rule that knows only the envelope, declared beside the source that writes the kind.

An activity is something that many objects go through: holding a lock, running a pair of start and end, being placed. Its
kinds have roles in it. They are loaded with the events, a set of rows a run (`kind_role`), so that models and detectors are
plain SQL and judge no kind that nobody declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import duckdb
from pydantic import BaseModel, BeforeValidator, ConfigDict

from ingest.database import readable_once
from ingest.duration import positive_us

Role = Literal[
    "acquire_attempted", "acquired", "acquire_refused", "renewed", "release_attempted", "released", "release_refused",
    "started", "opened", "ended", "closed", "place_failed", "placed", "observed", "running", "dropped", "gone",
]  # fmt: skip
"""The parts that a kind can play.

A thing that one holder has at a time: acquire_attempted, acquired, acquire_refused, renewed, release_attempted, released,
release_refused. A pair: started, or opened for what is meant to stay open; ended; closed where the scope is over, so that all in
it should have ended. What has to be placed and to run: place_failed, placed, observed (only what was placed does this), running,
dropped (no more is to be expected of it). A holder that is no more: gone."""


Expected = Literal["acquired", "renewed", "ended", "placed", "running", "gone"]
"""The roles for which a rule reads how soon they have to come: the columns of the model role_within."""


class KindRole(NamedTuple):
    """A row of the table kind_role, without its run."""

    kind: str
    role: str
    activity: str
    thing_role: str
    holder_role: str | None
    operation_role: str | None
    scope_role: str | None
    within_us: int | None
    is_whole: bool


class Activity(BaseModel):
    """What many objects go through, and the kinds that tell of it: `[activity.NAME]` in TOML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thing: str = "subject"
    """Role of the object that it is about: `subject`, or the role of a ref."""
    holder: str | None = None
    """Role of the ref that says who holds or runs it."""
    operation: str | None = None
    """Role of the ref that an attempt and its answer share."""
    scope: str | None = None
    """Role of the ref that says what it is a part of."""
    kinds: dict[str, Role]
    """Kind to the role that it plays."""
    within: dict[Expected, Annotated[int, BeforeValidator(positive_us)]] = {}
    """How soon what plays this role has to come; for `renewed` how long a hold lasts, for `gone` how long it may be held after."""

    def within_us(self, role: Role) -> int | None:
        """How soon what plays this role has to come, in microseconds; None where nothing says so."""
        return dict[str, int](self.within.items()).get(role)


def rows_of(activities: Mapping[str, Activity], is_whole: bool = False) -> tuple[KindRole, ...]:
    """The rows of these activities. `is_whole`: nothing was going on before the log's first event."""
    return tuple(
        KindRole(kind, role, name, activity.thing, activity.holder, activity.operation, activity.scope, activity.within_us(role), is_whole)
        for name, activity in activities.items()
        for kind, role in activity.kinds.items()
    )


def activities_of(document: Mapping[str, Any]) -> dict[str, Activity]:
    """The activities of a TOML document. Raises pydantic.ValidationError."""
    return {name: Activity.model_validate(body) for name, body in document.get("activity", {}).items()}


def load_roles(connection: duckdb.DuckDBPyConnection, roles: tuple[KindRole, ...]) -> None:
    """Say what the kinds of the runs in `parsed` mean. What was declared last holds; a run whose roles change is touched."""
    if not roles:
        return
    import pyarrow as pa  # only here: whoever judges a log that is loaded never needs it

    columns = list(zip(*roles, strict=True))
    types = [pa.bool_() if name == "is_whole" else pa.int64() if name == "within_us" else pa.string() for name in KindRole._fields]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    with readable_once(connection, "declared_role", pa.table(arrays, names=list(KindRole._fields))):
        connection.execute("""
            CREATE OR REPLACE TEMP TABLE new_role AS
            WITH said AS MATERIALIZED (
                SELECT * FROM (SELECT DISTINCT run_id FROM parsed WHERE run_id IS NOT NULL) CROSS JOIN declared_role
            )
            FROM said SEMI JOIN (FROM said EXCEPT FROM kind_role) AS other USING (run_id, kind)""")
    connection.execute("DELETE FROM kind_role AS known USING new_role AS new WHERE (known.run_id, known.kind) = (new.run_id, new.kind)")
    connection.execute("INSERT INTO kind_role FROM new_role")
    connection.execute("INSERT INTO touched_run SELECT DISTINCT run_id FROM new_role EXCEPT SELECT run_id FROM touched_run")
