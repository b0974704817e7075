"""Members run when they are released, and within a second of one another."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, OVER, RUN, UNITS, attempted, closed, opened, ran, ready, released, started
from tests.detectors.telling import detect, evidence, judged, log, rows, span

DETECTOR = "barrier/barrier_not_held"
STARTED = "\n".join([opened("10s"), *(started("11s", unit, f"{number}/3") for number, unit in enumerate(UNITS, 1))])
UNHELD = f"{STARTED}\n{ran('13s', 'k6-0')}\n{ran('14s', 'k6-1')}\n{ran('28s', 'k6-2')}"


def test_members_that_run_before_anybody_released_them_are_found():
    """The opening and the starts are the evidence; the starts lie as far apart as the units came up."""
    told = log(UNHELD, closed("60s"))
    says = "3 of 3 members of barrier test-1 ran before they were released, and the starts lie 15s apart, with a tolerance of 1s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["opened-test-1", "member_running-k6-0-test-1", "member_running-k6-2-test-1"]]
    assert span(told, DETECTOR) == [("13s", "28s")]


def test_a_release_that_comes_after_they_ran_excuses_nobody():
    told = log(UNHELD, "\n".join(f"29s k6-0/charm barrier/test-1 barrier.release_attempted >member:unit/{unit}" for unit in UNITS))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]


def test_starts_further_apart_than_the_tolerance_are_found():
    told = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), released("19s", "k6-2"), OVER)
    says = "0 of 3 members of barrier test-1 ran before they were released, and the starts lie 3s apart, with a tolerance of 1s"
    assert judged(told, DETECTOR) == [("found", says)]


def test_starts_within_the_tolerance_are_clean():
    told = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), released("16900ms", "k6-2"), OVER)
    assert judged(told, DETECTOR) == []


def test_the_skew_of_the_starts_is_a_column_that_a_query_can_read():
    told = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), released("16900ms", "k6-2"), OVER)
    columns = "barrier, start_skew_us, slack_us, closed_reason"
    assert rows(told, f"SELECT {columns} FROM barrier_round WHERE run_id = $run") == [("test-1", 900_000, 0, "done")]


def test_a_slow_member_that_the_others_hold_for_is_clean():
    slow = "\n".join([STARTED, ready("12s", "k6-0"), ready("13s", "k6-1"), ready("55s", "k6-2")])
    assert judged(log(slow, *(released("56s", unit) for unit in UNITS), closed("90s")), DETECTOR) == []


def test_a_start_by_a_clock_that_nothing_bounds_proves_nothing():
    """Nothing that a store has placed leads to that process or follows from it: its clock may be anything."""
    loose = "16s host-9/k6 barrier/test-1 barrier.member_running +5m >member:unit/k6-2"
    told = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), attempted("16s", "k6-2"), loose, OVER)
    assert judged(told, DETECTOR) == []


def test_a_log_that_ends_between_the_starts_is_pending():
    told = log(HELD, released("16s", "k6-0"), "30s k6-1/charm unit/k6-1 note.taken")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_log_that_begins_after_the_opening_is_unknown():
    """Nobody knows what came before: the members may have been released."""
    told = log("\n".join(ran("20s", unit) for unit in UNITS))
    assert judged(told, DETECTOR) == []
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}


def test_a_barrier_that_is_released_as_one_is_clean():
    assert judged(log(HELD, RUN, OVER), DETECTOR) == []
