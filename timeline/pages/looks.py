"""Colours of charts: one meaning, one colour, on every page and in every picture."""

from __future__ import annotations

from collections.abc import Iterable

# Told apart by everybody, on paper too: hues after Okabe and Ito ("Color Universal Design", 2008), each with its own lightness.
STATES = {
    "spawning": "#C3CAD2",
    "idle": "#F4E3A1",
    "reserved": "#BFE3F5",
    "activating": "#56B4E9",
    "hot": "#0072B2",
    "hot_idle": "#E69F00",
    "draining": "#CC79A7",
    "sweeps": "#9FC5B5",
    "late": "#D65A6B",
}
OTHERS = ("#F4E3A1", "#BFE3F5", "#0072B2", "#CC79A7", "#E69F00", "#009E73", "#8A6FB0", "#A0522D", "#5B6570")
"""For the states of other families, in order of name: those that no state of a worker has in the same picture."""
ENDED = {"lost": "#000000", "failed": "#B3001B"}
"""Marks of the ends that are bad; the others are grey."""
LEADER, ALIVE, SESSION, LEAK, INK, FAINT = "#2F4B66", "#DDE3E9", "#08314C", "#B3001B", "#1F2933", "#7B8794"


def colours(states: Iterable[str | None]) -> dict[str, str]:
    """A colour for each state: those of a worker in the order of its life, then the others by name."""
    seen = {state for state in states if state is not None}
    ours = {state: color for state, color in STATES.items() if state in seen}
    free = [color for color in OTHERS if color not in ours.values()]
    return ours | {state: free[place % len(free)] for place, state in enumerate(sorted(seen - set(STATES)))}
