"""The declared timings stand in an order that keeps one loop from taking the other's work for dead."""

from __future__ import annotations

import pytest

from tests.detectors.telling import alive, detect, evidence, judged, log, span

DETECTOR = "control_loop/timeout_order"


def test_a_cutoff_below_the_budget_is_found_before_anything_goes_wrong():
    told = log(alive("cp-1", "10s", timings="spawn_stuck=2m"))
    assert judged(told, DETECTOR) == [
        ("found", "control_plane cp-1-a runs with spawn_stuck_us = 2m, which must be at least spawn_budget_us = 8m")
    ]
    assert evidence(told, DETECTOR) == [["cp-1-a/control_plane:2"]]
    assert span(told, DETECTOR) == [("0s", None)]


@pytest.mark.parametrize(
    ("timings", "first"),
    [
        ("activation_stuck=119s", "activation_stuck_us"),
        ("lease_renew_deadline=20s", "lease_renew_deadline_us"),
        ("lease_retry=15s", "lease_retry_us"),
        ("orphan_grace=10s heartbeat=16s", "control_plane_expiry_us + orphan_grace_us"),
    ],
)
def test_every_pair_in_the_wrong_order_is_found(timings: str, first: str):
    assert [finding.data["first"] for finding in detect(log(alive("cp-1", "10s", timings=timings)), [DETECTOR]).findings] == [first]


def test_the_usual_timings_are_clean():
    assert judged(log(alive("cp-1", "10s")), DETECTOR) == []


def test_timings_at_the_edge_are_clean():
    edge = "spawn_stuck=8m activation_stuck=2m lease_renew_deadline=19s orphan_grace=10s heartbeat=15s"
    assert judged(log(alive("cp-1", "10s", timings=edge)), DETECTOR) == []


def test_a_control_plane_that_stopped_ends_the_finding():
    stopped = "9s cp-1/control_plane control_plane/cp-1-a control_plane.stopped"
    assert span(log(alive("cp-1", "5s", timings="spawn_stuck=2m"), alive("cp-2", "20s"), stopped), DETECTOR) == [("0s", "9s")]


def test_a_log_without_declared_timings_is_unknown():
    assert detect(log("5s cp-1/pool worker/w-1 worker.activated"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
