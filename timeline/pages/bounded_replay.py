"""A replay in a process of its own, with an end: whoever waits for it is not held up by a seed that never stops or eats the machine.

The parent writes one JSON document to the child's standard input; the child answers with a line of JSON, then the event lines.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Mapping

from ingest.errors import SeedInvalid, TimelineError, UsageError
from ingest.seed import Replayed, ReplaySeed, parse_seed
from timeline.replays import run_seed

SECONDS = 60
"""Time that a replay may take."""
MEMORY_BYTES = 4 << 30
"""Address space that it may have."""
EVENTS_MAX = 500_000
"""Steps that it may make: lines of its event file."""


def run_bounded(
    seed: ReplaySeed, switches: Mapping[str, bool] | None = None, policy: Mapping[str, str] | None = None, seconds: float = SECONDS
) -> Replayed:
    """Run a seed, with switches and policy laid over its own. Raises SeedInvalid, also where it takes too long; UsageError."""
    place = f"replaying {seed.origin.run_id}"
    asked = json.dumps({"seed": seed.to_text(), "switches": dict(switches or {}), "policy": dict(policy or {})})
    try:
        ran = subprocess.run([sys.executable, "-m", __name__], input=asked.encode(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SeedInvalid(f"{place}: it has not ended after {seconds:g} s; shrink the seed, or run it with: timeline replay") from None
    head, *lines = ran.stdout.splitlines()[: EVENTS_MAX + 2] or [b""]
    if ran.returncode or not head:
        why = " ".join(ran.stderr.decode(errors="replace").split()[-40:])
        raise SeedInvalid(f"{place}: the process that ran it has ended with {ran.returncode}: {why or 'out of time or memory'}")
    answer = json.loads(head)
    if "usage" in answer:
        raise UsageError(answer["usage"])
    if "error" in answer:
        raise SeedInvalid(answer["error"])
    if len(lines) > EVENTS_MAX:
        raise SeedInvalid(f"{place}: it has made more than {EVENTS_MAX:,} events; shrink the seed, or run it with: timeline replay")
    return Replayed(lines=lines, digest=answer["digest"], trail=answer["trail"])


def main() -> None:
    """The child: read what is asked, run it, answer."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    asked = json.load(sys.stdin)
    try:
        replayed = run_seed(parse_seed(asked["seed"], "given"), asked["switches"], asked["policy"])
    except TimelineError as error:
        sys.stdout.write(json.dumps({"usage" if isinstance(error, UsageError) else "error": str(error)}) + "\n")
        return
    sys.stdout.buffer.write(json.dumps({"digest": replayed.digest, "trail": replayed.trail}).encode() + b"\n")
    sys.stdout.buffer.writelines(line.rstrip(b"\n") + b"\n" for line in replayed.lines)


if __name__ == "__main__":
    main()
