"""A replica has one binding; to be placed anew it is unbound first."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, bound, quota, unbound
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/duplicate_binding"


def test_a_second_binding_beside_the_first_is_found():
    told = log(CONFIGURED, bound("10s", "b-1", "node-1"), bound("12s", "b-2", "node-2"), unbound("20s", "b-2", "node-2"))
    says = "replica r-1 had 2 bindings beside each other, to node-1 and to node-2 first, for 8s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["scheduler-1-a/scheduler:1", "scheduler-1-a/scheduler:2"]]
    assert span(told, DETECTOR) == [("12s", "20s")]


def test_a_second_binding_to_the_same_node_is_found_too():
    told = log(CONFIGURED, bound("10s", "b-1", "node-1"), bound("12s", "b-2", "node-1"), quota("20s", 9, 4))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert span(told, DETECTOR) == [("12s", None)]


def test_planned_rescheduling_with_unbind_first_is_clean():
    told = log(CONFIGURED, bound("10s", "b-1", "node-1"), unbound("12s", "b-1", "node-1"), bound("13s", "b-1", "node-2"))
    assert judged(told, DETECTOR) == []


def test_two_replicas_on_one_node_are_clean():
    told = log(CONFIGURED, bound("10s", "b-1", "node-1"), bound("12s", "b-2", "node-1", replica="r-2"))
    assert judged(told, DETECTOR) == []


def test_a_log_that_begins_between_the_two_says_nothing():
    assert judged(log(CONFIGURED, bound("12s", "b-2", "node-2"), unbound("20s", "b-1", "node-1")), DETECTOR) == []


def test_a_log_that_ends_before_the_second_is_clean():
    assert judged(log(CONFIGURED, bound("10s", "b-1", "node-1")), DETECTOR) == []


def test_a_log_without_bindings_is_unknown():
    assert detect(log(CONFIGURED, quota("5s", 1, 4)), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
