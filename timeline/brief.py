"""An object's timeline in one screen: its own decisions a line each, what the others did in between counted by kind.

A gang of three says seventy things in fifty seconds. A person wants its own ten, and between any two of them what
happened meanwhile: how many claims, which process ended and why. Nothing is left out; it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ingest.duration import duration
from timeline.story import Decided, Story

NAMES_MAX = 4
"""Objects that a counted line names; the others are a number."""


class Line(NamedTuple):
    """One line of the brief."""

    offset: str
    """Time of the first decision that it stands for, from where the log begins."""
    actor: str
    """Who decided; `*/component` where several processes did."""
    what: str
    """The kind of decision, and how many of them where there are several."""
    about: str
    """What moved, why, and on which objects."""
    is_own: bool
    """Whether the object itself was decided about."""


def brief(story: Story) -> list[Line]:
    """The story as lines, in order of time."""
    lines: list[Line] = []
    for is_own, stretch in groupby(story.decisions, key=lambda decided: _is_own(story, decided)):
        told = _own if is_own else _counted
        lines += told(story, list(stretch))
    return lines


def _is_own(story: Story, decided: Decided) -> bool:
    subject = decided.event.subject
    return (subject.kind, subject.id) == (story.kind, story.id)


def _own(story: Story, stretch: Sequence[Decided]) -> Iterator[Line]:
    """A line each; decisions that only repeat the one before (a heartbeat, a refusal) are one line."""
    for _, same in groupby(stretch, key=lambda decided: (decided.event.kind, _about(decided))):
        repeated = list(same)
        yield _line(story, repeated, _about(repeated[0]), is_own=True)


def _counted(story: Story, stretch: Sequence[Decided]) -> Iterator[Line]:
    """A line for each kind with its reason, in the order in which they came up."""
    by_kind: dict[tuple[str, str], list[Decided]] = {}
    for decided in stretch:
        by_kind.setdefault((decided.event.kind, _about(decided)), []).append(decided)
    for (_, about), same in by_kind.items():
        names = list(dict.fromkeys(f"{decided.event.subject.kind}/{decided.event.subject.id}" for decided in same))
        yield _line(story, same, " ".join(part for part in (about, _named(names)) if part), is_own=False)


def _line(story: Story, same: Sequence[Decided], about: str, *, is_own: bool) -> Line:
    since_us = same[0].at_us - story.start_us
    actors = sorted({decided.event.actor for decided in same})
    actor = actors[0] if len(actors) == 1 else "*/" + "|".join(sorted({name.partition("/")[2] for name in actors}))
    what = same[0].event.kind if len(same) == 1 else f"{len(same)} x {same[0].event.kind}"
    return Line(duration(since_us - since_us % 1000), actor, what, about, is_own)


def _about(decided: Decided) -> str:
    """The move, the reason and the epoch, where there are any."""
    event = decided.event
    before, after = event.data.get("from_state"), event.data.get("to_state")
    move = f"{before or '-'}→{after}" if after is not None and before != after else ""
    epoch = f"epoch {event.epoch}" if event.epoch else ""
    return " ".join(part for part in (move, event.reason or "", epoch) if part)


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
