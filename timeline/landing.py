"""Where a page opens: what its address asks for, held against what the log has.

What is not there is said, and the page opens without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.errors import UsageError
from timeline.api import Timeline
from timeline.links import Place, place_of


@dataclass(frozen=True)
class Landing:
    """What a page shows first."""

    run: str
    """A run that is there."""
    at_us: int | None
    """The moment that was asked for, in microseconds UTC."""
    object: str | None
    """The object that was asked for, as `kind/id`."""
    finding: str | None
    """Id of the finding that was asked for."""
    place: Place
    """What the address says, not held against anything."""
    notices: tuple[str, ...] = ()
    """What was asked for and is not there, a sentence each."""


def land(log: Timeline, query: Mapping[str, str | Sequence[str]]) -> Landing:
    """Where those query parameters lead in that log, which has a run."""
    place = place_of(query)
    runs = log.runs()["run_id"].to_list()
    notices: list[str] = []
    run = place.get("run") or runs[0]
    if run not in runs:
        notices.append(f"The address asks for the run {run}, which this log does not have; it shows {runs[0]}.")
        run = runs[0]
    at_us = object_ = finding = None
    try:
        if "as_of" in place:
            at_us = log.moment(str(place["as_of"]), run)
    except UsageError as error:
        notices.append(f"The address asks for a moment that is none, so this is the end of the log: {error}")
    try:
        if place.get("object"):
            _, kind, id_ = log.find(str(place["object"]), run)
            object_ = f"{kind}/{id_}"
    except UsageError as error:
        notices.append(f"The address asks for an object that is not in the run {run}: {error}")
    try:
        if place.get("finding"):
            finding = log.finding(str(place["finding"])).finding_id
    except UsageError as error:
        notices.append(f"The address asks for a finding that is not in this log: {error}")
    return Landing(run=run, at_us=at_us, object=object_, finding=finding, place=place, notices=tuple(notices))
