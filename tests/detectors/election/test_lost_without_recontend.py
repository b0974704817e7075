"""A replica that loses its lease stands again within lease duration, retry and backoff: 27 s, and 1 s of grace."""

from __future__ import annotations

from tests.detectors.telling import alive, evidence, judged, log, span

DETECTOR = "election/lost_without_recontend"
LED = """
    1s   cp-1/elector  lease/janitor  lease.acquired
    30s  cp-1/elector  lease/janitor  lease.lost
"""


def test_a_replica_that_never_stands_again_is_found():
    """It is alive, so its silence is a choice. The loss and the sign of life past the window are the evidence."""
    told = log(alive("cp-1", "90s"), LED)
    says = "control_plane cp-1-a lost the lease janitor and has not stood for election since, for 1m; it was to stand again within 27s"
    assert judged(told, DETECTOR) == [("found", says)]
    assert evidence(told, DETECTOR) == [["cp-1-a/elector:2", "cp-1-a/control_plane:14"]]
    assert span(told, DETECTOR) == [("30s", None)]


def test_a_replica_that_stands_again_after_the_backoff_is_clean():
    assert judged(log(alive("cp-1", "90s"), LED, "32s cp-1/elector lease/janitor lease.attempted"), DETECTOR) == []


def test_a_try_that_comes_late_but_within_what_a_pause_explains_is_clean():
    """After a pause of the whole process the heartbeat comes first, and the try a retry and a backoff later."""
    assert judged(log(alive("cp-1", "90s"), LED, "65s cp-1/elector lease/janitor lease.attempted"), DETECTOR) == []


def test_a_try_that_comes_much_too_late_ends_the_finding():
    told = log(alive("cp-1", "120s"), LED, "100s cp-1/elector lease/janitor lease.attempted")
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["found"]
    assert span(told, DETECTOR) == [("30s", "1m40s")]


def test_a_log_that_ends_within_the_window_is_pending():
    assert [verdict for verdict, _ in judged(log(alive("cp-1", "55s"), LED), DETECTOR)] == ["pending"]


def test_a_replica_that_drains_owes_no_try():
    assert judged(log(alive("cp-1", "90s"), LED, "40s cp-1/control_plane control_plane/cp-1-a control_plane.drain_started"), DETECTOR) == []


def test_a_replica_that_died_owes_no_try():
    assert judged(log(alive("cp-1", "35s"), alive("cp-2", "90s"), LED), DETECTOR) == []
