"""Runs a replay seed again: the same scenario, the same chance, the same faults, so the same interleaving."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from ingest.errors import SeedInvalid, UsageError
from ingest.seed import Replayed, ReplaySeed
from reference_cluster.scenario import parse
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.run import simulate


class ClusterReplayer:
    """The replayer of recordings that the reference cluster made."""

    def replay(self, seed: ReplaySeed, switches: Mapping[str, bool], policy: Mapping[str, str]) -> Replayed:
        """Run the seed, with `switches` and `policy` laid over its own. Raises SeedInvalid, UsageError."""
        place = f"replaying {seed.origin.run_id}"
        try:
            scenario = parse(seed.scenario.document)
            faults = [Fault.model_validate(fault) for fault in seed.tape.faults]
        except ValidationError as error:
            first = error.errors()[0]
            raise SeedInvalid(f"{place}: at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        wanted = {**seed.scenario.switches, **switches}
        try:
            run = simulate(
                Staged(scenario),
                seed.tape.random_seed,
                switches=wanted,
                policy={**seed.scenario.policy, **policy},
                faults=faults,
                run_id=seed.origin.run_id,
                versions=seed.scenario.versions,
            )
        except UsageError as error:
            if switches or policy:
                raise
            raise SeedInvalid(f"{place}: {error}") from None
        return Replayed(lines=run.lines, digest=run.digest, trail=run.trail)


REPLAYER = ClusterReplayer()
