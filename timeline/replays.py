"""Replays: a seed run again by the replayer that it names, and judged by the detectors.

A replayer is found by its entry point in the group `timeline.replayers`; this package knows no cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ingest.errors import DatabaseBusy, DatabaseUnusable, SeedInvalid, UpstreamUnavailable
from ingest.seed import Adjustable, Choices, ExpectedFinding, Replayed, Replayer, ReplaySeed
from timeline.api import Timeline
from timeline.diff import STREAM_READS, Divergence, Stream, divergence_in_trail, first_divergence
from timeline.findings import Finding, read_by
from timeline.published import is_there

GROUP = "timeline.replayers"


class ReplayReport(BaseModel):
    """What a replay gave, held against what the seed expects."""

    model_config = ConfigDict(frozen=True)

    fidelity: Literal["exact", "inputs"]
    equal: bool | None
    """Whether the same events came again; null where the recording was cut and the recorded run is not at hand to compare with."""
    digest: str
    expected_digest: str | None
    first_divergence: Divergence | None
    findings: list[Finding]
    """What the detectors that were asked find in the replay, verdict `found` only."""
    missing_inputs: list[str]

    def shows(self, expected: Sequence[ExpectedFinding]) -> bool:
        """Whether every expected finding is there again."""
        seen = {(finding.detector, f"{finding.subject.kind}/{finding.subject.id}") for finding in self.findings}
        return all((finding.detector, finding.subject) in seen for finding in expected)


def replayers() -> list[str]:
    """Names of the replayers that are installed."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_replayer(seed: ReplaySeed) -> Replayer:
    """The replayer that the seed names. Raises SeedInvalid."""
    if seed.fidelity == "inputs" or not seed.replayer:
        raise SeedInvalid(f"replaying {seed.origin.run_id}: nothing says how that run was made; missing: {'; '.join(seed.missing_inputs)}")
    for entry in entry_points(group=GROUP):
        if entry.name == seed.replayer:
            replayer: Replayer = entry.load()
            return replayer
    raise SeedInvalid(
        f"replaying {seed.origin.run_id}: the seed is for the replayer {seed.replayer!r}; install the package that brings it "
        f"(installed: {', '.join(replayers()) or 'none'})"
    )


def choices_of(seed: ReplaySeed) -> Choices:
    """What can be changed in a replay of that seed; where its replayer cannot tell, what the seed itself names. Raises SeedInvalid."""
    replayer = find_replayer(seed)
    told = replayer.choices(seed) if isinstance(replayer, Adjustable) else Choices({}, {})
    named = dict.fromkeys(seed.scenario.switches, "")
    return Choices(
        switches={**named, **told.switches}, policy={**{key: str(value) for key, value in seed.scenario.policy.items()}, **told.policy}
    )


def run_seed(seed: ReplaySeed, switches: Mapping[str, bool] | None = None, policy: Mapping[str, str] | None = None) -> Replayed:
    """Run a seed, with switches and policy laid over its own. Raises SeedInvalid."""
    return find_replayer(seed).replay(seed, switches or {}, policy or {})


def replay(
    seed: ReplaySeed,
    switches: Mapping[str, bool] | None = None,
    policy: Mapping[str, str] | None = None,
    recorded: Stream | None = None,
    detectors: Sequence[str] = (),
) -> ReplayReport:
    """Run a seed again and judge it, with these detectors or all. Raises SeedInvalid, UsageError for a detector that is not there.

    `recorded` is the stream of the recorded run, where the database has it: it names the first divergence exactly.
    Without it a run with changed switches or policy is held against the seed as it is, and an unchanged one against
    the seed's trail, which names a block of 64 events.
    """
    return judge(seed, run_seed(seed, switches, policy), recorded, detectors, is_changed=bool(switches or policy))


def judge(
    seed: ReplaySeed, replayed: Replayed, recorded: Stream | None = None, detectors: Sequence[str] = (), *, is_changed: bool = False
) -> ReplayReport:
    """Hold what a replayer gave back against the seed: digest, first divergence, findings."""
    is_cut = seed.expected.digest is None
    equal = None if is_cut else replayed.digest == seed.expected.digest
    with Timeline.in_memory(replayed.lines, read_by(detectors) | STREAM_READS) as log:
        findings = [finding for finding in log.detect(detectors).findings if finding.verdict == "found"]
        divergence = None
        if not equal and recorded is not None:
            divergence = first_divergence(recorded, log.stream(), is_cut=is_cut)
            equal = divergence is None if is_cut else equal
        elif not equal and is_changed:
            with Timeline.in_memory(run_seed(seed).lines, STREAM_READS) as unchanged:
                divergence = first_divergence(unchanged.stream(), log.stream())
        if equal is False and divergence is None:
            divergence = divergence_in_trail(seed.expected.trail, replayed.trail, log.stream())
    return ReplayReport(
        fidelity=seed.fidelity,
        equal=equal,
        digest=replayed.digest,
        expected_digest=seed.expected.digest,
        first_divergence=divergence,
        findings=findings,
        missing_inputs=list(seed.missing_inputs),
    )


@contextmanager
def recorded_stream(path: Path, run_id: str, say: Callable[[str], None] = lambda _: None) -> Iterator[Stream | None]:
    """The stream of that run, where the database at `path` has it. Only a help: `say` hears how old it is, or why it cannot be read."""
    log = None
    if is_there(path):
        try:
            log = Timeline.open(path, say)
        except (DatabaseBusy, DatabaseUnusable, UpstreamUnavailable) as error:
            say(f"replaying without the recorded run: {error}")
    if log is None:
        yield None
        return
    with log:
        yield log.stream(run_id) if run_id in log.runs()["run_id"].to_list() else None
