"""Bin-packing by memory and local disk: which node takes which slot. Plain functions over plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """Memory and local disk, wanted or free."""

    memory_mb: int
    disk_mb: int

    def less(self, taken: Room) -> Room:
        """What is left."""
        return Room(self.memory_mb - taken.memory_mb, self.disk_mb - taken.disk_mb)

    def fits(self, wanted: Room) -> bool:
        """Whether there is room for it."""
        return wanted.memory_mb <= self.memory_mb and wanted.disk_mb <= self.disk_mb


Choice = Callable[[dict[str, Room], list[str]], str]


def _spread(free: dict[str, Room], fitting: list[str]) -> str:
    """The node with most memory left: instances stand apart."""
    return max(fitting, key=lambda node: (free[node].memory_mb, free[node].disk_mb, node))


def _tight(free: dict[str, Room], fitting: list[str]) -> str:
    """The node with least memory left: large slots keep their room."""
    return min(fitting, key=lambda node: (free[node].memory_mb, free[node].disk_mb, node))


def pack(wanted: Mapping[str, Room], free: Mapping[str, Room]) -> dict[str, str]:
    """A node for as many slots as can be had, by slot. Instances are spread out, unless more of them fit when packed tightly."""
    packings = [_packed(wanted, free, choose) for choose in (_spread, _tight)]
    return max(packings, key=len)


def _packed(wanted: Mapping[str, Room], free: Mapping[str, Room], choose: Choice) -> dict[str, str]:
    left = dict(free)
    packed: dict[str, str] = {}
    for slot in _largest_first(wanted):
        fitting = sorted(node for node, room in left.items() if room.fits(wanted[slot]))
        if fitting:
            node = choose(left, fitting)
            left[node] = left[node].less(wanted[slot])
            packed[slot] = node
    return packed


def _largest_first(wanted: Mapping[str, Room]) -> Iterable[str]:
    return sorted(wanted, key=lambda slot: (-wanted[slot].memory_mb, -wanted[slot].disk_mb, slot))
