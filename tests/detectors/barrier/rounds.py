"""What the stories about barriers share: the lines of one barrier, each step at its time, with the causes that join them.

The bounds are those of the reference cluster: ready 60 s, release 5 s, run 120 s, skew 1 s, settle 25 s, wake-up 10 s, leader
lease 15 s, hook retry 30 s; so the leader's duty is overdue after 65 s.
"""

from __future__ import annotations

from ingest.duration import duration, microseconds

BOUNDS = "ready_bound=60s release_bound=5s run_bound=120s skew_tolerance=1s settle_bound=25s tick=10s leader_lease=15s hook_retry=30s"
UNITS = ("k6-0", "k6-1", "k6-2")


def opened(at: str, units: tuple[str, ...] = UNITS, test: str = "test-1", by: str = "k6-0") -> str:
    """A test is started with these members."""
    members = " ".join(f">member:unit/{unit}" for unit in units)
    return f"{at} {by}/charm barrier/{test} barrier.opened script=browse.js expected={len(units)} {BOUNDS} id=opened-{test} {members}"


def started(at: str, unit: str, part: str = "1/3", test: str = "test-1") -> str:
    """A unit starts its part, and its k6 comes up and holds."""
    segment, _, segments = part.partition("/")
    return f"""
        {_said(at, unit, "charm", "member_started", f"segment={segment} segments={segments}", test)}
        {_said(at, unit, "k6", "process_started", "is_paused=true", test, cause="member_started")}
    """


def ready(at: str, unit: str, test: str = "test-1") -> str:
    """A unit's databag says that it holds."""
    return _said(at, unit, "charm", "member_ready", "", test)


def ran(at: str, unit: str, test: str = "test-1") -> str:
    """A unit's k6 runs, and nobody had told it to; its readiness is the effect of it."""
    return f"""
        {_said(at, unit, "k6", "member_running", "", test, cause="process_started")}
        {_said(at, unit, "charm", "member_ready", "", test, cause="member_running")}
    """


def attempted(at: str, unit: str, test: str = "test-1", by: str = "k6-0") -> str:
    """The leader tells a member to go on."""
    return _said(at, unit, "charm", "release_attempted", "attempt=1", test, by=by)


def released(at: str, unit: str, test: str = "test-1", by: str = "k6-0") -> str:
    """The leader tells a member to go on, it runs, and it says so."""
    return f"""
        {attempted(at, unit, test, by)}
        {_said(at, unit, "k6", "member_running", "", test, cause="release_attempted")}
        {_said(at, unit, "charm", "release_acked", "status_code=200 is_paused=false", test, cause="member_running", by=by)}
    """


def acked(at: str, unit: str, test: str = "test-1") -> str:
    """The leader tells a member to go on, and it answers 200, without a word about its state."""
    return f"""
        {attempted(at, unit, test)}
        {_said(at, unit, "charm", "release_acked", "status_code=200", test, by="k6-0")}
    """


def done(at: str, unit: str, test: str = "test-1") -> str:
    """A unit's k6 has ended by itself, and its databag says so."""
    return f"""
        {ended(at, unit, "finished", test)}
        {_said(at, unit, "charm", "member_done", "exit_code=0 reason=finished", test, cause="process_ended")}
    """


def ended(at: str, unit: str, reason: str, test: str = "test-1") -> str:
    """A unit's k6 has ended."""
    return _said(at, unit, "k6", "process_ended", f"exit_code=0 reason={reason}", test)


def stopped(at: str, unit: str, test: str = "test-1") -> str:
    """A unit's databag says that its part was stopped."""
    return _said(at, unit, "charm", "member_stopped", "", test)


def closed(at: str, reason: str = "done", test: str = "test-1", by: str = "k6-0") -> str:
    """The leader clears the barrier."""
    return f"{at} {by}/charm barrier/{test} barrier.closed expected=3 missing=0 reason={reason}"


def checked(unit: str, since: str, until: str, status: str = "idle", pod: str = "a") -> str:
    """A unit's wake-ups, every 10 s."""
    first, last = (microseconds(moment) or 0 for moment in (since, until))
    own = f"is_leader=false status={status} barrier_state=clear expected=0 ready=0 done=0 reason=update_status"
    return "\n".join(f"{duration(at)} {unit}#{pod}/charm unit/{unit} unit.checked {own}" for at in range(first, last + 1, 10_000_000))


def came_back(at: str, unit: str, found: str) -> str:
    """A unit's pod is replaced by another, which finds the databag of the one before."""
    return f"{at} {unit}#b/charm unit/{unit} unit.started endpoint={unit}/api found_status={found}"


def each(step: str, units: tuple[str, ...] = UNITS) -> str:
    """The same line for several units; `{unit}` is the unit."""
    return "\n".join(step.replace("{unit}", unit) for unit in units)


def _said(at: str, unit: str, component: str, what: str, own: str, test: str, cause: str = "", by: str | None = None) -> str:
    """A line about a member. `cause` is the step of the same member that led to it."""
    because = f"<{cause}-{unit}-{test}" if cause else ""
    actor = f"{by or unit}/{component}"
    return f"{at} {actor} barrier/{test} barrier.{what} {own} id={what}-{unit}-{test} >member:unit/{unit} {because}"


HELD = "\n".join([
    opened("10s"), *(started("11s", unit, f"{number}/3") for number, unit in enumerate(UNITS, 1)), *(ready("15s", unit) for unit in UNITS)
])  # fmt: skip
"""Three members that are ready at 15 s."""
RUN = "\n".join(released("16s", unit) for unit in UNITS)
"""Their release at 16 s."""
OVER = "\n".join([*(done("40s", unit) for unit in UNITS), closed("41s")])
"""Their end, and that of the barrier."""
