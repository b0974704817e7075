"""Models that say how an object stood, and when: found by their name and columns, so that a family's objects have states and lanes.

`<kind>_state_interval` says in which state an object of that kind was; `<kind>_interval` that it was there. Both name the object
in a column `<kind>`. Nothing else is asked of a family.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from ingest.events import KINDS
from timeline.refresh import models

NEEDED = {"run_id", "ts_us", "dur_us", "is_open"}
HOLDERS = ("owner", "worker", "node", "holder")
"""Columns that say with whom an object was, the first that a model has."""
WARM_POOL = frozenset({"worker", "session"})
"""Kinds whose stretches are read elsewhere: a worker is also in memory, a session lies in its worker's lane."""


class Intervals(NamedTuple):
    """Where the stretches of one kind of object are."""

    kind: str
    table: str
    state: str
    """Its state, as SQL."""
    whom: str
    """With whom it was, as SQL."""


@functools.cache
def interval_models() -> tuple[Intervals, ...]:
    """One for each kind of object; where a kind has states and a presence, its states."""
    subjects = {decision.subject_kind for decision in KINDS.values()} - WARM_POOL
    found: dict[str, Intervals] = {}
    for model in models():
        kind = model.name.removesuffix("_interval").removesuffix("_state")
        if kind == model.name or kind not in subjects or not {*NEEDED, kind} <= set(model.columns):
            continue
        if "state" in model.columns or kind not in found:
            whom = next((holder for holder in HOLDERS if holder in model.columns), "NULL")
            found[kind] = Intervals(kind, model.name, "state" if "state" in model.columns else "'there'", whom)
    return tuple(found[kind] for kind in sorted(found))
