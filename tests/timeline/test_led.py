"""Who led: leases, loops that promise to sweep, incarnations, missing events, and the sentence about them."""

from __future__ import annotations

from tests.story import START_US, story
from timeline.drawn.led import Led, led_by
from timeline.pages import led
from timeline.pages.charts import swim_lanes

SECOND = 1_000_000
HANDOVER = """
    0s    cp-1/elector  lease/janitor  lease.acquired  holder=cp-1-a
    10s   cp-1/elector  lease/janitor  lease.lost      holder=cp-1-a
    25s   cp-2/elector  lease/janitor  lease.acquired  holder=cp-2-a
    40s   cp-2/pool     worker/w-1     worker.spawned
"""
SWEEPS = """
    0s    cp-1#a/janitor  control_plane/cp-1-a  sweep.started  sweep=janitor scope=fleet interval=5s
    5s    cp-1#a/janitor  control_plane/cp-1-a  sweep.started  sweep=janitor scope=fleet interval=5s
    60s   cp-1#b/janitor  control_plane/cp-1-b  sweep.started  sweep=janitor scope=fleet interval=5s
    62s   cp-1#b/janitor  control_plane/cp-1-b  sweep.started  sweep=janitor scope=fleet interval=5s
"""


def led_in(text: str) -> Led:
    return led_by(story(text), "run")


def test_who_held_a_lease_and_for_how_long_nobody_did():
    told = led_in(HANDOVER)
    assert led.answer(told).startswith("The lease janitor was held 2 times by 2 holders; nobody held it for 15s of 40s.")
    rows = [(str(getattr(row[1], "text", row[1])), *row[4:]) for row in led.leaderships(told)]
    assert rows == [("cp-1-a", "10s", "lost", "15s"), ("cp-2-a", "15s", "still leads", "")]


def test_a_lease_that_nobody_takes_again_is_vacant_to_the_end_of_the_log():
    told = led_in("\n".join(HANDOVER.splitlines()[:3]) + "\n 100s cp-2/pool worker/w-1 worker.spawned")
    assert "at last for 1m30s to the end of the log" in led.answer(told)


def test_a_loop_is_late_when_no_pass_begins_within_two_intervals():
    """Whoever runs it: 55 seconds without a pass of a loop of 5 seconds, from the end of its patience to the next pass."""
    told = led_in(SWEEPS)
    late = told.lanes.stretches.filter(panel="loop", state="late").select("ts_us", "until_us").rows()
    assert late == [(START_US + 15 * SECOND, START_US + 60 * SECOND)]
    assert "1 of 1 loop fell silent: the longest is 55s without a pass of janitor." in led.answer(told)


def test_incarnations_of_an_instance_share_its_lane():
    told = led_in(SWEEPS)
    assert told.lanes.lanes.filter(panel="process")["id"].to_list() == ["cp-1"]
    assert [row[:2] for row in led.incarnations(told)] == [("cp-1", "cp-1-a"), ("cp-1", "cp-1-b")]
    assert "2 incarnations of 1 instance took part." in led.answer(told)


def test_missing_events_are_counted_and_lie_in_the_lane_of_their_process():
    told = led_in("0s cp-1/pool worker/w-1 worker.spawned seq=1\n9s cp-1/pool worker/w-1 worker.parked seq=5")
    assert "3 events of 1 actor are missing." in led.answer(told)
    assert told.lanes.stretches.filter(panel="gap").select("id", "whom").rows() == [("cp-1", "cp-1/pool")]
    assert led.gaps(told)[0][2] == "2 to 4"


def test_a_log_without_leaders_says_so_and_still_shows_who_was_there():
    told = led_in("0s cp-1/pool worker/w-1 worker.spawned\n9s cp-1/pool worker/w-1 worker.parked")
    assert led.answer(told).startswith("Nothing is led here")
    assert swim_lanes(told.lanes, title=led.TITLE).to_dict()["title"]["text"] == led.TITLE[0]


def test_a_lane_leads_to_what_happened_to_its_object():
    leads = led.leads(led_in(HANDOVER))
    assert leads("lease", "a&b") == "/what_happened?run=run&object=lease/a%26b"
    assert leads("loop", "janitor") is None
