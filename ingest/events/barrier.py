"""Barrier: units of one application that have to start a test at the same moment (the k6 charm).

Each unit starts its part of the test and holds it; when all hold, the leader releases all. Nothing in that protocol tells
waiting from stuck but a bound that somebody declares, so every bound is said in the log: at the start of a unit's process,
and again by each barrier that is opened. A member's events are about the barrier, with the unit as its `member`.
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class BarrierBounds(Decision):
    """How long each phase of a barrier may take, and what still counts as the same moment."""

    ready_bound_us: Micros
    """Time from the opening in which every member is to be ready; after it the leader gives the barrier up."""
    release_bound_us: Micros
    """Time from the first release in which every member is to be released."""
    run_bound_us: Micros
    """Time from the release in which every member is to be done: the longest that a test may run."""
    skew_tolerance_us: Micros
    """Time between the first and the last start of a member that still counts as the same moment."""
    settle_bound_us: Micros
    """Time in which a unit is to say that its process has ended."""
    tick_us: Micros
    """Interval at which Juju wakes every unit, whatever has happened."""
    leader_lease_us: Micros
    """Time after which Juju gives the leadership of a silent unit to another."""
    hook_retry_us: Micros
    """Time after which Juju runs a failed hook again; until then the unit runs no other."""


class BarrierConfigured(BarrierBounds, kind="barrier.configured", subject="unit", outcome="observed"):
    """The bounds that a unit's process runs with, said at its start."""


class UnitStarted(Decision, kind="unit.started", subject="unit"):
    """A unit's pod came up and wrote its endpoint to its own databag; the databag of an earlier pod is still there."""

    endpoint: str
    """Address of the status endpoint of the unit's k6."""
    found_status: str
    """What the databag said before: idle, ready, done; `new` where there was none."""


class UnitLeft(Decision, kind="unit.left", subject="unit"):
    """A unit was taken away on purpose; its databag is gone."""


class UnitChecked(Decision, kind="unit.checked", subject="unit", outcome="observed"):
    """A unit ran a hook, and found something to do or not. Reasons: relation_changed, leader_elected, update_status, ready_notice,
    ended_notice, start, stop."""

    is_leader: bool
    """Whether the unit led when the hook began."""
    status: str
    """What its own databag says: idle, ready, done."""
    barrier_state: str
    """What the application's databag says: clear, gathering, released."""
    expected: int
    """Members of the barrier that is open; 0 where none is."""
    ready: int
    """Members that are ready, as far as the unit saw."""
    done: int
    """Members that are done, as far as the unit saw."""


class UnitHookFailed(Decision, kind="unit.hook_failed", subject="unit", outcome="failed"):
    """A hook failed: nothing that it wrote is visible, and Juju will run it again. The reason is the error."""

    hook: str
    """relation_changed, leader_elected, update_status, ready_notice, ended_notice, start, stop."""


class LeaderElected(Decision, kind="leader.elected", subject="application"):
    """Juju made a unit the leader of the application. Reasons: first, unit_gone, moved."""

    unit: str
    """The new leader."""
    previous_unit: str | None = None
    """The leader before, if there was one."""


class BarrierStartRequested(Decision, kind="barrier.start_requested", subject="application", outcome="attempted"):
    """Somebody ran the start action on a unit."""

    unit: str
    """The unit that was asked."""
    script: str | None = None
    """The test to be run, if one was given."""


class BarrierStartRefused(Decision, kind="barrier.start_refused", subject="application", outcome="rejected"):
    """A start was refused. Reasons: not_leader, no_script, already_running. The units that count as busy are refs `counted`."""

    unit: str
    """The unit that refused."""
    counted: int
    """Units that were counted as busy."""


class BarrierStopRequested(Decision, kind="barrier.stop_requested", subject="application", outcome="attempted"):
    """Somebody ran the stop action on a unit."""

    unit: str
    """The unit that was asked."""


class BarrierStopRefused(Decision, kind="barrier.stop_refused", subject="application", outcome="rejected"):
    """A stop was refused. Reasons: not_leader, not_running."""

    unit: str
    """The unit that refused."""


class BarrierOpened(BarrierBounds, kind="barrier.opened", subject="barrier"):
    """A test was started: the barrier waits for its members, which are fixed from here on and stand in the refs.

    Echoes the bounds in force."""

    script: str
    """The test that is run."""
    expected: int
    """How many members it waits for."""


class BarrierMemberStarted(Decision, kind="barrier.member_started", subject="barrier", outcome="attempted"):
    """A unit starts its part of the test."""

    segment: int
    """Which part of the test the member runs, from 1."""
    segments: int
    """Into how many parts it takes the test to be split."""


class BarrierProcessStarted(Decision, kind="barrier.process_started", subject="barrier", outcome="observed"):
    """The k6 process of a member came up."""

    is_paused: bool
    """Whether it will hold before the test until it is resumed."""


class BarrierMemberReady(Decision, kind="barrier.member_ready", subject="barrier"):
    """A member holds at the barrier, and its databag says so."""


class BarrierReleaseAttempted(Decision, kind="barrier.release_attempted", subject="barrier", outcome="attempted"):
    """The leader asks a member's endpoint to resume."""

    attempt: int
    """Number of the try, from 1, in this pass of the leader."""


class BarrierReleaseAcked(Decision, kind="barrier.release_acked", subject="barrier", outcome="observed"):
    """A member's endpoint answered that all is well."""

    status_code: int
    """Its HTTP status."""
    is_paused: bool | None = None
    """Whether the member is still paused, where the answer says so."""


class BarrierReleaseFailed(Decision, kind="barrier.release_failed", subject="barrier", outcome="failed unknown"):
    """A member's endpoint refused, or did not answer."""

    attempt: int
    """Number of the try, from 1, in this pass of the leader."""


class BarrierReleased(Decision, kind="barrier.released", subject="barrier"):
    """Every member was released, and the application's databag says so."""

    expected: int
    """How many members it waited for."""


class BarrierMemberRunning(Decision, kind="barrier.member_running", subject="barrier", outcome="observed"):
    """The k6 process of a member began its part of the test."""


class BarrierProcessEnded(Decision, kind="barrier.process_ended", subject="barrier", outcome="observed"):
    """The k6 process of a member ended. Reasons: finished, stopped."""

    exit_code: int
    """Its exit code."""


class BarrierMemberDone(Decision, kind="barrier.member_done", subject="barrier"):
    """A member's part of the test is over, and its databag says so. Reasons: finished, lost (its pod went with it)."""

    exit_code: int
    """Exit code of its process; -1 where nobody has seen it."""


class BarrierMemberStopped(Decision, kind="barrier.member_stopped", subject="barrier"):
    """A member was stopped because its barrier is no more, and its databag says idle."""


class BarrierStopFailed(Decision, kind="barrier.stop_failed", subject="barrier", outcome="failed unknown"):
    """A unit could not stop its process, or does not know whether it did."""


class BarrierClosed(Decision, kind="barrier.closed", subject="barrier"):
    """The barrier is over and the application's databag is clear. Reasons: done, stopped, deadline, release_failed, run_bound,
    member_failed, member_gone. The members that were wanting are refs `missing`."""

    expected: int
    """How many members it had."""
    missing: int
    """Members that were not ready, not released or not done, whichever it waited for."""
