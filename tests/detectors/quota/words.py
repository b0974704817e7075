"""What the stories about quotas share: one line for each thing that the controllers say.

The timings are those of the reference cluster: a watch lags by 1 s at most, an orphan is 3 s old, repair scans every 2 s.
"""

from __future__ import annotations

from ingest.duration import duration, microseconds

REPAIR = "repair_tick=2s orphan_after=3s"
CONFIGURED = f"0s scheduler-1/controller control_plane/scheduler-1-a quota.configured watch_lag=1s autoscale_tick=1s {REPAIR}"
_OF = "workload=risk-api generation={generation}"
_QUOTA = "quota=risk.zone-c quota_version={version} slots={slots} used={used}"


def quota(at: str, version: int, slots: int, used: int = 0) -> str:
    """The quota is changed."""
    return f"{at} quotas-1/quotas quota/risk.zone-c quota.changed " + _QUOTA.format(version=version, slots=slots, used=used)


def reserved(
    at: str, name: str, replica: str = "r-1", intent: str = "place", generation: int = 42, version: int = 2, slots: int = 4, used: int = 1
) -> str:
    """Room is promised to a replica."""
    facts = f"replica={replica} intent={intent} node=node-1 {_QUOTA.format(version=version, slots=slots, used=used)}"
    return f"{at} scheduler-1/scheduler reservation/{name} reservation.created {facts} {_OF.format(generation=generation)}"


def released(at: str, name: str, replica: str = "r-1", reason: str = "job_missing", version: int = 3) -> str:
    """The room is given back."""
    facts = f"replica={replica} intent=place node=node-1 {_QUOTA.format(version=version, slots=4, used=0)}"
    return f"{at} repair-1/repair reservation/{name} reservation.released {facts} {_OF.format(generation=42)} reason={reason}"


def bound(at: str, name: str, node: str, replica: str = "r-1") -> str:
    """A replica is fixed to a node."""
    facts = f"replica={replica} node={node} {_OF.format(generation=42)}"
    return f"{at} scheduler-1/scheduler binding/{name} binding.created {facts} >quota/risk.zone-c"


def unbound(at: str, name: str, node: str, replica: str = "r-1") -> str:
    """A replica is not fixed to the node any more."""
    return f"{at} repair-1/repair binding/{name} binding.removed replica={replica} node={node} reason=node_unhealthy"


def unschedulable(at: str, version: int, free: int = 0, source: str = "cache", reason: str = "quota") -> str:
    """The scheduler says that there is no room."""
    facts = f"source={source} quota=risk.zone-c quota_version={version} quota_free={free} nodes_fit=2 reason={reason}"
    return f"{at} scheduler-1/scheduler replica/r-1 replica.unschedulable {facts} {_OF.format(generation=42)}"


def requested(at: str, node: str, reason: str = "quota") -> str:
    """The autoscaler asks for a node."""
    facts = f"zone=zone-c pool=base slots=4 healthy=true replica=r-1 replica_version=2 source=store quota=risk.zone-c reason={reason}"
    return f"{at} autoscaler-1/autoscaler node/{node} capacity.requested {facts} {_OF.format(generation=42)}"


def removed(at: str, node: str) -> str:
    """A node is given back."""
    return f"{at} autoscaler-1/autoscaler node/{node} capacity.removed zone=zone-c pool=base slots=4 healthy=true"


def started(at: str, replica: str, generation: int = 42, role: str = "service") -> str:
    """A replica runs."""
    moved = f"from_phase=bound to_phase=running role={role}"
    return f"{at} fleet/replicas replica/{replica} replica.started {moved} {_OF.format(generation=generation)}"


def deleted(at: str, replica: str = "r-1", left: int = 1, role: str = "service", reason: str = "superseded", healthy: str = "true") -> str:
    """A replica is deleted; `left` others of its workload are healthy."""
    moved = f"from_phase=running to_phase=gone role={role} was_healthy={healthy} healthy_left={left} reason={reason}"
    return f"{at} workloads-1/rollout replica/{replica} replica.deleted {moved} {_OF.format(generation=42)}"


def scanned(since: str, until: str, outcome: str = "observed") -> str:
    """Repair scans every 2 s."""
    first, last = microseconds(since), microseconds(until)
    assert first is not None
    assert last is not None
    said = f"repair-1/repair control_plane/repair-1-a repair.scanned {REPAIR} outcome={outcome}"
    return "\n".join(f"{duration(at)} {said}" for at in range(first, last + 1, 2_000_000))


def admitted(at: str, generation: int) -> str:
    """A generation of the workload is let in."""
    facts = f"role=service zone=zone-c pool=base replicas=2 policy_revision=1 {_OF.format(generation=generation)}"
    return f"{at} workloads-1/admission workload/risk-api workload.admitted {facts}"


def reported(at: str, generation: int, ready: int, version: int = 1) -> str:
    """The status of a generation is written."""
    facts = f"observed_generation={generation} status_version={version} ready={ready} replicas=2 {_OF.format(generation=generation)}"
    return f"{at} workloads-1/status workload/risk-api status.reported {facts}"


def promoted(at: str, generation: int, observed: int, ready: int = 2) -> str:
    """The status is taken to say that the generation is ready."""
    facts = f"observed_generation={observed} status_version=1 ready={ready} replicas=2 source=cache {_OF.format(generation=generation)}"
    return f"{at} workloads-1/rollout workload/risk-api workload.promoted {facts}"
