"""Recording: what a replay needs, carried in the event file itself.

These lines land in the tables `recording` and `effect`, never in `event`, and no model or detector may read them:
what accuses must be in the decision events.
"""

from __future__ import annotations

from typing import Any

from ingest.events.base import Decision

RECORDING = "recording"
"""Name of this family. A replay is made from it, so its lines say everything or are refused."""


class RecordingStarted(Decision, kind="recording.started", subject="run", outcome="observed"):
    """The head of a recording: everything that the run was made from."""

    replayer: str
    """Name of the entry point that can run this again."""
    scenario: dict[str, Any]
    """The scenario document, whole."""
    random_seed: int
    """Seed of the random generator."""
    switches: dict[str, bool]
    """Planted bugs that were on."""
    policy: dict[str, Any]
    """Policy values that differ from the scenario's own."""
    faults: list[dict[str, Any]]
    """The fault plan, every chosen time written out."""
    versions: dict[str, str]
    """Versions of the programs that ran."""


class RecordingEffects(Decision, kind="recording.effects", subject="run", outcome="observed"):
    """A stretch of the effect journal: one row an effect."""

    effects: list[list[Any]]
    """Rows of program, n, effect, outcome, revision, digest."""


class RecordingEnded(Decision, kind="recording.ended", subject="run", outcome="observed"):
    """The end of a recording; its absence means that the log was cut."""

    digest: str
    """SHA-256 of the normalised event stream."""
    trail: list[str]
    """Running digest after every 64 events, its first eight digits."""
    events: int
    """Decision events in the recording."""
    horizon_us: int
    """Simulated time at which the run ended."""
