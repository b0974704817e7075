"""A trigger pays an attempt for each of its rounds: three at most; a gang of n members has n times two rounds and one in all."""

from __future__ import annotations

from tests.detectors.gang.telling import log, scheduler
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "gang/retry_budget_loop"
SUBMITTED = "1s s-1/api gang/train gang.submitted size=2"


def rounds(*triggers: int, pays: bool = True, reason: str = "stale") -> str:
    """A round every 20 s, begun by the member of that number; it keeps its attempt as paid, or gets it back."""
    lines = []
    for number, trigger in enumerate(triggers, 1):
        at = 20 * number
        lines += [f"{at}s s-1/api job/train/{member} job.claimed >worker/w-{member}-a" for member in (0, 1)]
        lines.append(f"{at + 5}s s-1/reaper gang/train gang.drain_started triggered_by=train/{trigger} reason={reason}")
        for member in (0, 1):
            refunded = "false" if pays and member == trigger else "true"
            lines.append(f"{at + 5}s s-1/reaper job/train/{member} job.drain_started refunded={refunded}")
            lines.append(f"{at + 10}s s-1/api job/train/{member} job.preempted")
        lines.append(f"{at + 15}s s-1/reaper gang/train gang.drain_completed")
        lines += [f"{at + 15}s s-1/reaper job/train/{member} job.requeued" for member in (0, 1)]
    return "\n".join(lines)


def test_a_trigger_that_gets_its_attempt_back_is_found_at_its_second_round():
    told = log(scheduler("s-1", "80s"), SUBMITTED, rounds(0, 0, pays=False))
    assert judged(told, DETECTOR) == [
        ("found", "gang train was drained 2 times, 2 of them by train/0, which had used 0 of its 3 attempts after that")
    ]
    assert len(evidence(told, DETECTOR)[0]) == 2
    assert span(told, DETECTOR) == [("25s", "45s")]


def test_a_trigger_that_pays_for_each_of_its_rounds_is_clean():
    assert judged(log(scheduler("s-1", "100s"), SUBMITTED, rounds(0, 0, 0)), DETECTOR) == []


def test_triggers_that_take_turns_within_their_attempts_are_clean():
    """Two members with two failures each that are forgiven, and a last one: five rounds are the most that there can be."""
    assert judged(log(scheduler("s-1", "140s"), SUBMITTED, rounds(0, 1, 0, 1, 0)), DETECTOR) == []


def test_more_rounds_than_all_members_have_attempts_are_found():
    assert [said for said, _ in judged(log(scheduler("s-1", "160s"), SUBMITTED, rounds(0, 1, 0, 1, 0, 1)), DETECTOR)] == ["found"]


def test_a_round_because_nobody_claimed_costs_nobody_an_attempt():
    """Such rounds are the scheduler's own doing, and have no limit."""
    assert judged(log(scheduler("s-1", "80s"), SUBMITTED, rounds(0, 0, pays=False, reason="reservation_timeout")), DETECTOR) == []


def test_a_log_cut_after_the_first_round_is_clean():
    assert judged(log(scheduler("s-1", "40s"), SUBMITTED, rounds(0, pays=False)), DETECTOR) == []


def test_without_a_scheduler_nothing_is_known():
    assert verdict(log(SUBMITTED), DETECTOR) == "unknown"
