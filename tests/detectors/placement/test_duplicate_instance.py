"""Two containers of a slot on two nodes may overlap by the time that a stop takes (2 s) and 1 s more."""

from __future__ import annotations

from tests.detectors.placement.telling import log, node, ran, runtime
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/duplicate_instance"
BOTH = "\n".join([node("node-1", "100s"), node("node-2", "100s"), runtime(1, "100s"), runtime(2, "100s")])


def stopped(at: str) -> str:
    return f"{at} podman-1/runtime container/web-0.1-1 container.stopped reason=fenced"


def test_a_slot_that_runs_on_two_nodes_is_found():
    told = log(BOTH, ran("web-0.1-1", 1, "5s"), ran("web-0.2-1", 2, "40s"), stopped("60s"))
    assert judged(told, DETECTOR) == [("found", "slot web-0 ran on node-1 and node-2 at once for 20s")]
    assert evidence(told, DETECTOR) == [["podman-1-a/runtime:3", "podman-2-a/runtime:7", "podman-1-a/runtime:10"]]
    assert span(told, DETECTOR) == [("40s", "1m")]


def test_two_that_never_stop_are_found_open():
    told = log(BOTH, ran("web-0.1-1", 1, "5s"), ran("web-0.2-1", 2, "40s"))
    assert span(told, DETECTOR) == [("40s", None)]


def test_a_start_while_the_other_is_stopping_is_clean():
    assert judged(log(BOTH, ran("web-0.1-1", 1, "5s"), ran("web-0.2-1", 2, "40s"), stopped("43s")), DETECTOR) == []


def test_a_slot_that_moves_after_its_node_stopped_it_is_clean():
    assert judged(log(BOTH, ran("web-0.1-1", 1, "5s"), stopped("30s"), ran("web-0.2-1", 2, "40s")), DETECTOR) == []


def test_another_container_on_the_same_node_is_a_restart():
    assert judged(log(BOTH, ran("web-0.1-1", 1, "5s"), ran("web-0.1-2", 1, "40s")), DETECTOR) == []


def test_a_machine_that_fell_silent_proves_nothing():
    """Its runtime said nothing since 10 s: nobody knows whether the container ran on."""
    dead = "\n".join([node("node-1", "10s"), node("node-2", "100s"), runtime(1, "10s"), runtime(2, "100s")])
    assert judged(log(dead, ran("web-0.1-1", 1, "5s"), ran("web-0.2-1", 2, "40s")), DETECTOR) == []


def test_a_log_that_ends_before_the_second_start_is_clean():
    assert judged(log(node("node-1", "30s"), runtime(1, "30s"), ran("web-0.1-1", 1, "5s")), DETECTOR) == []


def test_without_declared_timings_nothing_is_known():
    assert verdict(log(ran("web-0.1-1", 1, "5s"), ran("web-0.2-1", 2, "6s")), DETECTOR) == "unknown"
