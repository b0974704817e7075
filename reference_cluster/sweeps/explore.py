"""Exploring: many seeds of one scenario under one strategy, and what came of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.duration import duration
from reference_cluster.sweeps.trials import Failure, Outcome, Quest, attempt, trial_of

TOGETHER = 20
"""Runs that are judged in one database."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seeds of a quest that are tried together."""

    quest: Quest
    seeds: range


def stretches(quest: Quest, first: int, count: int, each: int = TOGETHER) -> list[Stretch]:
    """The seeds from `first` on, in pieces of `each`."""
    starts = range(first, first + count, each)
    return [Stretch(quest, range(start, min(start + each, first + count))) for start in starts]


def try_stretch(stretch: Stretch) -> Outcome:
    """Try some seeds of a quest."""
    return attempt([trial_of(stretch.quest, seed) for seed in stretch.seeds], stretch.quest.heal_us)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Several outcomes as one; the failures in order of seed."""
    total = Outcome()
    for outcome in outcomes:
        total.runs += outcome.runs
        total.failures += outcome.failures
        total.judged |= outcome.judged
        total.fired |= outcome.fired
        total.pairs |= outcome.pairs
        for name, runs in outcome.excused.items():
            total.excused[name] = total.excused.get(name, 0) + runs
    total.failures.sort(key=lambda failure: (failure.trial.tape.random_seed, failure.detector))
    return total


def first_of_each(failures: Iterable[Failure]) -> list[Failure]:
    """The first failure of each detector: the others are most likely the same defect."""
    firsts: dict[str, Failure] = {}
    for failure in failures:
        firsts.setdefault(failure.detector, failure)
    return list(firsts.values())


def again(quest: Quest, failure: Failure) -> str:
    """The command that makes the failing run again."""
    words = [
        f"timeline cluster explore {quest.scenario} --from {failure.trial.tape.random_seed} --seeds 1",
        f"--strategy {quest.strategy}",
        f"--heal {duration(quest.heal_us)}",
        *(f"--bug {bug}" for bug in quest.bugs),
    ]
    return " ".join(words)


def both_orders(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The pairs of decisions that were seen in both orders, each once."""
    seen = set(pairs)
    return (pair for pair in sorted(seen) if pair[0] < pair[1] and pair[::-1] in seen)
