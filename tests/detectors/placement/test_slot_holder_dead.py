"""A dead node's slots are to be placed anew within its grace (15 s), three passes (9 s) and 5 s: 29 s."""

from __future__ import annotations

from tests.detectors.placement.telling import expired, log, node
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/slot_holder_dead"
PLACED = "4s node-1/api instance/web-0.1 instance.allocated node=node-1"
DEAD = f"{node('node-1', '20s')}\n{expired('node-1', '35s')}"
LOST = "50s node-2/planner schedule/schedule schedule.conflicted"


def test_a_slot_that_stays_with_a_dead_node_is_found():
    told = log(DEAD, PLACED, node("node-2", "99s"), LOST)
    assert judged(told, DETECTOR) == [("found", "web-0 has been held by node-1 for 1m4s after its lease ran out (1 lost races)")]
    assert evidence(told, DETECTOR) == [["etcd-a/lessor:1", "node-1-a/api:1", "node-2-a/planner:24"]]
    assert span(told, DETECTOR) == [("35s", None)]


def test_races_that_were_lost_for_several_nodes_at_once_count_with_those_for_the_one():
    both = '51s node-2/planner schedule/schedule schedule.conflicted trigger_id="node-1@1+node-3@1"'
    other = '52s node-2/planner schedule/schedule schedule.conflicted trigger_id="node-3@1"'
    [(_, says)] = judged(log(DEAD, PLACED, node("node-2", "99s"), LOST, both, other), DETECTOR)
    assert says.endswith("(2 lost races)")


def test_a_slot_that_is_placed_anew_is_clean():
    lost = "51s node-2/planner instance/web-0.1 instance.lost\n51s node-2/planner instance/web-0.2 instance.allocated node=node-2"
    assert judged(log(DEAD, PLACED, node("node-2", "99s"), lost), DETECTOR) == []


def test_a_node_that_comes_back_within_its_grace_keeps_its_slots():
    back = node("node-1", "99s", since="48s", own="term=2")
    assert judged(log(DEAD, PLACED, node("node-2", "99s"), back), DETECTOR) == []


def test_a_slot_that_is_placed_just_in_time_is_clean():
    lost = "63s node-2/planner instance/web-0.1 instance.lost"
    assert judged(log(DEAD, PLACED, node("node-2", "99s"), lost), DETECTOR) == []


def test_where_nobody_else_is_there_to_see_it_nothing_is_found():
    assert verdict(log(DEAD, PLACED, "99s etcd/lessor etcd/etcd lessor.swept"), DETECTOR) == "pending"


def test_a_log_that_ends_within_the_window_is_pending():
    assert verdict(log(DEAD, PLACED, node("node-2", "60s")), DETECTOR) == "pending"


def test_without_leases_nothing_is_known():
    assert verdict(log(PLACED, "9s node-2/planner node/node-2 schedule.passed"), DETECTOR) == "unknown"


def test_where_nobody_declared_the_grace_nothing_is_known():
    silent = [node("node-1", "20s", declares=False), expired("node-1", "35s"), node("node-2", "99s", declares=False)]
    assert verdict(log(*silent, PLACED, LOST), DETECTOR) == "unknown"
