"""Replay seeds, made from a run in the database.

What a replay is made from travels in the log itself and stands in the table `recording`. A run whose head nobody
recorded can be exported too: its fidelity is `inputs`, and the seed names what is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from ingest.database import first_row
from ingest.seed import Expected, ExpectedFinding, Origin, ReplaySeed, Setting, Tape
from timeline.findings import Finding
from timeline.redaction import redacted

_UNRECORDED = [
    "recording.started: the scenario, the random seed, the switches, the policy and the fault plan",
    "recording.effects: the order in which effects were completed",
]
_CUT = "recording.ended: the digest of the event stream (the log was cut)"

_RECORDING = "SELECT data FROM recording WHERE run_id = $run AND kind = $kind ORDER BY event_id LIMIT 1"
_INPUTS = """
SELECT time.at_us, event.kind, event.subject_kind, event.subject_id, event.data
FROM event JOIN event_time AS time USING (event_no)
WHERE event.run_id = $run AND event.outcome = 'attempted'
  AND NOT EXISTS (SELECT 1 FROM event_cause AS cause WHERE cause.event_no = event.event_no)
  AND event.actor LIKE '%/client'
ORDER BY time.position
"""


def seed_of_run(connection: DuckDBPyConnection, origin: Origin, findings: Sequence[Finding]) -> ReplaySeed:
    """The seed of the run `origin.run_id`, which must show `findings` again. Secrets in it are blacked out and named."""
    expected = [ExpectedFinding(detector=one.detector, subject=redacted(f"{one.subject.kind}/{one.subject.id}")[0]) for one in findings]
    started = _recorded(connection, origin.run_id, "recording.started")
    if started is None:
        return _seed_of_inputs(connection, origin, expected)
    document, blacked_out = redacted({key: started[key] for key in ("scenario", "policy", "faults")})
    ended = _recorded(connection, origin.run_id, "recording.ended")
    return ReplaySeed(
        fidelity="exact",
        replayer=started["replayer"],
        origin=origin,
        scenario=Setting(
            name=str(document["scenario"].get("name", "unnamed")),
            document=document["scenario"],
            versions=started["versions"],
            switches=started["switches"],
            policy=document["policy"],
        ),
        tape=Tape(random_seed=started["random_seed"], faults=document["faults"]),
        expected=Expected(findings=expected)
        if ended is None
        else Expected(digest=ended["digest"], trail=ended["trail"], events=ended["events"], findings=expected),
        missing_inputs=[*([_CUT] if ended is None else []), *(f"{place}: a secret, blacked out" for place in blacked_out)],
    ).sealed()


def _seed_of_inputs(connection: DuckDBPyConnection, origin: Origin, expected: list[ExpectedFinding]) -> ReplaySeed:
    rows = connection.execute(_INPUTS, {"run": origin.run_id}).fetchall()
    inputs, blacked_out = redacted(
        [
            {"at_us": at_us, "kind": kind, "subject": f"{sort}/{name}", "data": json.loads(data or "{}")}
            for at_us, kind, sort, name, data in rows
        ]
    )
    return ReplaySeed(
        fidelity="inputs",
        replayer="",
        origin=origin,
        scenario=Setting(name="unrecorded", document={}),
        tape=Tape(random_seed=0, inputs=inputs),
        expected=Expected(findings=expected),
        missing_inputs=[*_UNRECORDED, _CUT, *(f"{place}: a secret, blacked out" for place in blacked_out)],
    ).sealed()


def _recorded(connection: DuckDBPyConnection, run_id: str, kind: str) -> dict[str, Any] | None:
    row = first_row(connection, _RECORDING, {"run": run_id, "kind": kind})
    return None if row is None else dict(json.loads(row[0]))


# ---- a test

_PYTEST = '''"""A replay seed, run again: the same events must come, and the same findings. Written by `timeline export`."""

from __future__ import annotations

from pathlib import Path

from ingest.seed import read_seed
from timeline.replays import replay

SEED = Path(__file__).parent / {place}


def test_seed_shows_its_findings_again() -> None:
    """The replay is equal by digest, and every finding that the seed expects is there."""
    seed = read_seed(SEED)
    report = replay(seed)
    assert report.equal, report.first_divergence
    assert report.shows(seed.expected.findings), report.findings
'''


def pytest_of(seed: Path, test: Path) -> str:
    """The text of a test, to be written to `test`, that replays the seed in the file `seed`."""
    place = os.path.relpath(seed.resolve(), test.resolve().parent)
    return _PYTEST.format(place=json.dumps(place))
