"""Scores: how far each detector can be trusted, and which planted bugs no detector catches.

A run is the unit. Where a planted bug did harm (the truth file says so), each of the bug's detectors must find something:
a true positive, else a miss. Where no bug was on, whatever a detector finds is a false alarm. What other detectors find
in a run with a bug is listed as `also`: the harm was real, so it counts neither for nor against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reference_cluster.bugs import Bug
from reference_cluster.sweeps.judging import HEALTHY, Judged, Judgement


@dataclass(slots=True)
class DetectorScore:
    """What a detector did in all runs. Precision and recall are null where there is nothing to divide by."""

    detector: str
    true_positives: int = 0
    misses: list[str] = field(default_factory=list)
    """Runs with harm in which it found nothing."""
    false_alarms: list[str] = field(default_factory=list)
    """Runs without a bug in which it found something."""
    delays_us: list[int] = field(default_factory=list)
    """From the harm to the first second as of which it is found; one a bug."""
    seconds: float = 0.0
    """Time that it took for all runs."""

    @property
    def precision(self) -> float | None:
        """Of the runs that it accused, the part in which there was harm."""
        accused = self.true_positives + len(self.false_alarms)
        return self.true_positives / accused if accused else None

    @property
    def recall(self) -> float | None:
        """Of the runs with harm that it is for, the part that it found."""
        harmed = self.true_positives + len(self.misses)
        return self.true_positives / harmed if harmed else None


@dataclass(slots=True)
class BugScore:
    """What became of a planted bug."""

    bug: Bug
    runs: int = 0
    harmed: int = 0
    """Runs in which it did harm."""
    caught: int = 0
    """Of those, the runs in which one of its detectors found something."""
    also: set[str] = field(default_factory=set)
    """Other detectors that found something while it was on."""

    @property
    def survives(self) -> bool:
        """Whether the bug went uncaught in some run, or did no harm in any, so that nothing is proven of it."""
        return self.caught < self.harmed or not self.harmed


@dataclass(slots=True)
class Scores:
    """The scores of a whole house of detectors."""

    detectors: dict[str, DetectorScore]
    bugs: dict[str, BugScore]
    twins: int = 0
    """Runs of a bug's scenario, or of any other that is not a healthy one, without a bug."""
    healthy: int = 0
    """Runs of healthy scenarios."""
    events: int = 0

    @property
    def survivors(self) -> list[str]:
        """The planted bugs that no detector catches, in order."""
        return [name for name, score in self.bugs.items() if score.survives]

    @property
    def is_perfect(self) -> bool:
        """Every bug is caught wherever it did harm, by every detector that is for it, and nothing else is accused."""
        return not self.survivors and not any(score.misses or score.false_alarms for score in self.detectors.values())


def score(bugs: Sequence[Bug], judgements: Iterable[Judgement]) -> Scores:
    """Add up the judgements of all batches. Every detector that judged has a row, in order of name."""
    detectors: dict[str, DetectorScore] = {}
    scores = Scores({}, {bug.name: BugScore(bug) for bug in bugs})
    for judgement in judgements:
        scores.events += judgement.events
        for name, seconds in judgement.seconds.items():
            detectors.setdefault(name, DetectorScore(name)).seconds += seconds
        for name, delay_us in judgement.delays_us.items():
            detectors[name].delays_us.append(delay_us)
        for run in judgement.runs:
            if run.batch.bug is None:
                _add_quiet(scores, detectors, run)
            else:
                _add_planted(scores.bugs[run.batch.bug], detectors, run)
    for each in detectors.values():
        each.misses.sort()
        each.false_alarms.sort()
        each.delays_us.sort()
    scores.detectors = dict(sorted(detectors.items()))
    return scores


def _add_quiet(scores: Scores, detectors: dict[str, DetectorScore], run: Judged) -> None:
    if HEALTHY in run.batch.scenario:
        scores.healthy += 1
    else:
        scores.twins += 1
    for name in run.found:
        detectors[name].false_alarms.append(run.run_id)


def _add_planted(bug: BugScore, detectors: dict[str, DetectorScore], run: Judged) -> None:
    bug.runs += 1
    bug.also |= run.found - set(bug.bug.detectors)
    if not run.harmed:
        return
    bug.harmed += 1
    bug.caught += any(name in run.found for name in bug.bug.detectors)
    for name in bug.bug.detectors:
        if name in run.found:
            detectors[name].true_positives += 1
        else:
            detectors[name].misses.append(run.run_id)
