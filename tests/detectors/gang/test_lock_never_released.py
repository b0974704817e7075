"""A tick that holds the lock and is silent for three intervals (30 s) and its bound (15 s), while others find the lock taken."""

from __future__ import annotations

from tests.detectors.gang.telling import TIMINGS, log, loop
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/lock_never_released"
CONFIGURED = "0s s-1/scheduler scheduler/s-1-a scheduler.configured"
HUNG = f"""
    {CONFIGURED}
    0s   s-1/reaper  job/first  job.failed
    10s  s-1/reaper  scheduler/s-1-a  tick.started  loop=reaper {TIMINGS}
"""


def skipped(*at: int) -> str:
    first = "0s s-2/reaper job/second job.failed"
    return "\n".join([first, *(f"{second}s s-2/reaper scheduler/s-2-a tick.skipped loop=reaper" for second in at)])


def test_a_tick_that_hangs_while_others_wait_for_its_lock_is_found():
    told = log(HUNG, skipped(20, 30, 40, 50, 60, 70, 80))
    assert judged(told, DETECTOR) == [
        ("found", "scheduler s-1-a holds the lock of the loop reaper and has said nothing for 1m10s; 7 turns of others were skipped for it")
    ]
    assert evidence(told, DETECTOR) == [["s-1-a/reaper:2", "s-2-a/reaper:6"]]
    assert span(told, DETECTOR) == [("10s", None)]


def test_a_long_tick_that_goes_on_writing_is_clean():
    writes = "\n".join(f"{at}s s-1/reaper job/j-{at} job.failed" for at in (25, 45, 65))
    completed = "85s s-1/reaper scheduler/s-1-a tick.completed loop=reaper"
    assert judged(log(HUNG, writes, skipped(20, 30, 40, 50, 60, 70, 80), completed), DETECTOR) == []


def test_a_tick_that_is_abandoned_when_it_is_overdue_is_clean():
    abandoned = "40s s-1/reaper scheduler/s-1-a tick.failed loop=reaper reason=overdue"
    assert judged(log(HUNG, skipped(20, 30, 40), abandoned, loop("s-2", "reaper", "50s", "90s")), DETECTOR) == []


def test_holders_that_take_turns_are_clean():
    turns = "\n".join(loop(name, "reaper", f"{at}s", f"{at}s") for name, at in [("s-1", 10), ("s-2", 20), ("s-1", 30), ("s-2", 40)])
    sat_out = "\n".join(f"{at}s {name}/reaper scheduler/{name}-a tick.skipped loop=reaper" for name, at in [("s-2", 10), ("s-1", 20)])
    assert judged(log(CONFIGURED, turns, sat_out), DETECTOR) == []


def test_a_log_that_ends_within_the_window_leaves_it_pending():
    assert [said for said, _ in judged(log(HUNG, skipped(20, 30, 40)), DETECTOR)] == ["pending"]


def test_a_scheduler_that_died_and_took_its_connection_along_is_clean():
    """The lock is free at once: others go on."""
    assert judged(log(HUNG, skipped(), loop("s-2", "reaper", "20s", "120s")), DETECTOR) == []


def test_a_lock_that_changes_hands_after_its_holder_died_is_clean():
    """The dead scheduler never said that its tick ended; those who sit a tick out now do so for its successor."""
    after = "\n".join(
        f"{at}s s-2/reaper scheduler/s-2-a tick.skipped loop=reaper\n{loop('s-3', 'reaper', f'{at}s', f'{at}s')}"
        for at in range(20, 120, 10)
    )
    assert judged(log(HUNG, "0s s-3/reaper job/third job.failed", skipped(), after), DETECTOR) == []


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log("5s s-1/api job/index job.submitted"), DETECTOR) == "unknown"
