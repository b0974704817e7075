"""Each contender may lose once for each commit of another; twice as often for all together is a herd."""

from __future__ import annotations

from tests.detectors.placement.telling import log, node
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/contention_herd"
WON = """
    20s  node-1/planner  schedule/schedule  schedule.attempted
    20s  node-2/planner  schedule/schedule  schedule.attempted
    21s  node-1/planner  schedule/schedule  schedule.committed
"""


def lost(times: int, first: int = 22) -> str:
    return "\n".join(
        f"{first + number}s node-2/planner schedule/schedule schedule.attempted attempt={number + 2}\n"
        f"{first + number}s node-2/planner schedule/schedule schedule.conflicted attempt={number + 2}"
        for number in range(times)
    )


def test_a_loser_that_tries_again_with_what_it_had_read_is_found():
    told = log(node("node-1", "60s"), WON, lost(5))
    assert judged(told, DETECTOR) == [("found", "5 commits for trigger node-1@1 were refused to 2 contenders, while 1 were made")]
    assert evidence(told, DETECTOR) == [["node-2-a/planner:3", "node-2-a/planner:11"]]
    assert span(told, DETECTOR) == [("20s", "26s")]


def test_one_loss_for_each_commit_is_clean():
    assert judged(log(node("node-1", "60s"), WON, lost(1)), DETECTOR) == []


def test_many_losses_against_many_commits_are_clean():
    others = "\n".join(f"{at}s node-3/api schedule/schedule schedule.committed trigger=scale_up trigger_id=shop" for at in range(22, 30))
    assert judged(log(node("node-1", "60s"), WON, lost(8), others), DETECTOR) == []


def test_losses_for_another_reason_than_the_schedule_are_not_counted():
    assert judged(log(node("node-1", "60s"), WON, lost(8).replace("conflicted", "conflicted fence=instance.state")), DETECTOR) == []


def test_a_log_cut_off_early_is_clean():
    assert judged(log(node("node-1", "60s"), WON, lost(4)), DETECTOR) == []


def test_without_an_attempt_nothing_is_known():
    assert verdict(log(node("node-1", "60s")), DETECTOR) == "unknown"
