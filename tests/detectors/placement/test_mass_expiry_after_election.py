"""Three leases that end within 15 s of an election are a heap."""

from __future__ import annotations

from tests.detectors.placement.telling import expired, log, node
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/mass_expiry_after_election"
ELECTED = "50s etcd/raft etcd/etcd etcd.leader_elected"
NODES = "\n".join(node(f"node-{number}", "30s") for number in (1, 2, 3, 4))


def heap(*times: str) -> str:
    return "\n".join(expired(f"node-{number}", at) for number, at in enumerate(times, 1))


def test_many_leases_that_end_after_an_election_are_found():
    told = log(NODES, ELECTED, heap("51s", "52s", "60s"))
    assert judged(told, DETECTOR) == [("found", "3 nodes lost their leases within 10s of an election of etcd etcd")]
    assert evidence(told, DETECTOR) == [["etcd-a/raft:1", "etcd-a/lessor:1", "etcd-a/lessor:3"]]
    assert span(told, DETECTOR) == [("50s", "1m")]


def test_two_are_no_heap():
    assert judged(log(NODES, ELECTED, heap("51s", "52s")), DETECTOR) == []


def test_leases_that_end_before_the_election_or_long_after_it_are_clean():
    assert judged(log(NODES, ELECTED, heap("48s", "49s", "51s", "65s")), DETECTOR) == []


def test_one_node_that_expires_again_and_again_is_no_heap():
    again = "\n".join(expired("node-1", at, f"term={term}") for term, at in enumerate(("51s", "55s", "60s"), 1))
    assert judged(log(NODES, ELECTED, again), DETECTOR) == []


def test_a_log_that_ends_with_the_second_is_clean():
    assert verdict(log(NODES, ELECTED, heap("51s", "52s")), DETECTOR) == "clean"


def test_a_log_without_an_election_says_nothing_of_it():
    assert verdict(log(NODES, heap("51s", "52s", "53s")), DETECTOR) == "unknown"


def test_where_nobody_declared_the_time_to_live_nothing_is_known():
    silent = "\n".join(node(f"node-{number}", "30s", declares=False) for number in (1, 2, 3, 4))
    assert verdict(log(silent, ELECTED, heap("51s", "52s", "60s")), DETECTOR) == "unknown"
