"""A record is to go with its node's lease; it counts after one lease and one pass: 18 s."""

from __future__ import annotations

from tests.detectors.placement.telling import expired, log, node, store
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/dns_of_dead_node"
ADDED = "10s node-1/health dns_record/web-0.1 dns.added node=node-1 term=1"
DEAD = f"{node('node-1', '20s')}\n{expired('node-1', '35s')}"


def removed(at: str) -> str:
    return f"{at} etcd/lessor dns_record/web-0.1 dns.removed node=node-1 reason=lease_expired"


def test_a_record_that_outlives_the_lease_of_its_node_is_found():
    told = log(DEAD, store("81s"), ADDED)
    says = "dns_record web-0.1 of job web led to node-1 for 46s after the lease of the node had run out"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["node-1-a/health:1", "etcd-a/lessor:5"]]
    assert span(told, DETECTOR) == [("35s", None)]


def test_a_record_that_leads_to_an_instance_that_has_ended_is_found():
    ended = "5s node-1/api instance/web-0.1 instance.allocated node=node-1\n20s node-1/runner instance/web-0.1 instance.ended"
    told = log(node("node-1", "60s"), store("60s"), ADDED, ended)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]


def test_a_record_that_goes_with_the_lease_is_clean():
    assert judged(log(DEAD, store("80s"), ADDED, removed("35s")), DETECTOR) == []


def test_a_record_that_is_removed_within_the_window_is_clean():
    assert judged(log(DEAD, store("80s"), ADDED, removed("52s")), DETECTOR) == []


def test_a_node_that_comes_back_in_time_is_clean():
    back = node("node-1", "80s", since="45s", own="term=2")
    assert judged(log(DEAD, back, store("81s"), ADDED), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert verdict(log(DEAD, store("45s"), ADDED), DETECTOR) == "pending"


def test_where_the_store_fell_silent_nobody_knows():
    """The node's own log goes on, but the store, which would have said it, does not."""
    assert verdict(log(DEAD, store("40s"), ADDED, node("node-2", "100s")), DETECTOR) == "pending"


def test_without_declared_timings_nothing_is_known():
    assert verdict(log(ADDED, store("80s")), DETECTOR) == "unknown"
