"""How workers and clients reach the schedulers: any of them answers, one after the other is asked."""

from __future__ import annotations

from dataclasses import dataclass

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Sleep
from reference_cluster.subsystems.gang.served import Refused
from reference_cluster.wire import Message


@dataclass
class Door:
    """The schedulers' common address."""

    schedulers: tuple[str, ...]
    timeout_us: int
    retry_us: int
    turn: int = 0

    async def ask(self, message: Message, reads: type[Message] | None = None, within_us: int | None = None) -> Message | None:
        """The answer; None where none came or the store was away. Raises Refused on a 409."""
        to = self.schedulers[self.turn % len(self.schedulers)]
        self.turn += 1
        timeout_us = self.timeout_us if within_us is None else max(1, min(self.timeout_us, within_us))
        try:
            return await Call(f"{to}/api", message, timeout_us, reads)
        except CallTimedOut:
            return None
        except CallRefused as refused:
            if refused.reason == "unavailable":
                return None
            raise Refused(refused.reason) from None

    async def insist(self, message: Message) -> bool:
        """Ask until there is an answer. Whether it was granted."""
        while True:
            try:
                if await self.ask(message) is not None:
                    return True
            except Refused:
                return False
            await Sleep(self.retry_us)
