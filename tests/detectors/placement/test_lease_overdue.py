"""A lease is over 15 s after its last refresh, and counts as overdue another 15 s later."""

from __future__ import annotations

from tests.detectors.placement.telling import every, expired, log, node, store
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/lease_overdue"
ADDED = "10s node-1/health dns_record/web-0.1 dns.added node=node-1 term=1"


def test_a_lease_that_nobody_ends_is_found():
    told = log(node("node-1", "20s"), store("61s"))
    assert judged(told, DETECTOR) == [("found", "the lease of node node-1 ran out and nobody ended it for 26s")]
    assert evidence(told, DETECTOR) == [["node-1-a/lease:7"]]
    assert span(told, DETECTOR) == [("35s", None)]


def test_a_lease_that_is_ended_much_too_late_is_found_with_its_end():
    assert span(log(node("node-1", "20s"), store("71s"), expired("node-1", "60s")), DETECTOR) == [("35s", "1m")]


def test_a_record_that_stays_when_its_lease_is_ended_is_found():
    told = log(node("node-1", "20s"), store("61s"), expired("node-1", "35s"), ADDED)
    says = "the lease of node node-1 ran out and a DNS record of the node stayed for 26s"
    assert judged(told, DETECTOR) == [("found", says)]


def test_a_lease_that_is_ended_in_time_is_clean():
    assert judged(log(node("node-1", "20s"), store("61s"), expired("node-1", "36s")), DETECTOR) == []


def test_a_lease_that_an_election_extends_is_clean():
    back = every("5s", "46s", "61s", "node-1/lease node/node-1 node.lease_refreshed")
    assert judged(log(node("node-1", "20s"), store("61s"), "41s etcd/raft node/node-1 node.lease_extended", back), DETECTOR) == []


def test_a_lease_that_is_refreshed_is_clean():
    assert judged(log(node("node-1", "100s"), store("100s")), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert verdict(log(node("node-1", "20s"), store("41s")), DETECTOR) == "pending"


def test_where_the_store_fell_silent_nobody_knows():
    assert verdict(log(node("node-1", "20s"), node("node-2", "100s"), store("21s")), DETECTOR) == "pending"


def test_without_the_stores_own_words_nothing_is_known():
    assert verdict(log(node("node-1", "60s")), DETECTOR) == "unknown"
