"""What a shell can complete beside commands and options; `timeline --install-completion` sets it up."""

from __future__ import annotations


def detectors_named(incomplete: str) -> list[str]:
    """The detectors whose name begins so."""
    from timeline import catalog

    return [name for name in sorted(catalog.read(catalog.DETECTORS)) if name.startswith(incomplete)]
