"""Three placements in a row that time out on the same living worker, none of them claimed there in between."""

from __future__ import annotations

from tests.detectors.gang.telling import checking_in, log, scheduler
from tests.detectors.telling import detect, evidence, judged, span, verdict

DETECTOR = "gang/reservation_churn"
JOINED = "1s s-1/api worker/w-1-a worker.registered"


def placed(*at: int, claimed: int = 0) -> str:
    """A member is placed on w-1 at these seconds, and taken back half a minute later; or claimed, where said, and drained."""
    lines = []
    for number, second in enumerate(at, 1):
        lines.append(f"{second}s s-1/admission gang/train gang.reserved reservation={number}")
        lines.append(f"{second}s s-1/admission job/train/0 job.reserved reservation={number} >worker/w-1-a")
        if second == claimed:
            lines.append(f"{second + 1}s s-1/api job/train/0 job.claimed >worker/w-1-a")
            lines.append(f"{second + 30}s s-1/reaper job/train/0 job.requeued from_state=running to_state=blocked")
        else:
            lines.append(f"{second + 30}s s-1/admission job/train/0 job.rolled_back")
    return "\n".join(lines)


def test_a_worker_that_never_comes_for_the_member_is_found():
    told = log(scheduler("s-1", "120s"), JOINED, checking_in("w-1-a", "5s", "120s", "busy_with=index-2"), placed(5, 40, 75))
    assert judged(told, DETECTOR) == [
        ("found", "gang train was placed on w-1-a 3 times within 1m40s and never claimed there; the worker was busy with index-2")
    ]
    assert len(evidence(told, DETECTOR)[0]) == 3
    assert span(told, DETECTOR) == [("5s", "1m45s")]
    (finding,) = detect(told, [DETECTOR]).findings
    assert finding.cost is not None
    assert (finding.cost.unit, finding.cost.amount) == ("worker_seconds", 2 * 3 * 30)


def test_two_timeouts_are_clean():
    """A cluster that has just started, or a worker that is late."""
    assert judged(log(scheduler("s-1", "120s"), JOINED, checking_in("w-1-a", "5s", "120s"), placed(5, 40)), DETECTOR) == []


def test_a_claim_in_between_begins_the_count_anew():
    told = log(scheduler("s-1", "200s"), JOINED, checking_in("w-1-a", "5s", "200s"), placed(5, 40, 75, 110, claimed=75))
    assert judged(told, DETECTOR) == []


def test_a_dead_worker_is_no_churn():
    """It does not come because it is gone; the admission leaves it out as soon as it counts as offline."""
    assert judged(log(scheduler("s-1", "120s"), JOINED, checking_in("w-1-a", "5s", "10s"), placed(5, 40, 75)), DETECTOR) == []


def test_a_log_that_ends_during_the_third_reservation_is_clean():
    lines = placed(5, 40, 75).splitlines()[:-1]
    assert judged(log(scheduler("s-1", "90s"), JOINED, checking_in("w-1-a", "5s", "90s"), "\n".join(lines)), DETECTOR) == []


def test_without_a_worker_nothing_is_known():
    assert verdict(log(scheduler("s-1", "20s")), DETECTOR) == "unknown"
