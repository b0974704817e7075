"""What the truth file says of harm that takes time: somebody outside looks at the rows once a second and notes it.

Nothing in the run depends on it, and it runs only where a bug is on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from reference_cluster.bugs import Bug, Lasting, Switches
from reference_cluster.records import Row
from reference_cluster.subsystems.gang.admission import ROLLBACK_ONLY_RESERVED, UNSIZED_GANGS_TAKE_NO_ROOM
from reference_cluster.subsystems.gang.drain import PARTIAL_COMPLETION_KEPT
from reference_cluster.subsystems.gang.offers import PLAIN_JOBS_NOT_COUNTED
from reference_cluster.subsystems.gang.scenario import Config
from reference_cluster.subsystems.gang.scheduler import GAUGE_KEPT_ON_ERROR, TICK_UNBOUNDED, Scheduler
from reference_cluster.subsystems.gang.unblock import DEPENDENTS_LEFT_BLOCKED, waits_for
from reference_cluster.system import Host

INTERVAL_US = 1_000_000
MARGIN_US = 5_000_000


class Audit:
    """Notes a bug as struck when what it causes has lasted for longer than any detector waits."""

    def __init__(self, host: Host, switches: Switches, config: Config, schedulers: dict[str, Scheduler]) -> None:
        self._host = host
        self._switches = switches
        self._config = config
        self._schedulers = schedulers
        self._lasting = Lasting(INTERVAL_US)

    def look(self) -> None:
        """Look once."""
        self._lasting.look()
        gangs: dict[str, list[Row]] = defaultdict(list)
        jobs = self._host.rows("job")
        for row in jobs:
            if row["gang"] is not None:
                gangs[row.text("gang")].append(row)
        config = self._config
        half_in_us = config.reservation_timeout_us + 3 * config.admission_tick_us + MARGIN_US
        three_ticks_us = 3 * config.reaper_tick_us + MARGIN_US
        half_in = self._lasting.longer(half_in_us, "half in", (gang for gang, members in gangs.items() if _half_in(members)))
        half_done = (gang for gang, members in gangs.items() if _half_done(members))
        failed = {row.key for row in jobs if row["state"] == "failed"}
        starved = (row.key for row in jobs if row["state"] == "blocked" and failed.intersection(waits_for(row)))
        self._struck(ROLLBACK_ONLY_RESERVED, half_in)
        self._struck(UNSIZED_GANGS_TAKE_NO_ROOM, half_in if len(half_in) > 1 else [])
        self._struck(PARTIAL_COMPLETION_KEPT, self._lasting.longer(three_ticks_us, "half done", half_done))
        self._struck(DEPENDENTS_LEFT_BLOCKED, self._lasting.longer(three_ticks_us, "starved", starved))
        churned = (gang for gang, members in gangs.items() if all(_reserved_in_vain(member) >= 3 for member in members))
        self._struck(PLAIN_JOBS_NOT_COUNTED, churned)
        self._look_at_schedulers()

    def _look_at_schedulers(self) -> None:
        for s in self._schedulers.values():
            alive = self._host.incarnation(s.instance) == s.id
            loops = s.loops.values() if alive else ()
            hung = [loop.name for loop in loops if loop.tick is not None]
            lasting = self._lasting.longer(4 * self._config.reaper_tick_us, f"hung {s.id}", hung)
            self._struck(TICK_UNBOUNDED, [s.id] if lasting else [])
            shows = [s.id] if alive and s.shows_leader and s.asked_in_vain else []
            self._struck(GAUGE_KEPT_ON_ERROR, self._lasting.longer(3 * self._config.reaper_tick_us, f"shows {s.id}", shows))

    def _struck(self, bug: Bug, targets: Iterable[str]) -> None:
        for target in targets:
            self._switches.struck(bug, target)


def _states(members: list[Row]) -> set[str]:
    return {member.text("state") for member in members}


def _half_in(members: list[Row]) -> bool:
    """Some run, some wait, and no round is open."""
    states = _states(members)
    return "running" in states and bool(states & {"blocked", "pending"}) and not states & {"preempting", "preempted"}


def _half_done(members: list[Row]) -> bool:
    """Some have ended, some wait, and nobody runs."""
    states = _states(members)
    return bool(states & {"done", "failed"}) and "blocked" in states and states <= {"done", "failed", "blocked"}


def _reserved_in_vain(member: Row) -> int:
    """How often a member was reserved and taken back, as long as nobody has ever claimed it."""
    ended = member.number("reservation") - (member["state"] == "reserved")
    return ended if member["claim"] == 0 else 0
