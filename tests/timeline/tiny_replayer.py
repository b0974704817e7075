"""A control plane of a few lines, deterministic, that somebody else could have written: it records runs and replays seeds.

One replica leads by a lease. The fault `lose_lease` takes the lease away; the replica stands again two seconds later,
unless the planted bug `runs_once` is on. The fault `noise` only makes a heartbeat fail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.duration import duration
from ingest.errors import SeedInvalid
from ingest.seed import Replayed, ReplaySeed
from tests.story import tell

SECOND = 1_000_000


def record(
    run_id: str,
    faults: Sequence[Mapping[str, Any]],
    switches: Mapping[str, bool],
    *,
    length: int = 240 * SECOND,
    lease: str = "janitor",
    policy: Mapping[str, Any] | None = None,
) -> Replayed:
    """Run it: the event file with its recording, the digest and the trail."""
    beat_us = int((policy or {}).get("heartbeat_s", 5)) * SECOND
    said = [(0, "control_plane/cp-1-a control_plane.started"), (0, "control_plane/cp-1-a config.declared")]
    said += [(0, f"lease/{json.dumps(lease)} lease.attempted"), (SECOND, f"lease/{json.dumps(lease)} lease.acquired")]
    said += [(at_us, "control_plane/cp-1-a control_plane.heartbeated") for at_us in range(beat_us, length, beat_us)]
    gone_us: list[int] = []
    for fault in faults:
        at_us = fault["at_us"]
        if fault["name"] == "noise":
            said.append((at_us, "control_plane/cp-1-a control_plane.heartbeat_failed"))
        elif fault["name"] == "lose_lease" and not (gone_us and switches.get("runs_once")):
            gone_us.append(at_us)
            said.append((at_us, f"lease/{json.dumps(lease)} lease.lost reason=lapsed"))
            if not switches.get("runs_once"):
                said.append((at_us + 2 * SECOND, f"lease/{json.dumps(lease)} lease.attempted"))
                said.append((at_us + 3 * SECOND, f"lease/{json.dumps(lease)} lease.acquired"))
    lines = [f"{duration(at_us)} cp-1/elector {text} run={json.dumps(run_id)}" for at_us, text in sorted(said) if at_us < length]
    events = [event.model_dump_json(exclude_defaults=True).encode() for event in tell("\n".join(lines))]
    digest, trail = hashlib.sha256(), []
    for number, line in enumerate(events, 1):
        digest.update(line)
        trail += [digest.hexdigest()[:8]] if number % 64 == 0 else []
    started = {
        "replayer": "tiny", "scenario": {"name": "tiny", "length": length, "lease": lease}, "random_seed": 1, "switches": dict(switches),
        "policy": dict(policy or {}), "faults": list(faults), "versions": {},
    }  # fmt: skip
    ended = {"digest": digest.hexdigest(), "trail": trail, "events": len(events), "horizon_us": length}
    head, tail = _recording(run_id, 1, "recording.started", started), _recording(run_id, 2, "recording.ended", ended)
    return Replayed([head, *events, tail], digest.hexdigest(), trail)


def _recording(run_id: str, seq: int, kind: str, data: Mapping[str, Any]) -> bytes:
    line = {
        "event_id": f"recorder:{seq}", "run_id": run_id, "time": "2026-01-01T00:00:00Z", "actor": "tiny/recorder", "seq": seq, "kind": kind,
        "subject": {"kind": "run", "id": run_id}, "outcome": "observed", "data": data,
    }  # fmt: skip
    return json.dumps(line).encode()


class TinyReplayer:
    """Replays what `record` recorded."""

    def replay(self, seed: ReplaySeed, switches: Mapping[str, bool], policy: Mapping[str, str]) -> Replayed:
        """The run again, with switches and policy laid over the seed's own."""
        document = seed.scenario.document
        if set(switches) - {"runs_once"}:
            raise SeedInvalid(f"replaying {seed.origin.run_id}: there is no switch {', '.join(sorted(switches))}")
        return record(
            seed.origin.run_id,
            seed.tape.faults,
            {**seed.scenario.switches, **switches},
            length=document["length"],
            lease=document["lease"],
            policy={**seed.scenario.policy, **policy},
        )


REPLAYER = TinyReplayer()
