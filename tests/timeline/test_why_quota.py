"""Why replicas wait: each story and where the time went, in seconds."""

from __future__ import annotations

from tests.detectors.conftest import stories  # noqa: F401  tells the stories of this file in one database
from tests.detectors.quota.words import bound, deleted, quota, released, reserved, started, unschedulable
from tests.detectors.together import Told, told
from tests.timeline.waits import about, spent

REPLICA = "replica/r-1"


def log(*texts: str) -> Told:
    """The story of these lines."""
    return told("\n".join(texts))


def created(at: str, replica: str = "r-1") -> str:
    """A replica is wanted."""
    facts = "to_phase=pending role=service intent=place policy_revision=1 workload=risk-api generation=42"
    return f"{at} workloads-1/admission replica/{replica} replica.created {facts} >quota/risk.zone-c"


def requeued(at: str, reason: str, delay: str) -> str:
    """The scheduler puts the replica back."""
    return f"{at} scheduler-1/scheduler replica/r-1 replica.requeued reason={reason} attempt=1 delay={delay}"


def led(at: str, scheduler: str, kind: str = "acquired") -> str:
    """A scheduler takes the lease, or gives it up, and says at once that it looks at the queue."""
    said = f"{at} {scheduler}/elector lease/scheduler lease.{kind} holder={scheduler}-a"
    return f"{said}\n{at} {scheduler}/scheduler control_plane/{scheduler}-a scheduler.ticked queued=1 due=1" if kind == "acquired" else said


PLACED = (reserved("20s", "res-a"), bound("21s", "bind-a", "node-1"), started("23s", "r-1"))


def test_a_replica_waits_for_a_look_for_room_in_its_quota_for_its_binding_and_for_its_start():
    """The scheduler looks twice and finds the quota full both times: that is one wait, for a quota that another replica took."""
    taken = reserved("1s", "res-z", replica="r-9", slots=1, used=1)
    refused = (unschedulable("6s", 2, source="store"), requeued("6s", "unschedulable", "1s"), unschedulable("9s", 2, source="store"))
    story = log(quota("0s", 1, 1), taken, created("5s"), *refused, quota("19s", 3, 4, 1), *PLACED, deleted("60s"))
    assert spent(story, REPLICA) == [("queue", 1), ("quota_exceeded", 14), ("binding", 1), ("starting", 2), ("running", 37)]
    said = about(story, REPLICA)
    assert said["quota_exceeded"] == ("quota/risk.zone-c", "1 of 1 slots taken, the last by r-9")
    assert said["starting"] == (None, "on node-1")


def test_a_quota_that_only_the_cache_says_is_full_is_no_shortage():
    """It was raised at 7s, and at 8s the scheduler still reads the version before."""
    story = log(quota("0s", 1, 0), created("5s"), unschedulable("6s", 1), quota("7s", 2, 4), unschedulable("8s", 1), *PLACED)
    assert spent(story, REPLICA)[:3] == [("queue", 1), ("quota_exceeded", 2), ("stale_cache", 12)]
    assert about(story, REPLICA)["stale_cache"] == ("quota/risk.zone-c", "version 1 had 0 free, 2 had 4")


def test_a_try_that_failed_waits_for_its_back_off_and_then_for_the_next_look():
    """With its answer lost, the room is reserved all the while: it waits for the binding, and for no room."""
    tried = (quota("0s", 1, 4), created("5s"), requeued("6s", "conflict", "2s"), *PLACED[:1], requeued("22s", "timeout", "3s"))
    story = log(*tried, bound("30s", "bind-a", "node-1"), started("31s", "r-1"))
    assert spent(story, REPLICA)[:6] == [
        ("queue", 1), ("back_off", 2), ("queue", 12), ("binding", 2), ("back_off", 3), ("binding", 5),
    ]  # fmt: skip
    assert about(story, REPLICA)["back_off"] == ("quota/risk.zone-c", "conflict")


def test_while_nobody_leads_a_pending_replica_waits_for_a_leader_and_a_running_one_for_nothing():
    election = (led("0s", "scheduler-1"), led("8s", "scheduler-1", "lost"), led("15s", "scheduler-2"))
    story = log(quota("0s", 1, 4), created("5s"), *election, *PLACED, led("30s", "scheduler-2", "lost"), quota("40s", 3, 4))
    assert spent(story, REPLICA) == [
        ("queue", 3), ("no_leader", 7), ("queue", 5), ("binding", 1), ("starting", 2), ("running", 17),
    ]  # fmt: skip
    assert about(story, REPLICA)["no_leader"] == ("lease/scheduler", None)


def test_a_log_without_its_head_says_unknown_until_an_event_tells_how_the_replica_stands():
    """A try that met a conflict may have been for a replica that runs already."""
    assert spent(log(requeued("5s", "conflict", "1s"), unschedulable("9s", 1, reason="no_node"), quota("12s", 2, 4)), REPLICA) == [
        ("unknown", 4), ("no_node", 3),
    ]  # fmt: skip
    assert spent(log(*PLACED, released("30s", "res-a")), REPLICA) == [("unknown", 1), ("starting", 2), ("running", 7)]
