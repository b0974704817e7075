"""The last healthy recovery capacity is replaced first and deleted then."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, deleted, quota, started
from tests.detectors.telling import evidence, judged, log, span

DETECTOR = "quota/unsafe_victim"
VICTIM = deleted("20s", left=0, role="recovery", reason="policy_rolled_back")


def test_the_last_healthy_one_that_is_deleted_is_found():
    told = log(CONFIGURED, VICTIM, started("26s", "r-2", role="recovery"))
    says = "replica r-1, the last healthy recovery capacity of risk-api, was deleted (policy_rolled_back); there was none for 6s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["workloads-1-a/rollout:1", "fleet-a/replicas:1"]]
    assert span(told, DETECTOR) == [("20s", "26s")]


def test_it_is_open_while_nothing_takes_its_place():
    assert span(log(CONFIGURED, VICTIM, quota("30s", 1, 4)), DETECTOR) == [("20s", None)]


def test_one_that_was_replaced_first_is_clean():
    replaced = deleted("27s", left=1, role="recovery", reason="policy_rolled_back")
    assert judged(log(CONFIGURED, started("26s", "r-2", role="recovery"), replaced), DETECTOR) == []


def test_one_that_was_not_healthy_is_clean():
    assert judged(log(CONFIGURED, deleted("20s", left=0, role="recovery", healthy="false")), DETECTOR) == []


def test_a_service_may_be_empty_for_a_moment():
    assert judged(log(CONFIGURED, deleted("20s", left=0, reason="policy_rolled_back")), DETECTOR) == []


def test_a_workload_that_is_retired_on_purpose_is_clean():
    assert judged(log(CONFIGURED, deleted("20s", left=0, role="recovery", reason="retired")), DETECTOR) == []


def test_a_log_that_ends_before_the_deletion_is_clean():
    assert judged(log(CONFIGURED, started("5s", "r-1", role="recovery")), DETECTOR) == []
