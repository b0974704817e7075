"""What the stories about waits share: where the time of a workload went, as a test compares it."""

from __future__ import annotations

from typing import Any

from tests.detectors.together import Told
from tests.story import SECOND
from timeline.why import parts_of


def parts(log: Told, workload: str) -> list[dict[str, Any]]:
    """The parts of the life of `kind/id`. Whatever the story, each begins where the one before it ends."""
    kind, _, id_ = workload.partition("/")
    found = parts_of(log.connection, log.run_id, kind, id_)
    assert (found["ts_us"] + found["dur_us"]).to_list()[:-1] == found["ts_us"].to_list()[1:]
    return found.to_dicts()


def spent(log: Told, workload: str) -> list[tuple[str, float]]:
    """In order: reason, seconds."""
    return [(part["reason"], part["dur_us"] / SECOND) for part in parts(log, workload)]


def about(log: Told, workload: str) -> dict[str, tuple[str | None, str | None]]:
    """Of each reason, where it came first: what was waited for, and what the event says."""
    return {part["reason"]: (part["waits_for"], part["detail"]) for part in reversed(parts(log, workload))}
