"""What may be said about a decision: the envelope, and a class per known kind.

A kind is known because a module of this folder, or of a package in it, defines a subclass of `Decision` with that
`kind`; nothing is registered by hand. The module or package is its family. Kinds that nobody here knows are welcome:
they load as they are and have timelines.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from ingest.events.base import Decision, Event, Input, ObjectId, Ref

__all__ = ["FAMILIES", "KINDS", "Decision", "Event", "Input", "ObjectId", "Ref"]


def _subclasses(parent: type[Decision]) -> Iterator[type[Decision]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _known_kinds() -> dict[str, type[Decision]]:
    for module in sorted(info.name for info in pkgutil.walk_packages(__path__, f"{__name__}.")):
        importlib.import_module(module)
    known: dict[str, type[Decision]] = {}
    for decision in _subclasses(Decision):
        if decision.kind and known.setdefault(decision.kind, decision) is not decision:
            raise TypeError(f"kind {decision.kind!r} is defined by {known[decision.kind].__name__} and {decision.__name__}")
    return dict(sorted(known.items(), key=lambda item: (item[1].family, item[0])))


KINDS: dict[str, type[Decision]] = _known_kinds()
"""Every known kind of event, by name, in order of family and name."""

FAMILIES: dict[str, list[type[Decision]]] = {}
for _decision in KINDS.values():
    FAMILIES.setdefault(_decision.family, []).append(_decision)
