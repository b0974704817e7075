"""The loop on the reference cluster: recorded run, finding, seed, the same run again, the smallest seed, the fixed twin clean."""

from __future__ import annotations

import pytest

from ingest.errors import UsageError
from reference_cluster.scenario import load
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from timeline import Timeline
from timeline.replays import replay
from timeline.shrink import shrink

DETECTOR = "election/lost_without_recontend"


def test_elector_that_runs_once_is_found_replayed_shrunk_and_fixed():
    """Three renewal blips were planted; one is enough, and the seed of it is small."""
    run = simulate(Staged(load("renew_blips")), 7, switches={"elector_runs_once": True})
    with Timeline.in_memory(run.lines) as log:
        seed = log.export_finding(log.detect([DETECTOR]).findings[0].finding_id)
    again = replay(seed)
    assert (again.fidelity, again.equal, again.digest) == ("exact", True, run.digest)
    assert again.shows(seed.expected.findings)

    fixed = replay(seed, {"elector_runs_once": False})
    assert fixed.findings == []
    assert fixed.first_divergence is not None
    assert "lease.attempted" in (fixed.first_divergence.actual or "")

    with pytest.raises(UsageError, match="'elector_runs_onec': there is none"):
        replay(seed, {"elector_runs_onec": False})  # a slip of the finger must not pass for a bug that is off

    small = shrink(seed)
    assert (small.faults_before, small.faults) == (3, 1)
    assert len(small.seed.to_text()) <= 4096
    assert replay(small.seed).equal
