"""A loop that passes every 10 s is silent after three intervals, a call and a write (45 s), if its process lives on."""

from __future__ import annotations

from tests.detectors.telling import alive, judged, log, span, swept

DETECTOR = "warm_pool/silent_component"
POOL = "sweep=pool scope=instance interval=10s"
TIED = "1s cp-1/pool worker/w-1 worker.slot_created"


def test_a_pool_that_falls_silent_while_heartbeats_go_on_is_found():
    told = log(alive("cp-1", "120s"), TIED, swept("cp-1", "pool", "2s", "32s", "10s", POOL))
    says = "the loop pool of control_plane cp-1-a was silent for 1m28s, while its heartbeats went on; it promises a pass every 10s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert span(told, DETECTOR) == [("32s", None)]


def test_a_pool_that_finds_nothing_but_goes_on_sweeping_is_clean():
    assert judged(log(alive("cp-1", "120s"), TIED, swept("cp-1", "pool", "2s", "112s", "10s", POOL)), DETECTOR) == []


def test_a_pass_that_comes_just_in_time_is_clean():
    sweeps = (swept("cp-1", "pool", "2s", "32s", "10s", POOL), swept("cp-1", "pool", "76s", "116s", "10s", POOL))
    assert judged(log(alive("cp-1", "120s"), TIED, *sweeps), DETECTOR) == []


def test_a_process_that_was_paused_as_a_whole_is_clean():
    sweeps = (swept("cp-1", "pool", "2s", "32s", "10s", POOL), swept("cp-1", "pool", "100s", "120s", "10s", POOL))
    awake = "100s cp-1/control_plane control_plane/cp-1-a control_plane.heartbeated"
    assert judged(log(alive("cp-1", "30s"), alive("cp-2", "120s"), awake, TIED, *sweeps), DETECTOR) == []


def test_a_control_plane_that_stopped_owes_no_pass():
    stopped = "50s cp-1/control_plane control_plane/cp-1-a control_plane.stopped"
    assert (
        judged(log(alive("cp-1", "45s"), alive("cp-2", "200s"), stopped, TIED, swept("cp-1", "pool", "2s", "42s", "10s", POOL)), DETECTOR)
        == []
    )


def test_a_log_that_ends_within_the_window_is_pending():
    told = log(alive("cp-1", "75s"), TIED, swept("cp-1", "pool", "2s", "32s", "10s", POOL))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
