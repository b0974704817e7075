"""Shrinking keeps what is needed, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ReplayDiverged, UsageError
from tests.timeline.conftest import LOSE, NOISE, RUN
from tests.timeline.tiny_replayer import SECOND, record
from timeline import Timeline
from timeline.replays import replay
from timeline.shrink import least, shrink, smallest


@st.composite
def items_and_needed(draw: st.DrawFn) -> tuple[list[int], set[int]]:
    items = draw(st.lists(st.integers(), unique=True, min_size=1, max_size=40))
    return items, draw(st.sets(st.sampled_from(items)))


@given(items_and_needed())
def test_what_is_needed_is_all_that_stays(case: tuple[list[int], set[int]]) -> None:
    """Where a fixed set of items causes the failure, exactly that set remains, in its order."""
    items, needed = case
    assert smallest(items, lambda kept: needed <= set(kept)) == [item for item in items if item in needed]


def test_of_two_causes_that_each_suffice_one_stays() -> None:
    """Either of two faults shows the finding: the earlier one is kept, so that the run can end earlier."""
    assert smallest(list("abcdefgh"), lambda kept: "b" in kept or "g" in kept) == ["b"]


def test_nothing_is_asked_twice() -> None:
    """A selection is a whole simulation: it is never run again."""
    asked: list[tuple[int, ...]] = []

    def shows(kept: list[int]) -> bool:
        asked.append(tuple(kept))
        return {3, 17} <= set(kept)

    assert smallest(list(range(20)), shows) == [3, 17]
    assert len(asked) == len(set(asked))


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 50))
def test_least_value_that_shows_is_found(low: int, beyond: int, step: int) -> None:
    """The least multiple of the step from which on it shows is found, however far it lies."""
    high = low + beyond + step
    threshold = low + beyond // 2
    answer = least(low, high, lambda value: value > threshold, step)
    assert answer > threshold
    assert answer <= high
    assert answer - step <= max(threshold, low) or answer == high


@pytest.mark.usefixtures("tiny")
def test_seed_shrinks_to_the_one_fault_that_matters(leak: list[bytes]) -> None:
    """Of seven faults one remains, the planted bug stays on, the run ends soon after, and the small seed replays equal."""
    with Timeline.in_memory(leak) as log:
        seed = log.export_run()
    shrunk = shrink(seed)
    assert (shrunk.faults_before, shrunk.seed.tape.faults, shrunk.switches) == (7, [LOSE], ["runs_once"])
    assert shrunk.length_us is not None
    assert shrunk.length_us < 120 * SECOND
    report = replay(shrunk.seed)
    assert report.equal
    assert report.shows(shrunk.seed.expected.findings)


@pytest.mark.usefixtures("tiny")
def test_seed_that_does_not_show_its_finding_is_not_shrunk(leak: list[bytes]) -> None:
    with Timeline.in_memory(leak) as log:
        seed = log.export_run()
    fixed = seed.model_copy(update={"scenario": seed.scenario.model_copy(update={"switches": {}})})
    with pytest.raises(ReplayDiverged, match="does not show election/lost_without_recontend"):
        shrink(fixed)


def test_seed_that_expects_nothing_is_not_shrunk() -> None:
    with Timeline.in_memory(record(RUN, NOISE, {}).lines) as log:
        seed = log.export_run()
    with pytest.raises(UsageError, match="it expects no finding"):
        shrink(seed)
