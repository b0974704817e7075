"""Trials: runs made from replay seeds and judged, first under faults (safety), then healed (liveness).

While faults strike, much is excused: only a finding of severity `invariant` is a failure then. Once they are over and
the system has had time to heal, whatever is still open, or begins, is a failure as well. Where planted bugs are on, each
run is made once more as its clean twin: what only the bug brings is a failure however it ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.seed import Expected, Origin, Replayed, ReplaySeed, Setting, Tape
from reference_cluster.scenario import load
from reference_cluster.sim.kernel import EPOCH_US, ProgramFailed
from reference_cluster.sim.replay import REPLAYER
from reference_cluster.sim.run import REPLAYER as REPLAYER_NAME
from reference_cluster.sweeps.strategies import ground_of, plan_of
from timeline.api import Timeline
from timeline.findings import Finding, read_by

PROGRAM_FAILED = "program_failed"
"""Stands for a detector where a program raised what it should have handled."""

_PAIRS = """
WITH told AS (
    SELECT event.kind, event.actor, lag(event.kind) OVER seen AS earlier_kind, lag(event.actor) OVER seen AS earlier_actor
    FROM event
    JOIN event_time AS time USING (event_no)
    JOIN event_object AS object USING (event_no)
    WINDOW seen AS (PARTITION BY event.run_id, object.kind, object.id ORDER BY time.position)
)
SELECT DISTINCT earlier_kind, kind FROM told WHERE earlier_actor <> actor AND earlier_kind <> kind
"""


@dataclass(frozen=True, slots=True)
class Quest:
    """What is explored, and how."""

    scenario: str
    strategy: str
    bugs: tuple[str, ...]
    heal_us: int
    """Time without faults at the end of each run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that should not have ended as it did."""

    trial: ReplaySeed
    detector: str
    reason: str
    """`invariant`, `not healed`, `only with the bug` or `program failed`."""
    subject: str
    says: str


@dataclass(slots=True)
class Outcome:
    """What some trials gave."""

    runs: int = 0
    failures: list[Failure] = field(default_factory=list)
    excused: dict[str, int] = field(default_factory=dict)
    """Detector to the runs in which what it found was healed."""
    judged: set[str] = field(default_factory=set)
    """Detectors that could judge."""
    fired: set[str] = field(default_factory=set)
    """Detectors that found something."""
    pairs: set[tuple[str, str]] = field(default_factory=set)
    """Kinds of decisions of two actors that followed each other in the life of one object."""


def trial_of(quest: Quest, seed: int) -> ReplaySeed:
    """The run of that seed, as a replay seed that expects nothing yet."""
    ground, scenario = ground_of(quest.scenario), load(quest.scenario)
    longer = scenario.model_copy(update={"length": ground.safety_us + quest.heal_us})
    return ReplaySeed(
        fidelity="exact",
        replayer=REPLAYER_NAME,
        origin=Origin(run_id="+".join([f"{scenario.name}-{quest.strategy}-{seed}", *quest.bugs])),
        scenario=Setting(name=scenario.name, document=longer.document(), switches=dict.fromkeys(quest.bugs, True)),
        tape=Tape(random_seed=seed, faults=[fault.model_dump(exclude_defaults=True) for fault in plan_of(quest.strategy, ground, seed)]),
        expected=Expected(),
    )


def attempt(trials: Sequence[ReplaySeed], heal_us: int, detectors: Sequence[str] = ()) -> Outcome:
    """Make the runs, and with them the clean twins of those that have a bug on, and judge them all in one database."""
    outcome = Outcome(runs=len(trials))
    replays = {trial.origin.run_id: replayed for trial in trials if (replayed := _replayed(trial, outcome.failures))}
    twins = {trial.origin.run_id: _twin(trial) for trial in trials if trial.scenario.switches and trial.origin.run_id in replays}
    clean = {twin.origin.run_id: replayed for twin in twins.values() if (replayed := _replayed(twin, []))}
    findings = _judged({**replays, **clean}, outcome, detectors)
    for trial in trials:
        found = findings[trial.origin.run_id]
        twin = twins.get(trial.origin.run_id)
        beside = {finding.detector for finding in findings[twin.origin.run_id]} if twin and twin.origin.run_id in clean else None
        failures = failures_of(trial, found, heal_us, beside)
        outcome.failures += failures
        outcome.fired |= {finding.detector for finding in found}
        for detector in sorted({finding.detector for finding in found} - {failure.detector for failure in failures}):
            outcome.excused[detector] = outcome.excused.get(detector, 0) + 1
    return outcome


def failures_of(trial: ReplaySeed, findings: Sequence[Finding], heal_us: int, twin: set[str] | None) -> list[Failure]:
    """The first failure of each detector, by what a run is held to. `twin` names who found something in the clean twin."""
    quiet_us, length_us = healed_us(trial), int(trial.scenario.document["length"])
    has_healed = length_us - quiet_us >= heal_us
    failures: dict[str, Failure] = {}
    for finding in findings:
        if twin is not None and finding.detector not in twin:
            reason = "only with the bug"
        elif finding.severity == "invariant":
            reason = "invariant"
        elif has_healed and (finding.until is None or finding.since >= EPOCH_US + quiet_us):
            reason = "not healed"
        else:
            continue
        subject = f"{finding.subject.kind}/{finding.subject.id}"
        failures.setdefault(finding.detector, Failure(trial, finding.detector, reason, subject, finding.says))
    return list(failures.values())


def healed_us(trial: ReplaySeed) -> int:
    """When the last fault of a run is over."""
    return max((int(fault["at_us"]) + int(fault.get("for_us") or 0) for fault in trial.tape.faults), default=0)


def _replayed(trial: ReplaySeed, failures: list[Failure]) -> Replayed | None:
    try:
        return REPLAYER.replay(trial, {}, {})
    except ProgramFailed as error:
        failures.append(Failure(trial, PROGRAM_FAILED, "program failed", f"run/{trial.origin.run_id}", str(error)))
        return None


def _twin(trial: ReplaySeed) -> ReplaySeed:
    """The same run with every bug off."""
    origin = trial.origin.model_copy(update={"run_id": f"{trial.origin.run_id}+clean"})
    return trial.model_copy(update={"origin": origin, "scenario": trial.scenario.model_copy(update={"switches": {}})})


def _judged(replays: Mapping[str, Replayed], outcome: Outcome, detectors: Sequence[str]) -> dict[str, list[Finding]]:
    """The findings with verdict `found`, by run; what they cover is added to the outcome."""
    found: dict[str, list[Finding]] = defaultdict(list)
    lines = (line for replayed in replays.values() for line in replayed.lines)
    with Timeline.in_memory(lines, read_by(detectors) | {"event_time"}) as log:
        report = log.detect(detectors)
        outcome.pairs |= set(log.sql(_PAIRS).iter_rows())
    outcome.judged |= {name for name, verdict in report.verdicts.items() if verdict != "unknown"}
    for finding in report.findings:
        if finding.verdict == "found":
            found[finding.run_id].append(finding)
    return found
