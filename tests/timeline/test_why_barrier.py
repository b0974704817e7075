"""Why tests wait at their barrier: each story and where the time went, in seconds."""

from __future__ import annotations

from tests.detectors.barrier.rounds import HELD, RUN, UNITS, attempted, checked, closed, done, opened, ready, released, started
from tests.detectors.conftest import stories  # noqa: F401  tells the stories of this file in one database
from tests.detectors.telling import log
from tests.timeline.waits import about, spent

TEST = "barrier/test-1"


def led(at: str, unit: str) -> str:
    """Juju makes a unit the leader."""
    return f"{at} juju/elections application/k6 leader.elected unit={unit}"


def test_a_test_waits_for_the_last_member_to_start_and_to_be_ready_then_for_its_leader():
    """The third member starts last, the first is ready last; the leader releases a second after that, and closes a second late."""
    begun = (opened("10s"), started("11s", "k6-0"), started("11s", "k6-1"), started("13s", "k6-2"))
    held = (*begun, ready("14s", "k6-2"), ready("15s", "k6-1"), ready("18s", "k6-0"))
    over = (*(released("19s", unit) for unit in UNITS), *(done("40s", unit) for unit in UNITS), closed("41s"))
    story = log(led("1s", "k6-0"), *held, *over)
    assert spent(story, TEST) == [
        ("member_not_started", 3), ("member_not_ready", 5), ("not_released", 1), ("running", 21), ("not_closed", 1),
    ]  # fmt: skip
    said = about(story, TEST)
    assert said["member_not_started"] == ("unit/k6-2", "the last to come")
    assert said["member_not_ready"] == ("unit/k6-0", "the last to come")
    assert said["not_released"] == said["not_closed"] == ("unit/k6-0", None)


def test_a_test_that_the_new_leader_does_not_release_waits_for_that_leader_until_the_log_ends():
    """All were ready at 15s; the leadership moved at 17s, and since then nobody has told a member to go on."""
    story = log(led("1s", "k6-0"), HELD, led("17s", "k6-2"), checked("k6-1", "20s", "120s", "ready"))
    assert spent(story, TEST)[2:] == [("not_released", 2), ("not_released", 103)]
    assert about(story, TEST)["not_released"] == ("unit/k6-0", None)


def test_a_member_that_never_comes_is_named_and_how_many_there_are():
    """Two of three have not come when the leader gives the test up; who would have been the last of them nobody knows."""
    story = log(opened("10s"), started("12s", "k6-1"), checked("k6-0", "20s", "60s"), closed("75s", "deadline"))
    assert spent(story, TEST) == [("member_not_started", 65)]
    assert about(story, TEST) == {"member_not_started": ("unit/k6-0", "members that never came: 2")}


def test_a_release_that_does_not_reach_everybody_waits_for_the_member_that_does_not_run():
    story = log(HELD, released("16s", "k6-0"), released("16s", "k6-1"), attempted("16s", "k6-2"), closed("30s", "release_failed"))
    assert spent(story, TEST)[2:] == [("not_released", 1), ("releasing", 14)]
    assert about(story, TEST)["releasing"] == ("unit/k6-2", "members that never came: 1")


def test_a_barrier_without_its_opening_has_no_ledger():
    """Whom it waited for the log does not say."""
    assert spent(log(RUN, closed("41s")), TEST) == []
