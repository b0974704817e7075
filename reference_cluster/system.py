"""A system is what a scenario sets up: its initial rows, its processes, and what becomes of them.

A system knows its programs and no driver. `Host` is what any driver offers it: the simulator today.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from ingest.errors import UsageError
from reference_cluster.effects import Program
from reference_cluster.records import Put, Row
from reference_cluster.scenario import Chance
from reference_cluster.wire import Message


class Host(Protocol):
    """Where a system runs."""

    def stream(self, purpose: str) -> Chance:
        """The generator of one purpose: a draw for one never disturbs another. Use `draw`, which is the same in every Python."""

    def write(self, put: Put) -> None:
        """Write an initial row, as somebody outside of the system."""

    def rows(self, table: str) -> list[Row]:
        """The rows of a table as they are now, in order of key."""

    def start(self, instance: str, component: str, main: Callable[[str], Program]) -> str:
        """Start a process under a new incarnation, which is given to `main` and back. An older incarnation goes on beside it."""

    def spawn(self, incarnation: str, component: str, program: Program) -> None:
        """Run one more program in a process that there is."""

    def after(self, delay_us: int, act: Callable[[], object]) -> None:
        """Call `act` so much later."""

    def post(self, address: str, message: Message) -> None:
        """Send a message from outside; nobody waits for a reply."""

    def incarnation(self, instance: str) -> str | None:
        """The latest incarnation of an instance; None where it is not alive."""

    def instance(self, incarnation: str) -> str | None:
        """The instance whose living incarnation this is; None where it is not alive."""


class System(ABC):
    """Base of the systems. A family overrides what it needs."""

    def __init__(self, host: Host) -> None:
        self.host = host

    @abstractmethod
    def boot(self) -> None:
        """Write the initial rows and start the processes."""

    def ended(self, instance: str, incarnation: str, why: str) -> None:  # noqa: B027  # a hook: a system may have nothing to do
        """A process crashed or exited; another may be started."""

    def resolve(self, target: str) -> str | None:
        """The glob of instances or actors that a fault's target means at this moment; None where it means nobody."""
        return target

    def rollout(self, instance: str) -> None:
        """Start the successor of a process, and ask the old one to stop. Raises UsageError where the system knows no such thing."""
        raise UsageError(f"rolling out {instance}: the processes of this system are not rolled out; plan a crash instead")
