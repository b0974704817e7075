"""One decision on a terminal: when, by whom, what, and what it had seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from timeline.terminal import Part, print_parts

if TYPE_CHECKING:
    from timeline.story import Decided

OFFSET = 12
"""Columns of the time since the log began."""
BAD = {"conflict", "rejected", "refused", "failed", "unknown", "timeout", "lost"}
"""Outcomes and ends of kinds that an eye should stop at."""

_LINE = re.compile(r"\s*(?P<at>\S+)(?P<actor>  \S+)(?P<subject>\s+\S+)(?P<kind>\s+\S+)(?P<rest>.*)", re.DOTALL)


def print_decided(decided: Decided) -> None:
    """Print a decision in the notation, what it had seen behind it. On a terminal, what is too wide goes on below."""
    seen: list[Part] = [f"  saw {'; '.join(decided.seen)}"] if decided.seen else []
    match = _LINE.fullmatch(decided.line)
    if match is None:
        print_parts(decided.line, *seen, hang=OFFSET + 2)
        return
    word = re.split(r"[._]", decided.event.kind)[-1]
    look = "bad" if word in BAD or decided.event.outcome in BAD else "what"
    at: Part = (match["at"].rjust(OFFSET), "aside")
    print_parts(at, (match["actor"], "who"), match["subject"], (match["kind"], look), match["rest"], *seen, hang=OFFSET + 2)
