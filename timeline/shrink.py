"""Shrinking: the smallest part of a list that still shows something.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), in the form
without the separate test of the parts: try to leave out one part of n; where none can go, cut finer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")


def smallest(items: Sequence[Item], still_shows: Callable[[list[Item]], bool]) -> list[Item]:
    """The items that cannot be left out one by one (1-minimal), in their order.

    `still_shows` must hold for `items` itself; it is asked at most once for the same selection.
    """
    asked: dict[tuple[int, ...], bool] = {}

    def shows(kept: Sequence[int]) -> bool:
        key = tuple(kept)
        if key not in asked:
            asked[key] = still_shows([items[index] for index in key])
        return asked[key]

    kept = list(range(len(items)))
    if shows([]):
        return []
    parts = 2
    while len(kept) > 1:
        shorter = next((rest for rest in _without_a_part(kept, parts) if shows(rest)), None)
        if shorter is not None:
            kept, parts = shorter, max(parts - 1, 2)
        elif parts < len(kept):
            parts = min(2 * parts, len(kept))
        else:
            break
    return [items[index] for index in kept]


def _without_a_part(kept: list[int], parts: int) -> list[list[int]]:
    """`kept` less each of `parts` stretches of nearly equal length."""
    bounds = [len(kept) * part // parts for part in range(parts + 1)]
    return [kept[:low] + kept[high:] for low, high in pairwise(bounds)]


def least(low: int, high: int, still_shows: Callable[[int], bool], step: int) -> int:
    """The least multiple of `step` above `low` and below `high` that still shows it, by halving; `high` where none does.

    Takes it that what shows at one value shows at every greater one; where that is not so, the answer still shows it.
    """
    below, above = low // step, -(-high // step)
    best = high
    while below + 1 < above:
        middle = (below + above) // 2
        if still_shows(middle * step):
            best, above = middle * step, middle
        else:
            below = middle
    return best
