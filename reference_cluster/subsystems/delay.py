"""How the world takes its time."""

from __future__ import annotations

from reference_cluster.effects import Random, Sleep
from reference_cluster.scenario import Span


async def some_time(span: Span) -> None:
    """Sleep for a time of that span, in microseconds, that the program's own chance draws."""
    low, high = span
    await Sleep(low + int((high - low) * await Random()))
