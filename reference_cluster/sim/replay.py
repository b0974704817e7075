"""Runs a replay seed again: the same scenario, the same chance, the same faults, so the same interleaving."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from ingest.duration import duration
from ingest.errors import SeedInvalid, UsageError
from ingest.seed import Choices, Replayed, ReplaySeed
from reference_cluster.bugs import declared_bugs
from reference_cluster.scenario import Scenario, load, parse
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.faults import Fault
from reference_cluster.sim.run import simulate


class ClusterReplayer:
    """The replayer of recordings that the reference cluster made."""

    def replay(self, seed: ReplaySeed, switches: Mapping[str, bool], policy: Mapping[str, str]) -> Replayed:
        """Run the seed, with `switches` and `policy` laid over its own. Raises SeedInvalid, UsageError."""
        scenario, faults = _read(seed)
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
            raise SeedInvalid(f"replaying {seed.origin.run_id}: {error}") from None
        return Replayed(lines=run.lines, digest=run.digest, trail=run.trail)

    def choices(self, seed: ReplaySeed) -> Choices:
        """The planted bugs of the seed's system, and the configuration of its processes. Raises SeedInvalid."""
        scenario, _ = _read(seed)
        bugs = {bug.name: bug.story for bug in declared_bugs().values() if load(bug.scenario).system == scenario.system}
        config = scenario.with_policy(seed.scenario.policy).config.model_dump(mode="json")
        plain = {name: value for name, value in config.items() if isinstance(value, str | int | float)}
        return Choices(switches=bugs, policy={name: _as_written(name, value) for name, value in plain.items()})


def _as_written(name: str, value: str | float) -> str:
    """A value of the configuration as a policy has it."""
    return duration(value) if name.endswith("_us") and isinstance(value, int) else str(value)


def _read(seed: ReplaySeed) -> tuple[Scenario, list[Fault]]:
    """The scenario and the fault plan of a seed. Raises SeedInvalid."""
    try:
        return parse(seed.scenario.document), [Fault.model_validate(fault) for fault in seed.tape.faults]
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise SeedInvalid(f"replaying {seed.origin.run_id}: at {at}: {first['msg']}") from None


REPLAYER = ClusterReplayer()
