"""What the stories about detectors share: a control plane that is alive, lines in order of time, a judgement as text.

The timings that a story does not say are those of `tests.story`: lease 20 s, retry 5 s, backoff 2 s, tick 5 s, fallback
60 s, pool 10 s, heartbeat 5 s, expiry 20 s, orphan grace 30 s, TTL 60 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from ingest.duration import duration, microseconds
from tests.detectors.together import Told, told
from tests.story import START_US, database, tell
from timeline import findings
from timeline.findings import Report

BEAT_SECONDS = 5


def alive(instance: str, until: str, since: str = "0s", timings: str = "") -> str:
    """The lines of a control plane that registers, declares its timings, and gives a sign of life every 5 s until then."""
    first, last = (microseconds(moment) for moment in (since, until))
    assert first is not None
    assert last is not None
    actor, subject = f"{instance}/control_plane", f"control_plane/{instance}-a"
    lines = [f"{since} {actor} {subject} control_plane.started", f"{since} {actor} {subject} config.declared {timings}"]
    beats = range(first + BEAT_SECONDS * 1_000_000, last + 1, BEAT_SECONDS * 1_000_000)
    return "\n".join([*lines, *(f"{duration(at)} {actor} {subject} control_plane.heartbeated" for at in beats)])


def swept(instance: str, loop: str, since: str, until: str, every: str, own: str = "") -> str:
    """The lines of a loop that begins a pass at every interval."""
    first, last, step = (microseconds(moment) for moment in (since, until, every))
    assert first is not None
    assert last is not None
    assert step is not None
    actor, subject = f"{instance}/{loop}", f"control_plane/{instance}-a"
    return "\n".join(f"{duration(at)} {actor} {subject} sweep.started {own}" for at in range(first, last + 1, step))


def in_order(*texts: str) -> list[str]:
    """All these lines in order of their times; lines of one time keep the order they are given in."""
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return sorted((line for line in lines if line), key=lambda line: microseconds(line.split()[0]) or 0)


def log(*texts: str) -> Told:
    """The story of all these lines, in order of their times."""
    return told("\n".join(in_order(*texts)))


def alone(*texts: str) -> duckdb.DuckDBPyConnection:
    """A database of all these lines."""
    return database(tell("\n".join(in_order(*texts))))


def detect(story: Told, detectors: Sequence[str] = (), params: Mapping[str, int] | None = None) -> Report:
    """The judgement of a story by these detectors, or all."""
    return findings.detect(story.connection, detectors, params, run_id=story.run_id)


def judged(story: Told, detector: str, **params: int) -> list[tuple[str, str]]:
    """What the detector says: verdict and sentence of each finding."""
    report = detect(story, [detector], {f"{detector}.{name}": value for name, value in params.items()})
    return [(finding.verdict, finding.says) for finding in report.findings]


def verdict(story: Told, detector: str) -> str:
    """The detector's own verdict on the whole log."""
    return detect(story, [detector]).verdicts[detector]


def found(story: Told) -> list[str]:
    """What any detector finds: its name and its sentence."""
    return [f"{finding.detector}: {finding.says}" for finding in detect(story).findings if finding.verdict == "found"]


def evidence(story: Told, detector: str) -> list[list[str]]:
    """The evidence of each finding."""
    return [finding.evidence for finding in detect(story, [detector]).findings]


def span(story: Told, detector: str) -> list[tuple[str, str | None]]:
    """Since when and until when each finding is, from the story's start; None while it lasts."""
    return [
        (duration(finding.since - START_US), None if finding.until is None else duration(finding.until - START_US))
        for finding in detect(story, [detector]).findings
    ]


def rows(story: Told, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; `$run` in it is the story's run."""
    return story.connection.execute(query, {"run": story.run_id}).fetchall()
