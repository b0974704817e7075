"""Each model of `timeline/models` on a story: input and expected rows on one screen."""

from __future__ import annotations

from tests.story import START_US, rows, story


def test_a_worker_has_one_stretch_per_durable_state():
    """Stretches follow one another without a gap; the end state stays open until the log ends."""
    log = story("""
        0s   cp-1/pool     worker/w-1  worker.slot_created
        4s   cp-1/pool     worker/w-1  worker.spawned
        5s   cp-1/pool     worker/w-1  worker.assigned
        6s   cp-1/pool     worker/w-1  worker.activation_started
        7s   cp-1/pool     worker/w-1  worker.activated
        9s   cp-1/pool     worker/w-1  worker.parked  ttl=1m
        71s  cp-2/janitor  worker/w-1  worker.drain_started
        72s  cp-2/janitor  worker/w-1  worker.retired
        80s  cp-2/janitor  control_plane/cp-2-a  sweep.completed
    """)
    query = f"SELECT state, ts_us - {START_US}, dur_us, is_open, next_state FROM worker_state_interval ORDER BY ts_us"
    assert [(state, ts // 1000000, dur // 1000000, is_open, after) for state, ts, dur, is_open, after in rows(log, query)] == [
        ("spawning", 0, 4, False, "idle"),
        ("idle", 4, 1, False, "reserved"),
        ("reserved", 5, 1, False, "activating"),
        ("activating", 6, 1, False, "hot"),
        ("hot", 7, 2, False, "hot_idle"),
        ("hot_idle", 9, 62, False, "draining"),
        ("draining", 71, 1, False, "retired"),
        ("retired", 72, 8, True, None),
    ]
