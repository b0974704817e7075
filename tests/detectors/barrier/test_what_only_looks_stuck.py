"""What looks like a broken barrier and is none: each story is healthy, and long enough for a wrong detector to complain."""

from __future__ import annotations

import pytest

from tests.detectors.barrier.rounds import (
    HELD,
    OVER,
    RUN,
    UNITS,
    came_back,
    checked,
    closed,
    done,
    each,
    ended,
    opened,
    ready,
    released,
    started,
    stopped,
)
from tests.detectors.telling import found, log

AWAKE = "\n".join(checked(unit, "100s", "400s") for unit in UNITS)


LATE_MEMBER = f"""
    {opened("10s")}
    {started("11s", "k6-0", "1/3")}
    {started("11s", "k6-1", "2/3")}
    {started("12s", "k6-2", "3/3")}
    {ready("14s", "k6-0")}
    {ready("15s", "k6-1")}
    {ready("68s", "k6-2")}
    {each(released("69s", "{unit}"))}
    {each(done("90s", "{unit}"))}
    {closed("91s")}
"""

LEADER_CHANGE = f"""
    {HELD}
    15100ms juju/elections application/k6 leader.elected unit=k6-2 previous_unit=k6-0 reason=moved
    {each(released("17s", "{unit}", by="k6-2"))}
    {each(done("40s", "{unit}"))}
    {closed("41s", by="k6-2")}
"""

LOST_MEMBER = f"""
    {HELD}
    {RUN}
    {done("40s", "k6-0")}
    {done("40s", "k6-1")}
    {came_back("60s", "k6-2", "ready")}
    60s k6-2#b/charm barrier/test-1 barrier.member_done exit_code=-1 reason=lost >member:unit/k6-2
    {closed("61s", "member_failed")}
"""

STOP_IN_PROGRESS = f"""
    {HELD}
    {RUN}
    {closed("20s", "stopped")}
    {each(ended("21s", "{unit}", "stopped"))}
    {each(stopped("40s", "{unit}"))}
"""

NEXT_TEST = f"""
    {HELD}
    {RUN}
    {OVER}
    {opened("50s", test="test-2")}
    {started("51s", "k6-0", "1/3", "test-2")}
    {started("51s", "k6-1", "2/3", "test-2")}
    {started("51s", "k6-2", "3/3", "test-2")}
    {each(ready("55s", "{unit}", "test-2"))}
    {each(released("56s", "{unit}", "test-2"))}
    {each(done("80s", "{unit}", "test-2"))}
    {closed("81s", test="test-2")}
"""

RETRY_IN_FLIGHT = f"""
    {HELD}
    {released("16s", "k6-0")}
    {released("16s", "k6-1")}
    16s k6-0/charm barrier/test-1 barrier.release_failed attempt=1 outcome=unknown reason=timeout >member:unit/k6-2
    {released("16600ms", "k6-2")}
    {OVER}
"""

LONG_TEST = f"""
    {HELD}
    {RUN}
    60s k6-0/charm application/k6 barrier.start_refused unit=k6-0 counted=1 reason=already_running >counted:unit/k6-2
    {each(done("130s", "{unit}"))}
    {closed("131s")}
"""


@pytest.mark.parametrize(
    "story",
    [LATE_MEMBER, LEADER_CHANGE, LOST_MEMBER, STOP_IN_PROGRESS, NEXT_TEST, RETRY_IN_FLIGHT, LONG_TEST],
    ids=["late member", "leader change", "lost member", "stop in progress", "next test", "retry in flight", "long test"],
)
def test_what_only_looks_like_a_broken_barrier_is_silent(story: str):
    """A member that is late within its bound, a new leader, a lost pod that is accounted for, a retry, a long test."""
    assert found(log(story, AWAKE)) == []


def test_a_leader_whose_hooks_are_queued_is_silent():
    """It is told of the last readiness at once and gets to it 50 s later."""
    late = each(released("65s", "{unit}"))
    assert found(log(HELD, checked("k6-0", "20s", "60s", "ready"), late, each(done("90s", "{unit}")), closed("91s"), AWAKE)) == []
