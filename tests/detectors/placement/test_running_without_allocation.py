"""A container is to be gone a lease, its grace, three passes, a stop and 5 s after its instance: 46 s."""

from __future__ import annotations

from tests.detectors.placement.telling import log, node, ran, runtime
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/running_without_allocation"
ENDED = """
    4s   node-1/api     instance/web-0.1  instance.allocated  node=node-1
    20s  node-1/api     instance/web-0.1  instance.dropped
    21s  node-1/runner  instance/web-0.1  instance.ended
"""
LEFT = """
    5s  podman-1/runtime  container/web-0.1-1  container.created
    7s  podman-1/runtime  container/web-0.1-2  container.created
    8s  podman-1/runtime  container/web-0.1-2  container.launched
"""


def living(until: str) -> str:
    return f"{node('node-1', until)}\n{runtime(1, until)}"


def removed(container: str, at: str) -> str:
    return f"{at} podman-1/runtime container/{container} container.removed"


def test_a_container_whose_instance_has_ended_is_found():
    told = log(living("100s"), ran("web-0.1-1", 1, "5s"), ENDED)
    assert judged(told, DETECTOR) == [("found", "container web-0.1-1 has been on node-1 for 1m19s after its instance had ended")]
    assert evidence(told, DETECTOR) == [["podman-1-a/runtime:2", "node-1-a/runner:1"]]
    assert span(told, DETECTOR) == [("21s", None)]


def test_what_a_failed_launch_left_is_found():
    told = log(living("100s"), LEFT)
    assert judged(told, DETECTOR) == [("found", "container web-0.1-1 has been on node-1 for 1m33s after its launch had failed")]


def test_a_container_that_is_cleared_late_is_found_with_its_end():
    assert span(log(living("100s"), LEFT, removed("web-0.1-1", "90s")), DETECTOR) == [("7s", "1m30s")]


def test_a_container_that_is_cleared_away_just_in_time_is_clean():
    told = log(living("100s"), ran("web-0.1-1", 1, "5s"), ENDED, removed("web-0.1-1", "66s"))
    assert judged(told, DETECTOR) == []


def test_a_container_that_is_restarted_is_clean():
    assert judged(log(living("100s"), LEFT, removed("web-0.1-1", "6s")), DETECTOR) == []


def test_an_instance_that_is_still_to_be_ended_is_not_judged():
    dropped = "\n".join(ENDED.splitlines()[:3])
    assert judged(log(living("100s"), ran("web-0.1-1", 1, "5s"), dropped), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert verdict(log(living("50s"), ran("web-0.1-1", 1, "5s"), ENDED), DETECTOR) == "pending"


def test_a_runtime_that_fell_silent_proves_nothing():
    assert judged(log(node("node-1", "100s"), runtime(1, "30s"), ran("web-0.1-1", 1, "5s"), ENDED), DETECTOR) == []


def test_without_declared_timings_nothing_is_known():
    assert verdict(log(ran("web-0.1-1", 1, "5s")), DETECTOR) == "unknown"
