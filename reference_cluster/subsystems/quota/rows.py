"""The rows of the family: their life cycles, their names, and the events about them.

A reservation is named for what it is for: replica, generation and intent. So a retry meets the first one instead of
making a second, whatever the retrier knows (the lesson: reuse, confirm, or conflict).
"""

from __future__ import annotations

from typing import Any

from ingest.events.base import Decision, Input, Ref
from ingest.events.quota import NodeState, QuotaRow, ReplicaMove
from reference_cluster.effects import Said
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.records import Row

REPLICA = Lifecycle(
    "quota_replica",
    {
        "pending": {"bind": "bound", "delete": "gone"},
        "bound": {"start": "running", "evict": "pending", "delete": "gone"},
        "running": {"evict": "pending", "delete": "gone"},
        "gone": {},
    },
)
RESERVATION = Lifecycle(
    "quota_reservation",
    {
        "active": {"bind": "bound", "release": "released"},
        "bound": {"release": "released"},
        "released": {},
    },
)
NODE = Lifecycle("quota_node", {"requested": {"boot": "ready"}, "ready": {"remove": "removed"}, "removed": {}})


def quota_of(row: Row) -> str:
    """The quota that a replica takes from."""
    return f"{row.text('tenant')}.{row.text('zone')}"


def reservation_name(replica: Row) -> str:
    """The one name that a reservation of this identity can have."""
    return f"res-{replica.key}-g{replica.number('generation')}-{replica.text('intent')}"


def binding_name(replica: Row) -> str:
    """The one name that a binding of this replica can have."""
    return f"bind-{replica.key}"


def free(quota: Row) -> int:
    """Slots of a quota that nobody has."""
    return quota.number("slots") - quota.number("used")


def quota_facts(quota: Row, taken: int) -> dict[str, Any]:
    """The quota as it is after so many slots more were taken, for a `QuotaRow`."""
    facts = {"quota": quota.key, "quota_version": quota.version + 1, "slots": quota.number("slots"), "used": quota.number("used") + taken}
    assert set(facts) == set(QuotaRow.model_fields)
    return facts


def node_facts(node: Row) -> dict[str, Any]:
    """The node as its row has it, for a `NodeState`."""
    return {name: node[name] for name in NodeState.model_fields}


def move_facts(replica: Row, move: str) -> dict[str, Any]:
    """The move of a replica by its life cycle, for a `ReplicaMove`."""
    phase = replica.text("phase")
    facts = {"from_phase": phase, "to_phase": REPLICA.target(replica.key, phase, move), "role": replica.text("role")}
    assert set(facts) == set(ReplicaMove.model_fields)
    return facts


def said_of(
    replica: Row,
    decision: Decision,
    subject: str | None = None,
    *,
    node: str | None = None,
    term: int | None = None,
    reason: str | None = None,
    outcome: str | None = None,
    inputs: tuple[Input, ...] = (),
) -> Said:
    """An event about a replica, or about something (`subject`) that is the replica's."""
    refs = [Ref(role="workload", kind="workload", id=replica.text("workload")), Ref(role="quota", kind="quota", id=quota_of(replica))]
    if subject is not None:
        refs.append(Ref(role="replica", kind="replica", id=replica.key))
    if node is not None:
        refs.append(Ref(role="node", kind="node", id=node))
    return Said(
        decision,
        subject or replica.key,
        refs=tuple(refs),
        reason=reason,
        outcome=outcome,
        workload=replica.text("workload"),
        generation=replica.number("generation"),
        epoch=term or None,
        inputs=inputs,
    )
