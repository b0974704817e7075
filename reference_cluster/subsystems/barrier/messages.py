"""What crosses between Juju and a unit, inside a unit's pod, and from the leader to the k6 processes."""

from __future__ import annotations

from reference_cluster.wire import Message


class RelationChanged(Message, name="hook.relation_changed"):
    """Juju: somebody else's databag has changed. At least once for each change; several may share one."""


class LeaderElectedHook(Message, name="hook.leader_elected"):
    """Juju: this unit leads from here on."""


class UpdateStatus(Message, name="hook.update_status"):
    """Juju: the regular wake-up."""


class ReadyNotice(Message, name="hook.ready_notice"):
    """Pebble: k6 is up and answers. Wakes only the unit that it runs on."""

    barrier: str


class EndedNotice(Message, name="hook.ended_notice"):
    """Pebble: k6 has ended by itself. Wakes only the unit that it runs on."""

    barrier: str
    exit_code: int


class StartTest(Message, name="action.start"):
    """An operator runs the start action."""

    barrier: str
    script: str | None


class StopTest(Message, name="action.stop"):
    """An operator runs the stop action."""


class Leave(Message, name="hook.leave"):
    """Juju: the unit is taken away on purpose."""


class Elect(Message, name="juju.elect"):
    """To the controller: make this unit the leader."""

    unit: str
    reason: str


class StartService(Message, name="pebble.start"):
    """The charm to Pebble: run k6 for this barrier."""

    barrier: str
    is_paused: bool


class StopService(Message, name="pebble.stop"):
    """The charm to Pebble: stop k6."""


class Patch(Message, name="k6.patch"):
    """An HTTP PATCH to the status endpoint of a k6 process."""

    path: str
    is_paused: bool


class Status(Message, name="k6.status"):
    """The endpoint's answer. Any path is answered with 200; only the right one says whether the test is paused."""

    code: int
    is_paused: bool | None = None


class Carried(Message, name="unit.carried"):
    """It was done, or the hook ran."""
