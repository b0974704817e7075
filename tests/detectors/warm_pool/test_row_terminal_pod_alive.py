"""A pod ends after its row within pod grace (60 s), reconcile (120 s), two ticks, a failover (25 s) and 1 s: 216 s."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log

DETECTOR = "warm_pool/row_terminal_pod_alive"
RETIRED = """
    5s   cp-1/pool     worker/w-1  worker.spawned
    5s   kube/pods     worker/w-1  worker.pod_created  <cp-1-a/pool:1
    50s  cp-1/janitor  worker/w-1  worker.retired
"""


def test_a_pod_that_runs_on_after_its_row_is_found():
    told = log(alive("cp-1", "300s"), RETIRED)
    assert judged(told, DETECTOR) == [("found", "the row of worker w-1 is retired, but its pod has run on for 4m10s")]
    assert evidence(told, DETECTOR) == [["cp-1-a/janitor:1", "kube-a/pods:1"]]


def test_a_pod_that_ends_is_clean():
    assert judged(log(alive("cp-1", "300s"), RETIRED, "60s kube/pods worker/w-1 worker.pod_gone <cp-1-a/janitor:1"), DETECTOR) == []


def test_a_pod_that_the_reconciler_ends_just_in_time_is_clean():
    assert judged(log(alive("cp-1", "300s"), RETIRED, "265s kube/pods worker/w-1 worker.pod_gone"), DETECTOR) == []


def test_a_row_that_never_had_a_pod_is_clean():
    freed = "5s cp-1/pool worker/w-1 worker.slot_created\n50s cp-1/pool worker/w-1 worker.slot_freed"
    assert judged(log(alive("cp-1", "300s"), freed), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "265s"), RETIRED), DETECTOR)] == ["pending"]
