"""The demonstration that `timeline demo` tells: a cluster with four planted bugs, and its fixed twin."""

from __future__ import annotations

from ingest.seed import Replayed
from reference_cluster.scenario import load
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate

SCENARIO = "demo"
SEED = 7
BUGS = ("elector_runs_once", "no_fallback_reaper", "park_write_swallowed", "slot_kept_after_failure")


class ClusterDemo:
    """Found by its entry point in the group `timeline.demos`."""

    title = "Three control planes share a pool of workers. Their leader reaps workers that sit parked for too long."
    planted = (
        "A replica that loses the lease never stands for election again, and nobody reaps without a leader; "
        "one refused write is swallowed; failed spawns keep their slots."
    )
    headline = "election/leaderless_fleet"

    def record(self, *, is_fixed: bool) -> Replayed:
        """The event file of the leaking cluster, or of the same cluster under the same faults with its bugs fixed."""
        switches = {} if is_fixed else dict.fromkeys(BUGS, True)
        run = simulate(Staged(load(SCENARIO)), SEED, switches=switches, run_id="demo-fixed" if is_fixed else "demo")
        return Replayed(lines=run.lines, digest=run.digest, trail=run.trail)


DEMO = ClusterDemo()
