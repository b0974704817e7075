"""Election: who leads, by a lease with a term.

The attempt and its result are two events, because a leader that is gone and a leader that nobody tries to replace
look alike otherwise (duckgres pull 820: an elector that ran once).
"""

from __future__ import annotations

from ingest.events.base import Decision, Micros


class LeaseTimings(Decision):
    """The timings that an elector runs with, echoed with each attempt."""

    duration_us: Micros
    """How long the lease is good for after each renewal."""
    renew_deadline_us: Micros
    """How long a leader goes on trying to renew before it gives up leading."""
    retry_us: Micros
    """How long an elector waits between two tries."""
    backoff_us: Micros
    """How long an elector waits before it stands for election again after losing."""


class LeaseAttempted(LeaseTimings, kind="lease.attempted", subject="lease", outcome="attempted"):
    """A replica tries to become the leader."""


class LeaseAcquired(Decision, kind="lease.acquired", subject="lease"):
    """The lease was granted: the holder leads from here on."""

    holder: str
    """Control plane that holds the lease."""
    term: int
    """Number of this leadership; the fencing epoch of what the leader does."""
    previous_holder: str | None = None
    """Who held it before, if anybody did."""


class LeaseRefused(Decision, kind="lease.refused", subject="lease", outcome="rejected failed"):
    """An attempt ended without the lease: another holds it, or the store did not answer."""

    holder: str | None = None
    """Control plane that holds the lease, as far as the store said."""


class LeaseRenewed(Decision, kind="lease.renewed", subject="lease"):
    """The holder renewed its lease in time."""

    holder: str
    """Control plane that holds the lease."""
    term: int
    """Number of this leadership."""


class LeaseRenewFailed(Decision, kind="lease.renew_failed", subject="lease", outcome="failed rejected"):
    """One try to renew failed; the holder goes on trying until its renew deadline."""

    holder: str
    """Control plane that holds the lease."""
    term: int
    """Number of this leadership."""
    since_renewal_us: Micros
    """Time since the last renewal that worked, by the holder's own clock."""


class LeaseLost(Decision, kind="lease.lost", subject="lease", outcome="observed"):
    """The holder gave up leading: it could not renew in time, or another has taken over."""

    holder: str
    """Control plane that held the lease."""
    term: int
    """Number of the leadership that ended."""


class LeaseReleased(Decision, kind="lease.released", subject="lease"):
    """The holder gave the lease back on purpose, at a clean stop."""

    holder: str
    """Control plane that held the lease."""
    term: int
    """Number of the leadership that ended."""


class LeaseObservedExpired(Decision, kind="lease.observed_expired", subject="lease", outcome="observed"):
    """A contender saw that the lease of another had run out."""

    holder: str
    """Control plane whose lease ran out."""
    term: int
    """Number of the leadership that ran out."""
