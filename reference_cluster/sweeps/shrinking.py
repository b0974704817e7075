"""A failing run, made small: fewer faults, fewer switches, a shorter run, as long as it fails in the same way.

`timeline shrink` tries one candidate after another. Most of a trial's time goes into a database of its own, so here all
candidates of a round share one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ingest.seed import Expected, ExpectedFinding, ReplaySeed
from reference_cluster.sim.replay import REPLAYER
from reference_cluster.sweeps.trials import PROGRAM_FAILED, Failure, Quest, attempt, healed_us

Item = TypeVar("Item")

SECTIONS = 8
"""Lengths that are tried at once."""
SECOND_US = 1_000_000
BYTES_MAX = 4096
"""A seed is small enough to read: its trail is left out where it would be larger."""


def shrunk(pair: tuple[Quest, Failure]) -> ReplaySeed:
    """The smallest seed found that fails as the failure of a quest does."""
    quest, failure = pair
    detectors = [] if failure.detector == PROGRAM_FAILED else [failure.detector]

    def fails(candidates: Sequence[ReplaySeed]) -> list[bool]:
        trials = [_named(candidate, f"candidate-{number}") for number, candidate in enumerate(candidates)]
        outcome = attempt(trials, quest.heal_us, detectors)
        failed = {each.trial.origin.run_id for each in outcome.failures if each.detector == failure.detector}
        return [trial.origin.run_id in failed for trial in trials]

    seed = failure.trial
    faults = needed(seed.tape.faults, lambda some: fails([_with_faults(seed, kept) for kept in some]))
    seed = _with_faults(seed, faults)
    on = needed(sorted(seed.scenario.switches), lambda some: fails([_with_switches(seed, kept) for kept in some]))
    seed = _with_switches(seed, on)
    length_us = shortest(
        healed_us(seed), int(seed.scenario.document["length"]), lambda some: fails([_with_length(seed, us) for us in some])
    )
    return _sealed(_with_length(seed, length_us), failure, quest.heal_us)


def needed(items: Sequence[Item], which_show: Callable[[list[list[Item]]], list[bool]]) -> list[Item]:
    """The items of which none can be left out alone, in their order. `which_show` must hold for all of them together.

    Each round leaves out each one alone; then all at once that could go alone, or the first of them where that is too much.
    """
    kept = list(items)
    while kept:
        shows = which_show([kept[:index] + kept[index + 1 :] for index in range(len(kept))])
        if not any(shows):
            break
        rest = [item for item, can_go in zip(kept, shows, strict=True) if not can_go]
        first = shows.index(True)
        kept = rest if which_show([rest])[0] else kept[:first] + kept[first + 1 :]
    return kept


def shortest(low_us: int, high_us: int, which_show: Callable[[list[int]], list[bool]]) -> int:
    """The least length above `low_us` that shows it, in whole seconds, as far as a longer run shows it too; else `high_us`."""
    below, above = low_us // SECOND_US, -(-high_us // SECOND_US)
    best_us = high_us
    while below + 1 < above:
        tried = sorted({below + -(-(above - below) * part // SECTIONS) for part in range(1, SECTIONS)} - {below, above})
        shows = which_show([seconds * SECOND_US for seconds in tried])
        if any(shows):
            first = shows.index(True)
            below, above = ([below, *tried])[first], tried[first]
            best_us = above * SECOND_US
        else:
            below = tried[-1]
    return best_us


def _sealed(seed: ReplaySeed, failure: Failure, heal_us: int) -> ReplaySeed:
    """The seed with what its own run gives as what it expects; nothing where a program of ours fails in it."""
    if failure.detector == PROGRAM_FAILED:
        return seed.sealed()
    replayed = REPLAYER.replay(seed, {}, {})
    found = [each for each in attempt([seed], heal_us, [failure.detector]).failures if each.detector == failure.detector]
    expected = Expected(
        digest=replayed.digest,
        trail=replayed.trail,
        events=sum(b'"kind":"recording.' not in line for line in replayed.lines),
        findings=[ExpectedFinding(detector=each.detector, subject=each.subject) for each in found],
    )
    sealed = seed.model_copy(update={"expected": expected}).sealed()
    if len(sealed.to_text()) > BYTES_MAX:
        sealed = sealed.model_copy(update={"expected": expected.model_copy(update={"trail": []})}).sealed()
    return sealed


def _named(seed: ReplaySeed, run_id: str) -> ReplaySeed:
    return seed.model_copy(update={"origin": seed.origin.model_copy(update={"run_id": run_id})})


def _with_faults(seed: ReplaySeed, faults: list[dict[str, Any]]) -> ReplaySeed:
    return seed.model_copy(update={"tape": seed.tape.model_copy(update={"faults": faults})})


def _with_switches(seed: ReplaySeed, on: list[str]) -> ReplaySeed:
    return _with_scenario(seed, switches=dict.fromkeys(on, True))


def _with_length(seed: ReplaySeed, length_us: int) -> ReplaySeed:
    return _with_scenario(seed, document={**seed.scenario.document, "length": length_us})


def _with_scenario(seed: ReplaySeed, **changed: Any) -> ReplaySeed:
    return seed.model_copy(update={"scenario": seed.scenario.model_copy(update=changed)})
