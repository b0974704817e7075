"""A parked worker has its TTL (1 min), two passes of the fallback reaper (2 min) and 10 s of grace: 190 s."""

from __future__ import annotations

from tests.detectors.telling import alive, detect, evidence, judged, log, span

DETECTOR = "warm_pool/stale_hot_idle"
PARKED = """
    5s   cp-1/pool  worker/w-1  worker.activated
    10s  cp-1/pool  worker/w-1  worker.parked  ttl=1m
"""


def test_a_parked_worker_that_nobody_reaps_is_found():
    told = log(alive("cp-1", "300s"), PARKED)
    assert judged(told, DETECTOR) == [("found", "worker w-1 sat hot_idle for 4m50s, 3m50s past its TTL of 1m")]
    assert evidence(told, DETECTOR) == [["cp-1-a/pool:2"]]
    (finding,) = detect(told, [DETECTOR]).findings
    assert finding.cost is not None
    assert (finding.cost.unit, finding.cost.amount) == ("vcpu_seconds", 8 * 230)


def test_a_worker_reaped_in_the_end_is_found_with_its_end():
    told = log(alive("cp-1", "300s"), PARKED, "250s cp-1/janitor worker/w-1 worker.retired")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert span(told, DETECTOR) == [("10s", "4m10s")]


def test_a_worker_reaped_just_in_time_is_clean():
    assert judged(log(alive("cp-1", "300s"), PARKED, "199s cp-1/reaper worker/w-1 worker.retired"), DETECTOR) == []


def test_a_worker_claimed_in_time_is_clean():
    assert judged(log(alive("cp-1", "300s"), PARKED, "60s cp-1/pool worker/w-1 worker.claimed"), DETECTOR) == []


def test_a_worker_with_a_long_life_of_its_own_is_clean():
    assert judged(log(alive("cp-1", "300s"), PARKED.replace("ttl=1m", "ttl=2d")), DETECTOR) == []


def test_a_log_that_ends_before_both_fallback_passes_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "190s"), PARKED), DETECTOR)] == ["pending"]


def test_a_log_without_timings_is_unknown():
    assert detect(log(PARKED, "300s cp-1/pool worker/w-2 worker.slot_created"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
