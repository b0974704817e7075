"""Capacity is asked for in a shortage, and not because somebody had not heard that it is over."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, quota, removed, requested, scanned, unschedulable
from tests.detectors.telling import detect, evidence, judged, log, span

DETECTOR = "quota/lag_amplified"
SHORT = "\n".join([CONFIGURED, quota("5s", 1, 0), unschedulable("6s", 1)])


def test_nodes_that_are_asked_for_when_the_shortage_is_over_are_found():
    told = log(SHORT, quota("10s", 2, 4), requested("12s", "n-1"), requested("13s", "n-2"), removed("22s", "n-1"), removed("23s", "n-2"))
    says = "2 nodes were asked for replica r-1, 2s after its quota risk.zone-c had 4 free slots again"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["quotas-1-a/quotas:2", "autoscaler-1-a/autoscaler:1"]]
    assert span(told, DETECTOR) == [("12s", "23s")]
    [finding] = detect(told, [DETECTOR]).findings
    assert finding.cost is not None
    assert (finding.cost.unit, finding.cost.amount) == ("slot_seconds", 80.0)


def test_the_age_told_is_that_at_the_first_order():
    """The quota was full again and free again between the two orders: the second rests on a word of another age."""
    again = (unschedulable("21s", 3), quota("23s", 4, 2), requested("24500ms", "n-2"))
    told = log(SHORT, quota("10s", 2, 4), requested("12s", "n-1"), quota("20s", 3, 4, used=4), *again)
    assert [says.partition(", ")[2] for _, says in judged(told, DETECTOR)] == ["2s after its quota risk.zone-c had 4 free slots again"]


def test_a_node_that_is_still_there_as_the_log_ends_is_found_and_open():
    assert span(log(SHORT, quota("10s", 2, 4), requested("12s", "n-1"), quota("30s", 3, 4)), DETECTOR) == [("12s", None)]


def test_a_node_for_a_shortage_that_lasts_is_clean():
    assert judged(log(SHORT, quota("10s", 2, 1, used=1), requested("12s", "n-1")), DETECTOR) == []


def test_a_node_that_is_asked_for_within_the_promised_lag_is_clean():
    assert judged(log(SHORT, quota("10s", 2, 4), requested("10500ms", "n-1")), DETECTOR) == []


def test_a_node_for_a_lack_of_nodes_is_clean():
    word = unschedulable("11s", 2, free=4, reason="no_node")
    assert judged(log(SHORT, quota("10s", 2, 4), word, requested("13s", "n-1", reason="no_node")), DETECTOR) == []


def test_a_log_that_ends_before_the_order_is_clean():
    assert judged(log(SHORT, quota("10s", 2, 4)), DETECTOR) == []


def test_a_log_that_begins_after_the_word_says_nothing():
    assert judged(log(CONFIGURED, quota("10s", 2, 4), requested("12s", "n-1")), DETECTOR) == []


def test_without_the_promised_lag_it_is_unknown():
    told = log(quota("5s", 1, 0), unschedulable("6s", 1), quota("10s", 2, 4), requested("12s", "n-1"))
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}


def test_a_log_that_has_only_the_timings_of_repair_is_unknown():
    """Each scan echoes its own thresholds, and no word of how long a watch may take."""
    told = log(scanned("0s", "4s"), quota("5s", 1, 0), unschedulable("6s", 1), quota("10s", 2, 4), requested("12s", "n-1"))
    assert detect(told, [DETECTOR, "quota/stale_input_decision"]).verdicts == {DETECTOR: "unknown", "quota/stale_input_decision": "unknown"}
