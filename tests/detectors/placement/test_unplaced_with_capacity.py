"""A slot without a place counts when a node has had room for it for longer than three passes and 1 s: 10 s."""

from __future__ import annotations

from tests.detectors.placement.telling import every, log, node
from tests.detectors.telling import evidence, judged, span, verdict

DETECTOR = "placement/unplaced_with_capacity"
UNPLACED = """
    20s  node-2/planner  schedule/schedule  schedule.committed  version=3 @7
    20s  node-2/planner  slot/web-0         slot.unplaced       @7
"""
NODES = f"{node('node-1', '19s')}\n{node('node-2', '19s')}"


def passes(since: str, until: str, free: int, version: int = 3) -> str:
    own = f"version={version} unplaced=1 free_memory_mb={free}"
    return every("3s", since, until, f"node-2/planner node/node-2 schedule.passed {own}")


def test_a_slot_that_nobody_places_although_there_is_room_is_found():
    told = log(NODES, UNPLACED, passes("21s", "39s", 512), passes("42s", "60s", 2048))
    assert judged(told, DETECTOR) == [("found", "slot web-0 has had no place for 40s, while node-2 had room for it in 7 passes")]
    assert evidence(told, DETECTOR) == [["node-2-a/planner:9", "node-2-a/planner:17", "node-2-a/planner:23"]]
    assert span(told, DETECTOR) == [("20s", None)]


def test_a_slot_for_which_there_is_no_room_is_pending_at_most():
    assert judged(log(NODES, UNPLACED, passes("21s", "120s", 512)), DETECTOR) == []


def test_a_slot_that_is_placed_when_there_is_room_is_clean():
    placed = "43s node-2/planner instance/web-0.2 instance.allocated node=node-2"
    assert judged(log(NODES, UNPLACED, passes("21s", "39s", 512), passes("42s", "60s", 2048), placed), DETECTOR) == []


def test_a_slot_that_is_scaled_away_is_clean():
    removed = "45s node-2/api slot/web-0 slot.removed"
    assert judged(log(NODES, UNPLACED, passes("21s", "39s", 512), passes("42s", "60s", 2048), removed), DETECTOR) == []


def test_room_that_comes_and_goes_is_clean():
    room = "\n".join(passes(f"{at}s", f"{at}s", 2048 if at % 2 else 512) for at in range(21, 90, 3))
    assert [verdict for verdict, _ in judged(log(NODES, UNPLACED, room), DETECTOR)] in ([], ["pending"])


def test_a_pass_that_saw_an_older_schedule_says_nothing():
    assert judged(log(NODES, UNPLACED, passes("21s", "60s", 2048, version=2)), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    assert verdict(log(NODES, UNPLACED, passes("21s", "27s", 2048)), DETECTOR) == "pending"


def test_without_declared_timings_nothing_is_known():
    assert verdict(log(UNPLACED, passes("21s", "60s", 2048)), DETECTOR) == "unknown"
