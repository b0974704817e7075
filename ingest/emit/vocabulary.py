"""Known kinds, as strictly as their classes say. Needs pydantic, and so is loaded only where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ingest.events import KINDS


def check_known(kind: str, subject: str, outcome: object, data: Mapping[str, Any] | None) -> None:
    """Raise ValueError where an event of a known kind is not as its class declares it. Kinds that nobody knows pass."""
    decision = KINDS.get(kind)
    if decision is None:
        return
    try:
        decision.model_validate(dict(data or {}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(["data", *map(str, first["loc"])])
        raise ValueError(f"{kind}: {place}: {first['msg']}") from None
    if decision.subject_kind and not subject.startswith(f"{decision.subject_kind}/"):
        raise ValueError(f"{kind}: it is said of a {decision.subject_kind}, not of {subject[:60]!r}")
    if outcome not in decision.outcomes:
        raise ValueError(f"{kind}: its outcome is {' or '.join(decision.outcomes)}, not {outcome!r}")
