"""What is decided about a whole gang. Its jobs have events of their own in the same transaction."""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class GangSubmitted(Decision, kind="gang.submitted", subject="gang"):
    """A gang was accepted; its members are blocked until all can be placed at once."""

    size: int
    """Members of the gang."""
    priority: int
    """The higher, the earlier among gangs of the same size."""


class GangAdmissionRefused(Decision, kind="gang.admission_refused", subject="gang", outcome="rejected"):
    """A gang that waits could not be placed at this tick; the refusal lists the workers that it counted. Reason: no_capacity."""

    size: int
    """Members of the gang: workers that it needs."""
    fitting: int
    """Active workers that have room for a member."""
    active: int
    """Active workers."""


class GangReserved(Decision, kind="gang.reserved", subject="gang"):
    """All members were placed at once, each on a worker of its own."""

    size: int
    """Members of the gang."""
    reservation: int
    """Number of the reservation, counted up for each gang."""


class GangReserveMissed(Decision, kind="gang.reserve_missed", subject="gang", outcome="conflict failed unknown"):
    """A placement was not written: a member had moved on, or the store did not answer."""

    reservation: int
    """Number that the reservation would have had."""
    fence: str
    """Which part of a row was not as expected; empty where the store did not answer."""
    want: str
    """What the tick had seen."""
    got: str
    """What the row said."""


class GangRolledBack(Decision, kind="gang.rolled_back", subject="gang"):
    """Reservations that no worker claimed in time were taken back. Reason: reservation_timeout."""

    reservation: int
    """Number of the reservation that ended."""
    age_us: Micros
    """Age of the reservation."""
    unclaimed: int
    """Members that were still reserved; the refs `member` and `worker` name them."""
    running: int
    """Members that ran at that moment."""


class GangDrainStarted(Decision, kind="gang.drain_started", subject="gang"):
    """A round begins in which all running members save their work and stop. The epoch is the round's number.
    Reasons: reported_failure, stale, reservation_timeout."""

    triggered_by: str
    """The job that began it."""
    draining: int
    """Members that are preempting from now on."""
    transitioned: int
    """Members whose state was changed."""


class GangDrainMissed(Decision, kind="gang.drain_missed", subject="gang", outcome="conflict failed unknown"):
    """A round was not begun or not ended, because a member had moved on or the store did not answer; it is tried again."""

    fence: str
    """Which part of a row was not as expected; empty where the store did not answer."""
    want: str
    """What the writer had seen."""
    got: str
    """What the row said."""


class GangDrainCompleted(Decision, kind="gang.drain_completed", subject="gang"):
    """Nobody of the gang runs any more: the round is over. Reasons: to_be_readmitted, retries_exhausted, member_ended."""

    result: str
    """State that all members have now, apart from those that had ended before: blocked, failed."""
    age_us: Micros
    """How long the round took."""
