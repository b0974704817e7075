"""When a finding could first be known: not before the log proves it, and then at once."""

from __future__ import annotations

import pytest

from tests.story import SECOND, START_US, story
from timeline.findings import detect
from timeline.gauges import measure, moments_us
from timeline.gauges.known import known_at

LEAK = """
    0s    cp-1/control_plane  control_plane/cp-1-a  control_plane.started
    0s    cp-1/control_plane  control_plane/cp-1-a  config.declared  hot_idle_ttl_us=60000000 fallback_tick_us=60000000
    1s    cp-1/pool           worker/w-1            worker.slot_created
    2s    cp-1/pool           worker/w-1            worker.spawned
    3s    cp-1/pool           worker/w-1            worker.assigned
    4s    cp-1/pool           worker/w-1            worker.activated
    5s    cp-1/pool           worker/w-1            worker.parked  ttl_us=60000000
    600s  cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
"""
BEATS = "\n".join(f"    {second}s  cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated" for second in range(10, 600, 10))
STALE = "warm_pool/stale_hot_idle"


def test_a_leak_is_known_when_it_is_proven_and_not_when_it_began():
    """The worker was parked at 5 s; its minute, two passes of the reaper and the grace have to go by before it counts."""
    log = story("\n".join([*LEAK.rstrip().splitlines()[:-1], BEATS, LEAK.rstrip().splitlines()[-1]]))
    (leak,) = (finding for finding in detect(log, [STALE]).findings if finding.verdict == "found")
    moments = moments_us(START_US, START_US + 600 * SECOND, 10 * SECOND)
    known_us = known_at(log, [leak], moments)[leak.finding_id]
    as_of = [detect(log, [STALE], as_of_us=moment).verdicts[STALE] for moment in (known_us - 10 * SECOND, known_us)]
    assert as_of == ["pending", "found"]
    assert (leak.since - START_US) // SECOND < 70 < (known_us - START_US) // SECOND
    gauges = {gauge.name: gauge.samples for gauge in measure(log, "run", detect(log, [STALE]), 10 * SECOND, {leak.finding_id: known_us})}
    for name in ("timeline_findings", "timeline_detections_total"):
        counted = gauges[name].filter(gauges[name]["value"] > 0)["at_us"]
        assert (counted.min(), counted.max()) == (known_us, START_US + 600 * SECOND)


@pytest.mark.parametrize("step", [1, 7, 60, 599])
def test_halving_finds_the_moment_that_looking_at_each_would_find(step: int):
    """In a log that says nothing for ten minutes, whatever the step: the last moment, where its end proves the leak."""
    log = story(LEAK)
    (leak,) = (finding for finding in detect(log, [STALE]).findings if finding.verdict == "found")
    moments = moments_us(START_US, START_US + 600 * SECOND, step * SECOND)
    assert known_at(log, [leak], moments) == {leak.finding_id: START_US + 600 * SECOND}


def test_nothing_is_judged_where_nothing_was_found():
    assert known_at(story(LEAK), [], [START_US]) == {}
