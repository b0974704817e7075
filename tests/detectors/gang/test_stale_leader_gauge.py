"""Two readings in a row that show a leader, after its try for the lock came to nothing."""

from __future__ import annotations

import pytest

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, verdict

DETECTOR = "gang/stale_leader_gauge"


def turn(at: int, kind: str, shown: int) -> str:
    """A try for the lock of the reaper, and a reading 5 s later."""
    return f"""
        {at}s      s-2/reaper     scheduler/s-2-a  {kind}  loop=reaper
        {at + 5}s  s-2/scheduler  scheduler/s-2-a  scheduler.gauge_observed  shown={shown}
    """


HELD = turn(10, "tick.started", 1) + "11s s-2/reaper scheduler/s-2-a tick.completed loop=reaper"


@pytest.mark.parametrize(("kind", "result"), [("tick.failed", "failed"), ("tick.skipped", "been skipped")])
def test_a_gauge_that_stays_up_after_a_lost_try_is_found(kind: str, result: str):
    told = log(scheduler("s-1", "60s"), HELD, turn(20, kind, 1), turn(30, kind, 1))
    assert judged(told, DETECTOR) == [
        ("found", f"scheduler s-2-a showed itself as the leader 2 times in 10s, after its try for the lock had {result}")
    ]
    assert evidence(told, DETECTOR) == [["s-2-a/reaper:3", "s-2-a/scheduler:2", "s-2-a/scheduler:3"]]


def test_holders_that_take_turns_are_clean():
    """Each shows itself for the tick that it led, and no longer."""
    assert judged(log(scheduler("s-1", "60s"), HELD, turn(20, "tick.skipped", 0), turn(30, "tick.started", 1)), DETECTOR) == []


def test_a_reading_that_falls_into_the_handover_is_clean():
    assert judged(log(scheduler("s-1", "60s"), HELD, turn(20, "tick.skipped", 1), turn(30, "tick.skipped", 0)), DETECTOR) == []


def test_a_tick_that_failed_after_it_had_the_lock_is_no_lost_try():
    broken = "12s s-2/reaper scheduler/s-2-a tick.failed loop=reaper reason=store_error"
    readings = "\n".join(f"{at}s s-2/scheduler scheduler/s-2-a scheduler.gauge_observed shown=1" for at in (15, 18))
    assert judged(log(scheduler("s-1", "60s"), "10s s-2/reaper scheduler/s-2-a tick.started loop=reaper", broken, readings), DETECTOR) == []


def test_a_log_that_ends_at_the_first_reading_is_clean():
    assert judged(log(scheduler("s-1", "26s"), HELD, turn(20, "tick.failed", 1)), DETECTOR) == []


def test_without_a_reading_nothing_is_known():
    assert verdict(log(scheduler("s-1", "60s")), DETECTOR) == "unknown"
