"""What a kill-all stops must not be wanted by the schedule on that node any more."""

from __future__ import annotations

from tests.detectors.placement.telling import expired, log, node, ran
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/needless_kill_all"
PLACED = f"4s node-1/api instance/web-0.1 instance.allocated node=node-1\n{ran('web-0.1-1', 1, '5s')}"
AWAY = f"{node('node-1', '20s')}\n{expired('node-1', '35s')}"
KILLED = "40s podman-1/runtime container/web-0.1-1 container.stopped reason=killed_all"


def test_a_kill_of_what_the_schedule_still_wants_is_found():
    told = log(AWAY, PLACED, KILLED)
    says = "instance web-0.1 was stopped on node-1, which came back 5s after its lease ran out and still had it"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["etcd-a/lessor:1", "podman-1-a/runtime:3"]]
    assert span(told, DETECTOR) == [("40s", "40s")]


def test_a_kill_of_what_was_placed_elsewhere_is_clean():
    lost = "38s node-2/planner instance/web-0.1 instance.lost\n38s node-2/planner instance/web-0.2 instance.allocated node=node-2"
    assert judged(log(AWAY, PLACED, lost, KILLED), DETECTOR) == []


def test_a_stop_for_another_reason_is_clean():
    assert judged(log(AWAY, PLACED, KILLED.replace("killed_all", "fenced")), DETECTOR) == []


def test_a_log_that_ends_before_the_kill_is_clean():
    assert judged(log(AWAY, PLACED), DETECTOR) == []


def test_without_a_word_of_the_runtime_nothing_is_known():
    assert verdict(log(AWAY), DETECTOR) == "unknown"
