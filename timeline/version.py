"""Which version of this program runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "decision-timeline"


def installed_version(distribution: str = DISTRIBUTION) -> str | None:
    """Version of a distribution as it is installed; None where it is not."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
