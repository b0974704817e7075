"""Each wait of a barrier has a bound: ready 60 s, run 120 s, and 65 s for the leader's duty on top of it or alone."""

from __future__ import annotations

import pytest

from tests.detectors.barrier.rounds import HELD, OVER, RUN, UNITS, checked, closed, done, opened, ready, started
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "barrier/barrier_stuck"
ONE_MISSING = "\n".join([opened("10s"), *(started("11s", unit, f"{number}/3") for number, unit in enumerate(UNITS, 1)),
    ready("15s", "k6-0"), ready("15s", "k6-1")])  # fmt: skip


def test_a_barrier_that_nobody_releases_is_found():
    """All were ready, units are awake, and the leader does nothing: the last readiness and a later wake-up are the evidence."""
    told = log(HELD, checked("k6-1", "20s", "120s", "ready"))
    says = "barrier test-1 waited 1m45s for its release, with a bound of 1m5s; 3 of 3 members had been ready, 0 were done"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["opened-test-1", "member_ready-k6-2-test-1", "k6-1-a/charm:10"]]
    assert span(told, DETECTOR) == [("15s", None)]


def test_a_member_that_never_comes_and_no_deadline_is_found():
    told = log(ONE_MISSING, checked("k6-1", "20s", "160s", "ready"))
    says = "barrier test-1 waited 2m30s for the last member to be ready, with a bound of 2m5s; 2 of 3 members had been ready, 0 were done"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_member_that_is_lost_while_it_runs_is_found():
    told = log(HELD, RUN, done("40s", "k6-0"), done("40s", "k6-1"), checked("k6-1", "50s", "210s"))
    says = "barrier test-1 waited 3m14s for the last member to be done, with a bound of 3m5s; 3 of 3 members had been ready, 2 were done"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_member_that_was_done_before_the_release_is_found():
    """The fast member: it was ready, it is over, and the others wait for ever."""
    told = log(HELD, done("16s", "k6-0"), checked("k6-1", "20s", "120s", "ready"))
    says = "barrier test-1 waited 1m45s for its release, with a bound of 1m5s; 3 of 3 members had been ready, 1 were done"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_barrier_that_is_over_and_not_closed_is_found():
    told = log(HELD, RUN, *(done("40s", unit) for unit in UNITS), checked("k6-1", "50s", "120s"))
    assert [says.split(",")[0] for _, says in judged(told, DETECTOR)] == ["barrier test-1 waited 1m20s for its close"]


def test_a_barrier_that_is_released_in_time_is_clean():
    assert judged(log(HELD, RUN, OVER, checked("k6-1", "50s", "300s")), DETECTOR) == []


def test_a_leader_whose_hook_is_queued_behind_others_is_clean():
    """It releases 60 s after the last member was ready: within two wake-ups, a change of leader and a hook run again."""
    late = RUN.replace("16s ", "75s ")
    told = log(HELD, late, *(done("90s", unit) for unit in UNITS), closed("91s"), checked("k6-1", "20s", "200s"))
    assert judged(told, DETECTOR) == []


def test_a_barrier_that_is_given_up_at_its_deadline_is_clean():
    assert judged(log(ONE_MISSING, closed("75s", "deadline"), checked("k6-1", "20s", "300s")), DETECTOR) == []


def test_a_test_that_runs_as_long_as_it_may_is_clean():
    told = log(HELD, RUN, *(done("130s", unit) for unit in UNITS), closed("131s"), checked("k6-1", "20s", "300s"))
    assert judged(told, DETECTOR) == []


@pytest.mark.parametrize("until", ["60s", "80s"])
def test_a_log_that_ends_before_the_bound_is_pending(until: str):
    assert [verdict for verdict, _ in judged(log(HELD, checked("k6-1", "20s", until, "ready")), DETECTOR)] == ["pending"]


def test_units_that_say_nothing_any_more_make_it_pending():
    """All of them may be dead: that is another matter."""
    assert [verdict for verdict, _ in judged(log(HELD, "300s juju/elections application/k6 note.taken"), DETECTOR)] == ["pending"]


def test_a_log_that_begins_after_the_opening_is_unknown():
    told = log("\n".join(ready("15s", unit) for unit in UNITS), checked("k6-1", "20s", "120s", "ready"))
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
