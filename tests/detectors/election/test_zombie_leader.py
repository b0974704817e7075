"""A leader sweeps: three ticks and a call's time limit (25 s) without a word of its janitor, while it renews, is too long."""

from __future__ import annotations

from tests.detectors.telling import alive, judged, log, span, swept

DETECTOR = "election/zombie_leader"


def led(until: int) -> str:
    """cp-1 acquires at 1 s and renews every 5 s. Its janitor commits once, which ties its clock to the store's."""
    renewals = [f"{at}s cp-1/elector lease/janitor lease.renewed" for at in range(6, until + 1, 5)]
    expired = "2s cp-1/janitor control_plane/cp-0-a control_plane.expired"
    return "\n".join(["1s cp-1/elector lease/janitor lease.acquired", expired, *renewals])


def test_a_leader_that_renews_and_does_not_sweep_is_found():
    told = log(alive("cp-1", "120s"), led(120), swept("cp-1", "janitor", "3s", "33s", "5s"))
    says = "control_plane cp-1-a went on renewing the lease janitor but its janitor was silent for 1m27s; it promises a pass every 5s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert span(told, DETECTOR) == [("33s", None)]


def test_a_leader_that_never_begins_to_sweep_is_found():
    """From the acquisition on. Its first pass, long after, ends the finding."""
    late = swept("cp-1", "janitor", "100s", "120s", "5s") + "\n120s cp-1/janitor worker/w-1 worker.lost"
    told = log(alive("cp-1", "120s"), led(120).replace("cp-1/janitor", "cp-1/reaper"), late)
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert span(told, DETECTOR) == [("1s", "1m40s")]


def test_a_leader_that_sweeps_is_clean():
    assert judged(log(alive("cp-1", "120s"), led(120), swept("cp-1", "janitor", "3s", "118s", "5s")), DETECTOR) == []


def test_a_slow_pass_that_ends_just_in_time_is_clean():
    sweeps = (swept("cp-1", "janitor", "3s", "33s", "5s"), swept("cp-1", "janitor", "57s", "118s", "5s"))
    assert judged(log(alive("cp-1", "120s"), led(120), *sweeps), DETECTOR) == []


def test_a_slow_pass_that_goes_on_step_by_step_is_clean():
    steps = "\n".join(f"{at}s cp-1/janitor control_plane/cp-1-a sweep.completed" for at in range(43, 110, 20))
    sweeps = (swept("cp-1", "janitor", "3s", "33s", "5s"), swept("cp-1", "janitor", "113s", "118s", "5s"))
    assert judged(log(alive("cp-1", "120s"), led(120), steps, *sweeps), DETECTOR) == []


def test_a_process_that_was_paused_as_a_whole_is_no_zombie():
    """Renewals, heartbeats and sweeps all come back in the same moment."""
    awake = "70s cp-1/elector lease/janitor lease.renewed\n70.5s cp-1/janitor control_plane/cp-1-a sweep.started"
    assert judged(log(alive("cp-1", "30s"), led(30), swept("cp-1", "janitor", "3s", "28s", "5s"), awake), DETECTOR) == []


def test_a_log_that_ends_within_the_window_is_pending():
    told = log(alive("cp-1", "55s"), led(55), swept("cp-1", "janitor", "3s", "33s", "5s"))
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]
