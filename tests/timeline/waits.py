"""What the stories about waits of several families share: where the time of a workload went, as a test compares it."""

from __future__ import annotations

from tests.story import SECOND, tell
from timeline import Timeline
from timeline.why import Why


def why(workload: str, *texts: str) -> Why:
    """Where the time of `kind/id` went. Whatever the story, the parts follow one another and sum to the whole."""
    with Timeline.in_memory(event.model_dump_json().encode() for event in tell("\n".join(texts))) as log:
        why = log.why(workload)
    assert [part.since for part in why.parts] == [why.since, *(part.until for part in why.parts[:-1])]
    assert sum(part.dur_us for part in why.parts) == sum(why.reasons.values()) == why.whole_us == why.until - why.since
    return why


def spent(workload: str, *texts: str) -> list[tuple[str, float]]:
    """In order: reason, seconds."""
    return [(part.reason, part.dur_us / SECOND) for part in why(workload, *texts).parts]


def about(workload: str, *texts: str) -> dict[str, tuple[str | None, str | None]]:
    """Of each reason, where it came first: what was waited for, and what the event says."""
    parts = reversed(why(workload, *texts).parts)
    return {part.reason: (part.waits_for, part.detail) for part in parts}
