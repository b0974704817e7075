"""What looks like a defect of the quota family and is none: healthy stories that every detector judges, and none may find."""

from __future__ import annotations

from tests.detectors.quota.words import (
    CONFIGURED,
    admitted,
    bound,
    deleted,
    promoted,
    quota,
    released,
    reported,
    requested,
    reserved,
    scanned,
    started,
    unbound,
    unschedulable,
)
from tests.detectors.telling import found, log

CONFLICT = 'replica=r-1 fence=version want="2" got="3" workload=risk-api generation=42'


def test_losers_of_a_race_for_a_slot():
    """They conflict, read again, and take another slot or wait."""
    lost = "\n".join(f"{at}s scheduler-1/scheduler reservation/res-a reservation.conflicted {CONFLICT}" for at in (10, 11, 12))
    won = (reserved("13s", "res-a", version=4), bound("14s", "b-1", "node-1"), started("15s", "r-1"))
    assert found(log(CONFIGURED, quota("5s", 1, 4), lost, *won, scanned("2s", "60s"))) == []


def test_planned_rescheduling_with_unbind_first():
    first = (reserved("10s", "res-a"), bound("11s", "b-1", "node-1"), started("12s", "r-1"))
    moved = (unbound("20s", "b-1", "node-1"), released("20s", "res-a", reason="evicted"))
    again = (reserved("21s", "res-a", version=4), bound("22s", "b-1", "node-2"), started("23s", "r-1"))
    assert found(log(CONFIGURED, quota("5s", 1, 4), *first, *moved, *again, scanned("2s", "60s"))) == []


def test_quota_that_changes_inside_the_promised_lag():
    """No room is said, and a node ordered, within the second in which nobody can know better."""
    early = (unschedulable("10300ms", 1), requested("10600ms", "n-1"))
    assert found(log(CONFIGURED, quota("5s", 1, 0), quota("10s", 2, 4), *early, scanned("2s", "60s"))) == []


def test_late_watch_that_is_corrected_before_a_decision():
    """The cache was 20 s old; what was decided was read in the store."""
    told = (quota("5s", 1, 0), unschedulable("6s", 1, source="store"), quota("10s", 2, 4), reserved("30s", "res-a", version=3))
    assert found(log(CONFIGURED, *told, bound("31s", "b-1", "node-1"), scanned("2s", "60s"))) == []


def test_roll_out_that_ends_the_old_when_the_new_one_runs():
    """What it leaves behind is taken back within a few scans."""
    old = (admitted("5s", 41), reserved("6s", "res-a", generation=41), bound("7s", "b-1", "node-1"), reported("9s", 41, ready=2))
    new = (admitted("20s", 42), reported("25s", 42, ready=2, version=2), promoted("26s", 42, observed=42), deleted("27s"))
    swept = (unbound("32s", "b-1", "node-1"), released("32s", "res-a"))
    assert found(log(CONFIGURED, *old, *new, *swept, scanned("2s", "60s"))) == []


def test_deletion_while_repair_restarts():
    """Nobody scans for half a minute; the first scans after that take the room back."""
    left = (reserved("6s", "res-a"), deleted("20s"), released("51s", "res-a"))
    assert found(log(CONFIGURED, *left, scanned("2s", "18s"), scanned("50s", "80s"))) == []
