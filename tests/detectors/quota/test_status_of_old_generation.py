"""A status is believed of the generation that it names, and of no other."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, admitted, deleted, promoted, quota, reported, started
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/status_of_old_generation"
OLD = "\n".join([CONFIGURED, admitted("5s", 41), reported("7s", 41, ready=2), admitted("10s", 42)])


def test_a_status_of_the_generation_before_that_counts_as_todays_is_found():
    ended = (deleted("10600ms", "r-1"), deleted("10700ms", "r-2"))
    told = log(OLD, promoted("10500ms", 42, observed=41), *ended, started("14s", "r-3", generation=42))
    says = "workload risk-api counted as ready in generation 42 by a status of generation 41 (2 of 2)"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["workloads-1-a/rollout:1"]]
    assert span(told, DETECTOR) == [("10.5s", "14s")]


def test_only_what_was_deleted_as_superseded_counts_as_given_up_on_that_word():
    ended = (deleted("10600ms", "r-1"), deleted("10700ms", "r-2", reason="retired"))
    aged = [line.replace("generation=42", "generation=41") for line in ended]
    told = log(OLD, promoted("10500ms", 42, observed=41), *aged, started("14s", "r-3", generation=42))
    [finding] = detect(told, [DETECTOR]).findings
    assert finding.data["deleted"] == 1


def test_it_is_said_once_of_a_generation_and_open_while_nothing_of_it_runs():
    told = log(OLD, promoted("10500ms", 42, observed=41), promoted("11s", 42, observed=41), quota("20s", 9, 4))
    assert [until for _, until in span(told, DETECTOR)] == [None]


def test_a_status_of_the_wanted_generation_is_clean():
    assert judged(log(OLD, reported("14s", 42, ready=2), promoted("15s", 42, observed=42)), DETECTOR) == []


def test_a_status_of_an_old_generation_that_nobody_acts_upon_is_clean():
    assert judged(log(OLD, reported("11s", 41, ready=2)), DETECTOR) == []


def test_a_log_that_begins_with_the_decision_still_shows_it():
    """The decision itself names both generations."""
    assert [verdict for verdict, _ in judged(log(promoted("10500ms", 42, observed=41)), DETECTOR)] == ["found"]


def test_a_log_that_ends_before_the_decision_is_clean():
    assert judged(log(OLD), DETECTOR) == []


def test_a_log_of_another_family_is_unknown():
    assert detect(log("5s api/web order/o-1 order.placed"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
