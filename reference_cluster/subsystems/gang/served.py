"""What a scheduler answers to a request that it will not grant."""

from __future__ import annotations


class Refused(Exception):
    """A 409: the sender gets the reason and need not try again. `unavailable` is no such answer: try again, elsewhere."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
