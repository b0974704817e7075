"""A scale-down takes unhealthy instances first; both states must have held for 2 s before the decision."""

from __future__ import annotations

from tests.detectors.placement.telling import log, node
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/healthy_victim"
HEALTHY = """
    4s   node-1/api     instance/web-0.1  instance.allocated       node=node-1
    5s   node-2/api     instance/web-1.1  instance.allocated       node=node-2
    10s  node-1/health  instance/web-0.1  instance.turned_healthy
    10s  node-2/health  instance/web-1.1  instance.turned_healthy
"""
NODES = f"{node('node-1', '60s')}\n{node('node-2', '60s')}"
SICK = "30s node-1/health instance/web-0.1 instance.turned_unhealthy"
DROPPED = "40s node-2/api instance/web-1.1 instance.dropped"


def test_a_healthy_victim_beside_an_unhealthy_sibling_is_found():
    told = log(NODES, HEALTHY, SICK, DROPPED)
    says = "instance web-1.1 was healthy and was ended, while web-0.1 of the same job had been unhealthy for 10s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["node-1-a/health:2", "node-2-a/api:2"]]
    assert span(told, DETECTOR) == [("40s", "40s")]


def test_the_unhealthy_one_as_victim_is_clean():
    assert judged(log(NODES, HEALTHY, SICK, "40s node-2/api instance/web-0.1 instance.dropped"), DETECTOR) == []


def test_a_sibling_that_fell_sick_just_before_is_clean():
    """The schedule was computed from what was there a moment earlier."""
    assert judged(log(NODES, HEALTHY, SICK.replace("30s", "39s"), DROPPED), DETECTOR) == []


def test_a_sibling_that_goes_too_is_clean():
    assert judged(log(NODES, HEALTHY, SICK, DROPPED, "40s node-2/api instance/web-0.1 instance.dropped"), DETECTOR) == []


def test_a_policy_that_takes_the_newest_first_is_clean():
    newest = NODES.replace("placement.configured", "placement.configured victim_policy=newest_first")
    assert judged(log(newest, HEALTHY, SICK, DROPPED), DETECTOR) == []


def test_a_log_that_ends_before_the_decision_is_clean():
    assert judged(log(NODES, HEALTHY, SICK), DETECTOR) == []


def test_without_a_declared_policy_nothing_is_known():
    assert verdict(log(HEALTHY, SICK, DROPPED), DETECTOR) == "unknown"
