"""Parts of the program that need more than the core installs."""

from __future__ import annotations

import importlib.util

from ingest.errors import UsageError


def demand(doing: str, extra: str, *modules: str) -> None:
    """Raise UsageError where a module of an extra is not installed."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise UsageError(f"{doing}: it needs the extra {extra}: pip install 'decision-timeline[{extra}]'")
