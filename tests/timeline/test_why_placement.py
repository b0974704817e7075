"""Why slots of jobs wait: each story and where the time went, in seconds."""

from __future__ import annotations

from tests.detectors.conftest import stories  # noqa: F401  tells the stories of this file in one database
from tests.detectors.placement.telling import expired, log, node
from tests.timeline.waits import about, spent

ASKED = "1s node-1/api job/web submission.received operation=create wanted=1 workload=web"
CREATED = 'trigger=create trigger_id="web" attempt=1'


def placed(at: str, revision: int, instance: str = "web-0.1", own: str = CREATED, on: str = "node-1") -> str:
    """A schedule is committed that gives a node to the slot."""
    scheduled = f"{at} node-1/api schedule/schedule schedule.committed {own} @{revision}"
    return f"{scheduled}\n{at} node-1/api instance/{instance} instance.allocated node={on} @{revision} >slot/web-0"


def runs(instance: str, starting: str, started: str, healthy: str) -> str:
    """Its node starts the instance, and the checks pass."""
    moves = {"starting": starting, "started": started, "turned_healthy": healthy}
    states = {"starting": "allocated", "started": "starting", "turned_healthy": "unhealthy"}
    said = (f"{at} node-1/runner instance/{instance} instance.{move} from_state={states[move]} >slot/web-0" for move, at in moves.items())
    return "\n".join(said)


REMOVED = "60s node-1/api slot/web-0 slot.removed workload=web"


def test_a_slot_waits_for_a_schedule_for_its_node_for_its_container_and_for_its_checks():
    """Another schedule was first, once; then it was placed, started and found healthy, and removed when the job shrank."""
    lost = f"2s node-1/api schedule/schedule schedule.conflicted {CREATED}"
    story = log(node("node-1", "60s"), ASKED, lost, placed("3s", 100), runs("web-0.1", "5s", "6s", "20s"), REMOVED)
    assert spent(story, "slot/web-0") == [
        ("scheduling", 1), ("lost_race", 1), ("dispatch", 2), ("starting", 1), ("health_check", 14), ("running", 40),
    ]  # fmt: skip
    said = about(story, "slot/web-0")
    assert (said["lost_race"][1], said["dispatch"][1]) == ("schedule.version: wanted 2, met 3", "on node-1")


def test_a_launch_that_failed_waits_for_the_next_one():
    again = "7s node-1/runner instance/web-0.1 instance.launch_failed reason=podman_json >slot/web-0"
    story = log(node("node-1", "60s"), ASKED, placed("3s", 100), runs("web-0.1", "5s", "11s", "20s"), again, "9s" + STARTS_AGAIN)
    assert spent(story, "slot/web-0")[2:5] == [("starting", 2), ("back_off", 2), ("starting", 2)]
    assert about(story, "slot/web-0")["back_off"][1] == "podman_json"


STARTS_AGAIN = " node-1/runner instance/web-0.1 instance.starting from_state=starting >slot/web-0"


def test_a_slot_whose_node_died_waits_for_the_node_then_for_memory_then_for_somebody_who_looks():
    """The node that is left has 8 GiB and gives 7.5 away; the slot needs one. A job that ends makes room, which a pass says at 45s."""
    other = "2s node-2/api instance/big-0.1 instance.allocated node=node-2 memory_mb=7680 >slot/big-0"
    lost = "30s node-2/planner instance/web-0.1 instance.lost from_state=healthy reason=node_expired >slot/web-0"
    unplaced = f"{lost}\n30s node-2/planner slot/web-0 slot.unplaced workload=web"
    room = "45s node-2/planner node/node-2 schedule.passed version=3 free_memory_mb=8192 free_disk_mb=4096"
    full = node("node-2", "40s").replace("schedule.passed", "schedule.passed free_memory_mb=512")
    top_up = placed("50s", 200, "web-0.2", 'trigger=top_up trigger_id="web-0" attempt=1', on="node-2")
    died = (node("node-1", "10s"), ASKED, placed("3s", 100), runs("web-0.1", "4s", "5s", "6s"), expired("node-1", "20s"))
    story = log(*died, full, other, unplaced, room, top_up)
    assert spent(story, "slot/web-0")[4:] == [("running", 14), ("lost_node", 10), ("no_memory", 15), ("queue", 5), ("dispatch", 0)]
    said = about(story, "slot/web-0")
    assert said["lost_node"][1] == "node-1 has no lease"
    assert said["no_memory"][1] == "needs 1024 MB and 0 MB of disk, most memory free on a node is 512 MB"
    assert said["queue"][1] == "nodes with room: 1"


def test_room_in_memory_alone_is_no_proof_that_memory_lacked():
    """Eight GiB are free on the one node, and the slot got no place: what it lacked the log does not say, so nothing is named."""
    scheduled = f"3s node-1/api schedule/schedule schedule.committed {CREATED} @100"
    unplaced = "3s node-1/api slot/web-0 slot.unplaced disk_mb=9000 workload=web @100"
    story = log(node("node-1", "4s"), ASKED, scheduled, unplaced, "9s node-1/lease node/node-1 node.lease_refreshed")
    assert spent(story, "slot/web-0") == [("scheduling", 2), ("no_node", 6)]
    assert about(story, "slot/web-0")["no_node"][1] == "needs 1024 MB and 9000 MB of disk, most memory free on a node is 8192 MB"


def test_a_node_that_comes_back_in_its_grace_has_its_slots_as_they_were():
    """They waited for its lease and for nothing else."""
    back = node("node-1", "50s", since="32s", own="term=2", declares=False)
    died = (node("node-1", "10s"), ASKED, placed("3s", 100), runs("web-0.1", "4s", "5s", "6s"), expired("node-1", "20s"))
    story = log(*died, back, node("node-2", "60s"))
    assert spent(story, "slot/web-0")[4:] == [("running", 14), ("lost_node", 12), ("running", 28)]
