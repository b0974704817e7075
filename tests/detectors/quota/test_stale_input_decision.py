"""What a decision read may be as old as a watch may lag (1 s); older, and contradicted by what was true, it is found."""

from __future__ import annotations

from tests.detectors.quota.words import CONFIGURED, admitted, deleted, promoted, quota, reported, unschedulable
from tests.detectors.telling import detect, evidence, judged, log, rows

DETECTOR = "quota/stale_input_decision"


def test_no_room_said_of_a_quota_that_has_had_room_for_long_is_found_once():
    told = log(CONFIGURED, quota("5s", 1, 1, used=1), quota("10s", 2, 4, used=1), unschedulable("13s", 1), unschedulable("14s", 1))
    says = "replica.unschedulable of replica r-1 used quota risk.zone-c 1 (0), 3s after 2 (3); needed 1"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["quotas-1-a/quotas:2", "scheduler-1-a/scheduler:1"]]
    assert [finding.data["decisions"] for finding in detect(told, [DETECTOR]).findings] == [2]


def test_what_was_overtaken_within_the_promised_lag_is_clean():
    """Config change inside the poll: nobody can know of it yet."""
    assert judged(log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 4), unschedulable("10900ms", 1)), DETECTOR) == []


def test_an_old_reading_that_says_the_same_as_the_new_one_is_clean():
    """The quota was changed, and still there is no room: the shortage was real."""
    assert judged(log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 1, used=1), unschedulable("13s", 1)), DETECTOR) == []


def test_a_late_watch_that_is_corrected_before_the_decision_is_clean():
    """The cache said no; the store was asked, and said yes."""
    attempt = "13s scheduler-1/scheduler reservation/res-a reservation.attempted replica=r-1 intent=place node=node-1 source=store"
    told = log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 4), f"{attempt} quota=risk.zone-c quota_version=2 quota_free=4")
    assert judged(told, DETECTOR) == []


def test_a_lack_of_nodes_is_no_word_about_the_quota():
    told = log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 4), unschedulable("13s", 1, reason="no_node"))
    assert judged(told, DETECTOR) == []


def test_a_status_of_another_generation_than_the_one_that_is_named_is_found_at_once():
    old = (admitted("5s", 41), reported("7s", 41, ready=2), admitted("10s", 42))
    told = log(CONFIGURED, *old, promoted("10500ms", 42, observed=41), deleted("10600ms"))
    says = "workload.promoted of workload risk-api used status risk-api 41 (2), 500ms after 42 (0); needed 2"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_status_of_the_same_generation_is_clean():
    told = log(CONFIGURED, admitted("10s", 42), reported("12s", 42, ready=2), promoted("13s", 42, observed=42))
    assert judged(told, DETECTOR) == []


def test_every_decision_has_its_lag_beside_it():
    """The version that was used, the true one, its age, and whether fresh data would have changed the decision."""
    told = log(
        CONFIGURED, quota("5s", 1, 0), unschedulable("6s", 1), quota("10s", 2, 4), unschedulable("10200ms", 1), unschedulable("13s", 2, 4)
    )
    columns = "used_version, true_version, used_value, true_value, age_us / 1000, would_change"
    lag = f"SELECT {columns} FROM observation_lag WHERE run_id = $run ORDER BY at_us"
    assert rows(told, lag) == [(1, 1, 0, 0, 0, False), (1, 2, 0, 4, 200, True), (2, 2, 4, 4, 0, False)]


def test_a_log_that_begins_after_the_change_says_nothing():
    assert judged(log(CONFIGURED, unschedulable("13s", 1)), DETECTOR) == []


def test_a_log_that_ends_before_the_decision_is_clean():
    assert judged(log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 4)), DETECTOR) == []


def test_without_the_promised_lag_it_is_unknown():
    told = log(quota("5s", 1, 0), quota("10s", 2, 4), unschedulable("13s", 1))
    assert detect(told, [DETECTOR]).verdicts == {DETECTOR: "unknown"}
