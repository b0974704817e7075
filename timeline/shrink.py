"""Shrinking: the smallest seed that still shows its finding.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), in the form
without the separate test of the parts: try to leave out one part of n; where none can go, cut finer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from ingest.errors import ReplayDiverged, UsageError
from ingest.seed import Expected, ExpectedFinding, Replayed, ReplaySeed
from timeline.api import Timeline
from timeline.findings import read_by
from timeline.replays import run_seed

Item = TypeVar("Item")

LENGTH_STEP_US = 1_000_000
"""A run is shortened to whole seconds."""


class Shrunk(BaseModel):
    """A shrunk seed, and what it took."""

    model_config = ConfigDict(frozen=True)

    seed: ReplaySeed
    runs: int
    """Runs that were made to find it."""
    faults_before: int
    faults: int
    switches: list[str]
    """Switches that are still on."""
    length_us: int | None
    """How long the run is now; null where the scenario does not say it as `length`."""


def shrink(seed: ReplaySeed, say: Callable[[str], None] = lambda _: None) -> Shrunk:
    """Leave out faults, then switches, then the end of the run, as long as every expected finding shows.

    A finding shows where its detector finds something, about the same subject or another: names shift when there is less
    to do. `say` is told of progress. Raises SeedInvalid, UsageError where the seed expects nothing, ReplayDiverged where
    it does not show what it expects.
    """
    if not seed.expected.findings:
        raise UsageError(
            f"shrinking the seed of {seed.origin.run_id}: it expects no finding, so all of it could go; export it for a finding"
        )
    trial = _Trial(seed, say)
    if not trial.shows(seed):
        wanted = ", ".join(f"{finding.detector} of {finding.subject}" for finding in seed.expected.findings)
        raise ReplayDiverged(f"shrinking the seed of {seed.origin.run_id}: replayed as it is, it does not show {wanted}")
    faults = smallest(seed.tape.faults, lambda kept: trial.shows(_with_faults(seed, kept)))
    small = _with_faults(seed, faults)
    on = [name for name, is_on in sorted(seed.scenario.switches.items()) if is_on]
    on = smallest(on, lambda kept: trial.shows(_with_switches(small, kept)))
    small = _with_switches(small, on)
    length_us = seed.scenario.document.get("length")
    if isinstance(length_us, int):
        whole = small
        length_us = least(0, length_us, lambda us: trial.shows(_with_length(whole, us)), LENGTH_STEP_US)
        small = _with_length(small, length_us)
    return Shrunk(
        seed=trial.sealed(small),
        runs=trial.runs,
        faults_before=len(seed.tape.faults),
        faults=len(faults),
        switches=on,
        length_us=length_us if isinstance(length_us, int) else None,
    )


class _Trial:
    """Runs candidates and looks for the expected findings."""

    def __init__(self, seed: ReplaySeed, say: Callable[[str], None]) -> None:
        self._expected = seed.expected.findings
        self._detectors = sorted({finding.detector for finding in self._expected})
        self._say = say
        self.runs = 0

    def shows(self, candidate: ReplaySeed) -> bool:
        found = {finding.detector for finding in self._judged(candidate)[1]}
        self._say(f"run {self.runs}: {len(candidate.tape.faults)} faults, {'shown' if found == set(self._detectors) else 'gone'}")
        return found == set(self._detectors)

    def sealed(self, seed: ReplaySeed) -> ReplaySeed:
        """The seed with what its own run gives as what it expects."""
        replayed, findings, events = self._judged(seed)
        kept = [self._nearest(finding, findings) for finding in self._expected]
        unique = list({(finding.detector, finding.subject): finding for finding in kept}.values())
        expected = Expected(digest=replayed.digest, trail=replayed.trail, events=events, findings=unique)
        return seed.model_copy(update={"expected": expected}).sealed()

    def _judged(self, seed: ReplaySeed) -> tuple[Replayed, list[ExpectedFinding], int]:
        self.runs += 1
        replayed = run_seed(seed)
        with Timeline.in_memory(replayed.lines, read_by(self._detectors)) as log:
            found = [finding for finding in log.detect(self._detectors).findings if finding.verdict == "found"]
            events = sum(log.runs()["events"].to_list())
        shown = [ExpectedFinding(detector=finding.detector, subject=f"{finding.subject.kind}/{finding.subject.id}") for finding in found]
        return replayed, shown, events

    @staticmethod
    def _nearest(expected: ExpectedFinding, found: list[ExpectedFinding]) -> ExpectedFinding:
        return expected if expected in found else next(finding for finding in found if finding.detector == expected.detector)


def _with_faults(seed: ReplaySeed, faults: list[dict[str, Any]]) -> ReplaySeed:
    return seed.model_copy(update={"tape": seed.tape.model_copy(update={"faults": faults})})


def _with_switches(seed: ReplaySeed, on: list[str]) -> ReplaySeed:
    return _with_scenario(seed, switches=dict.fromkeys(on, True))


def _with_length(seed: ReplaySeed, length_us: int) -> ReplaySeed:
    return _with_scenario(seed, document={**seed.scenario.document, "length": length_us})


def _with_scenario(seed: ReplaySeed, **changed: Any) -> ReplaySeed:
    return seed.model_copy(update={"scenario": seed.scenario.model_copy(update=changed)})


def smallest(items: Sequence[Item], still_shows: Callable[[list[Item]], bool]) -> list[Item]:
    """The items that cannot be left out one by one (1-minimal), in their order.

    `still_shows` must hold for `items` itself; it is asked at most once for the same selection.
    """
    asked: dict[tuple[int, ...], bool] = {}

    def shows(kept: Sequence[int]) -> bool:
        key = tuple(kept)
        if key not in asked:
            asked[key] = still_shows([items[index] for index in key])
        return asked[key]

    kept = list(range(len(items)))
    if shows([]):
        return []
    parts = 2
    while len(kept) > 1:
        shorter = next((rest for rest in _without_a_part(kept, parts) if shows(rest)), None)
        if shorter is not None:
            kept, parts = shorter, max(parts - 1, 2)
        elif parts < len(kept):
            parts = min(2 * parts, len(kept))
        else:
            break
    return [items[index] for index in kept]


def _without_a_part(kept: list[int], parts: int) -> list[list[int]]:
    """`kept` less each of `parts` stretches of nearly equal length, the last first: of two causes the earlier one stays."""
    bounds = [len(kept) * part // parts for part in range(parts + 1)]
    return [kept[:low] + kept[high:] for low, high in reversed(list(pairwise(bounds)))]


def least(low: int, high: int, still_shows: Callable[[int], bool], step: int) -> int:
    """The least multiple of `step` above `low` and below `high` that still shows it, by halving; `high` where none does.

    Takes it that what shows at one value shows at every greater one; where that is not so, the answer still shows it.
    """
    below, above = low // step, -(-high // step)
    best = high
    while below + 1 < above:
        middle = (below + above) // 2
        if still_shows(middle * step):
            best, above = middle * step, middle
        else:
            below = middle
    return best
