"""The messages that reach the controllers from outside: what people and the world ask of them."""

from __future__ import annotations

from reference_cluster.wire import Message


class Admit(Message, name="workload.admit"):
    """Let a generation of a workload in."""

    workload: str
    generation: int
    replicas: int


class Retire(Message, name="workload.retire"):
    """The workload is not wanted any more."""

    workload: str


class ApplyPolicy(Message, name="policy.apply"):
    """Bring a revision of the admission policy into force; an earlier one than that in force is a rollback."""

    revision: int


class SetQuota(Message, name="quota.set"):
    """Give a tenant so many slots in a zone."""

    quota: str
    slots: int


class SetHealth(Message, name="node.health"):
    """A node fell ill, or is well again."""

    node: str
    healthy: bool
