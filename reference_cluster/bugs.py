"""Planted bugs: known defects of real systems, each a switch, off by default, with a clean twin.

A bug is declared beside the code that it spoils. `struck` goes to the truth file, never into an event; a program calls
it where the harm is really there, so that the truth file can score the detectors.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ingest.errors import UsageError


@dataclass(frozen=True, slots=True)
class Bug:
    """A defect that can be switched on."""

    name: str
    """Name of the switch."""
    catalogue_id: str
    """Id in the failure catalogue of the system that had it."""
    subsystem: str
    """The subsystem that it spoils."""
    scenario: str
    """The scenario in which it shows."""
    detectors: tuple[str, ...]
    """The detectors that must find it there."""
    story: str
    """What went wrong, in a sentence."""


@functools.cache
def declared_bugs() -> dict[str, Bug]:
    """Every bug that a subsystem declares, by name, in order of catalogue id."""
    from reference_cluster import subsystems

    found = {value.name: value for module in modules_of(subsystems) for value in vars(module).values() if isinstance(value, Bug)}
    return dict(sorted(found.items(), key=lambda item: (item[1].catalogue_id, item[0])))


def bug_named(name: str) -> Bug:
    """The bug with that switch or that catalogue id. Raises UsageError."""
    known = declared_bugs()
    found = next((bug for bug in known.values() if name in (bug.name, bug.catalogue_id)), None)
    if found is None:
        raise UsageError(f"switching on the planted bug {name!r}: there is none of that name; there are {', '.join(known)}")
    return found


def labelled(truth: Iterable[dict[str, Any]], run_id: str) -> list[dict[str, Any]]:
    """The rows of a truth file: what took effect, with its run, and for a bug the detectors that must find it."""
    by = {name: {"detectors": list(bug.detectors)} for name, bug in declared_bugs().items()}
    return [{"run_id": run_id, **row, **(by[row["name"]] if row["kind"] == "bug" else {})} for row in truth]


@functools.cache
def modules_of(package: ModuleType) -> tuple[ModuleType, ...]:
    """Every module below a package, in order of name: what is declared in one of them needs no list."""
    return tuple(importlib.import_module(info.name) for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."))


@dataclass
class Switches:
    """Which bugs are on in this run, and where the harm they did is noted."""

    on: frozenset[str] = frozenset()
    note: Callable[[str, str], None] = lambda name, target: None
    _noted: set[tuple[str, str]] = field(default_factory=set)

    @staticmethod
    def named(names: Iterable[str]) -> frozenset[str]:
        """The names, each known. Raises UsageError."""
        known = declared_bugs()
        wanted = frozenset(names)
        for name in sorted(wanted - set(known)):
            raise UsageError(f"switching on the planted bug {name!r}: there is none of that name; there are {', '.join(known)}")
        return wanted

    def has(self, bug: Bug) -> bool:
        """Whether the bug is on."""
        return bug.name in self.on

    def struck(self, bug: Bug, target: str) -> None:
        """The bug has done its harm to `target`. Said once for each target."""
        if bug.name in self.on and (bug.name, target) not in self._noted:
            self._noted.add((bug.name, target))
            self.note(bug.name, target)


@dataclass
class Lasting:
    """Since when harm has been there, for somebody who looks again and again from outside: what passes is no harm yet."""

    interval_us: int
    """Time from one look to the next."""
    _now_us: int = 0
    _since_us: dict[tuple[str, str], int] = field(default_factory=dict)

    def look(self) -> None:
        """The next look begins."""
        self._now_us += self.interval_us

    def longer(self, than_us: int, harm: str, targets: Iterable[str]) -> list[str]:
        """Those of the targets that have come to this harm at every look for longer than that. Asked once in a look for each harm."""
        harmed = sorted(set(targets))
        since_us = {(harm, target): self._since_us.get((harm, target), self._now_us) for target in harmed}
        self._since_us = {key: at_us for key, at_us in self._since_us.items() if key[0] != harm} | since_us
        return [target for target in harmed if self._now_us - since_us[harm, target] > than_us]
