"""What looks like a leak of placement and is none: healthy from beginning to end, judged by every detector there is."""

from __future__ import annotations

import random

from tests.detectors.placement.telling import every, expired, log, node, ran, runtime, store
from tests.detectors.telling import detect, found, in_order

NODES = "\n".join([node("node-1", "150s"), node("node-2", "150s"), runtime(1, "150s"), runtime(2, "150s"), store("150s")])
PLACED = "4s node-1/api instance/web-0.1 instance.allocated node=node-1"
HEALTHY = f"""
    {PLACED}
    {ran("web-0.1-1", 1, "5s")}
    10s  node-1/health  instance/web-0.1    instance.turned_healthy
    10s  node-1/health  dns_record/web-0.1  dns.added                node=node-1 term=1
"""


def test_losers_of_a_race_are_normal():
    """Three schedulers compute at once, one wins, and each of the others loses once."""
    race = "\n".join(f"20s node-{number}/planner schedule/schedule schedule.attempted" for number in (1, 2, 3))
    lost = "\n".join(f"21s node-{number}/planner schedule/schedule schedule.conflicted" for number in (2, 3))
    assert found(log(NODES, race, "20s node-1/planner schedule/schedule schedule.committed", lost)) == []


def test_planned_rescheduling_that_ends_the_old_instance_first():
    """A scale-down and a scale-up later: the slot's name is new, the old container is gone before."""
    moved = f"""
        40s  node-2/api        instance/web-0.1       instance.dropped
        40s  node-2/api        dns_record/web-0.1     dns.removed        node=node-1
        42s  podman-1/runtime  container/web-0.1-1    container.stopped
        42s  podman-1/runtime  container/web-0.1-1    container.removed
        43s  node-1/runner     instance/web-0.1       instance.ended
        60s  node-2/api        instance/web-0.2       instance.allocated  node=node-2
        {ran("web-0.2-1", 2, "62s")}
    """
    assert found(log(NODES, HEALTHY, moved)) == []


def test_partition_that_is_shorter_than_the_lease():
    """Nobody notices: the lease is refreshed again 12 s later."""
    away = "\n".join([node("node-1", "40s"), every("5s", "52s", "150s", "node-1/lease node/node-1 node.lease_refreshed")])
    others = "\n".join([node("node-2", "150s"), runtime(1, "150s"), runtime(2, "150s"), store("150s")])
    assert found(log(away, others, HEALTHY)) == []


def test_rolling_restart_within_the_leases():
    """Each scheduler comes up anew and finds its lease alive; the containers run on."""
    again = "\n".join(
        f"{at}s node-{number}/lease node/node-{number} node.lease_granted reason=lease_alive" for number, at in ((1, 50), (2, 70))
    )
    assert found(log(NODES, HEALTHY, again)) == []


def test_node_that_is_fenced_before_its_slot_moves():
    """Cut off for long: its runtime stops the container at 67 s, the slot starts elsewhere at 75 s."""
    moved = f"""
        55s  etcd/lessor       node/node-1            node.lease_expired
        55s  etcd/lessor       dns_record/web-0.1     dns.removed        node=node-1
        67s  podman-1/runtime  container/web-0.1-1    container.stopped  reason=fenced
        67s  podman-1/runtime  container/web-0.1-1    container.removed  reason=fenced
        70s  node-2/planner    instance/web-0.1       instance.lost
        70s  node-2/planner    instance/web-0.2       instance.allocated  node=node-2
        {ran("web-0.2-1", 2, "75s")}
    """
    others = "\n".join([node("node-1", "40s"), node("node-2", "150s"), runtime(1, "150s"), runtime(2, "150s"), store("150s")])
    assert found(log(others, HEALTHY, moved)) == []


def test_log_truncated_anywhere_finds_nothing_that_the_whole_does_not():
    """A node that dies and is never replaced: its record and its slot are found in the whole, and nothing else in a part."""
    lines = in_order(node("node-1", "40s"), node("node-2", "150s"), store("150s"), HEALTHY, expired("node-1", "55s"))
    whole = {finding.detector for finding in detect(log(*lines)).findings if finding.verdict == "found"}
    assert whole == {"placement/dns_of_dead_node", "placement/lease_overdue", "placement/slot_holder_dead"}
    for cut in random.Random(7).sample(range(1, len(lines)), 4):
        for part in (lines[:cut], lines[cut:]):
            assert {finding.detector for finding in detect(log(*part)).findings if finding.verdict == "found"} <= whole
