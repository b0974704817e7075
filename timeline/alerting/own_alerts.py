"""The alerts about the gauges themselves: where they are missing, old, or computed from a log that has stopped.

Each is a file of `own/`, and its name is the name of its runbook. It has the fields of `timeline.alerting.alert.Alert`, and with them
its proof: silent, just below, firing with its exact text, resolved, and through a restart of the exporter.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from timeline.alerting.alert import Alert, Proof

OWN = Path(__file__).with_name("own")


@functools.cache
def own_alerts() -> tuple[Alert, ...]:
    """Every alert about the gauges, in order of name; the files are read once in the life of the process."""
    return tuple(map(_read, sorted(OWN.glob("*.toml"))))


def _read(path: Path) -> Alert:
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    proof = said.pop("proof")
    firing = {int(minute): value for minute, value in proof.pop("firing").items()}
    return Alert(page=f"timeline/{path.stem}", proof=Proof(**proof, firing=firing), **said)
