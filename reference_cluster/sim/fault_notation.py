"""A fault as a person writes it on the command line: `renew_blip:leader@40s+18s,lease.renew`."""

from __future__ import annotations

import re
from typing import Any

from ingest.errors import UsageError
from reference_cluster.scenario import duration_us
from reference_cluster.sim.fault_table import Fault

_FAULT = re.compile(r"(?P<name>[a-z_]+)(:(?P<target>[^@+]+))?(@(?P<at>[0-9a-z]+))?(\+(?P<lasts>[0-9a-z]+))?(,(?P<label>.+))?")


def parse_fault(text: str, anybody: str) -> Fault:
    """The fault of `NAME[:TARGET][@AT][+LASTS][,LABEL]`; without a target it strikes `anybody`. Raises UsageError."""
    match = _FAULT.fullmatch(text)
    if match is None:
        raise UsageError(f"reading the fault {text!r}: write NAME[:TARGET][@AT][+LASTS][,LABEL], such as renew_blip:leader@40s+18s")
    try:
        at_us, for_us = duration_us(match["at"] or "30s"), duration_us(match["lasts"]) if match["lasts"] else None
    except ValueError as error:
        raise UsageError(f"reading the fault {text!r}: {error}") from None
    params: dict[str, Any] = {"label": match["label"]} if match["label"] else {}
    return Fault.model_validate(
        {"name": match["name"], "target": match["target"] or anybody, "at_us": at_us, "for_us": for_us, "params": params}
    )
