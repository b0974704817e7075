"""A member that says yes to its release runs within the bound of a release: 5 s."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, OVER, RUN, UNITS, acked, attempted, checked, ended, ran, released
from tests.detectors.telling import detect, evidence, judged, log

DETECTOR = "barrier/release_without_effect"
ACKED = "\n".join(acked("16s", unit) for unit in UNITS)
ALIVE = "\n".join(checked(unit, "20s", "60s", "ready") for unit in UNITS)


def test_members_that_say_yes_and_hold_on_are_found():
    """Their pods live on past the bound: the opening, an answer and a later sign of life are the evidence."""
    told = log(HELD, ACKED, ALIVE)
    says = "3 of 3 members of barrier test-1 said yes to the release and did not run, k6-0 among them for 44s; the bound is 5s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR)[0][:2] == ["opened-test-1", "release_acked-k6-0-test-1"]


def test_members_that_run_are_clean():
    assert judged(log(HELD, RUN, ALIVE, OVER), DETECTOR) == []


def test_a_member_that_ran_before_it_was_told_is_another_detectors():
    told = log(HELD, "\n".join(ran("15s", unit).splitlines()[1] for unit in UNITS), ACKED, ALIVE)
    assert judged(told, DETECTOR) == []


def test_a_member_whose_process_ended_meanwhile_is_clean():
    told = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), acked("16s", "k6-2"), ended("18s", "k6-2", "stopped"), ALIVE)
    assert judged(told, DETECTOR) == []


def test_a_release_without_an_answer_is_clean():
    told = log(HELD, "\n".join(attempted("16s", unit) for unit in UNITS), ALIVE)
    assert judged(told, DETECTOR) == []


def test_lost_lines_of_the_member_make_it_pending():
    """What was not recorded and what did not happen look alike."""
    torn = "17s k6-2#a/k6 unit/k6-2 note.taken seq=9"
    told = log(HELD, torn, released("16s", "k6-0"), released("16s", "k6-1"), acked("16s", "k6-2"), ALIVE)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_log_that_ends_within_the_bound_is_pending():
    assert [verdict for verdict, _ in judged(log(HELD, ACKED, "20s k6-0/charm unit/k6-0 note.taken"), DETECTOR)] == ["pending"]


def test_a_log_that_begins_after_the_opening_is_unknown():
    assert detect(log(ACKED, ALIVE), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
