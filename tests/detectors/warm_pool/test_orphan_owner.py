"""A worker whose owner is silent: 20 s expiry, 30 s grace, two fallback passes of 60 s and 10 s of grace, 180 s in all."""

from __future__ import annotations

from tests.detectors.telling import alive, detect, evidence, judged, log, span

DETECTOR = "warm_pool/orphan_owner"
PARKED = """
    5s   cp-1/pool  worker/w-1  worker.activated
    10s  cp-1/pool  worker/w-1  worker.parked
"""
PASSES = "\n".join(
    f"{at}s cp-2/reaper control_plane/cp-2-a sweep.completed sweep=fallback step=orphan listed=0" for at in range(60, 301, 60)
)
SWEPT = f"1s cp-2/reaper worker/w-0 worker.retired\n{PASSES}"


def test_an_orphan_that_no_sweep_looks_for_is_found():
    told = log(alive("cp-1", "20s"), alive("cp-2", "300s"), PARKED, "1s cp-2/janitor control_plane/cp-0-a sweep.completed step=stuck")
    assert judged(told, DETECTOR) == [("found", "worker w-1 has been hot_idle without an owner for 4m40s: cp-1-a is silent (no_sweep)")]
    assert evidence(told, DETECTOR) == [["cp-1-a/control_plane:6", "cp-1-a/pool:2"]]
    (finding,) = detect(told, [DETECTOR]).findings
    assert finding.cost is not None
    assert finding.cost.amount == 8 * 230


def test_an_orphan_that_sweeps_cannot_see_is_found():
    told = log(alive("cp-1", "20s"), alive("cp-2", "300s"), PARKED, SWEPT)
    says = "worker w-1 has been hot_idle without an owner for 4m40s: cp-1-a is silent (invisible_to_sweep)"
    assert judged(told, DETECTOR) == [("found", says)]


def test_an_owner_that_never_gave_a_sign_is_silent_from_the_logs_start():
    told = log(alive("cp-2", "300s"), "5s cp-9/pool worker/w-1 worker.activated", SWEPT)
    assert span(told, DETECTOR) == [("0s", None)]


def test_an_orphan_reaped_just_in_time_is_clean():
    reaped = "199s cp-2/reaper worker/w-1 worker.retired origin=per_cp_orphan"
    assert judged(log(alive("cp-1", "20s"), alive("cp-2", "300s"), PARKED, SWEPT, reaped), DETECTOR) == []


def test_an_orphan_claimed_by_another_is_clean():
    claimed = "100s cp-2/pool worker/w-1 worker.claimed"
    assert judged(log(alive("cp-1", "20s"), alive("cp-2", "300s"), PARKED, SWEPT, claimed), DETECTOR) == []


def test_an_owner_that_comes_back_in_time_is_clean():
    back = "\n".join(f"{at}s cp-1/control_plane control_plane/cp-1-a control_plane.heartbeated" for at in range(190, 301, 5))
    assert judged(log(alive("cp-1", "20s"), alive("cp-2", "300s"), PARKED, SWEPT, back), DETECTOR) == []


def test_an_owner_that_comes_back_late_ends_the_finding():
    back = "250s cp-1/control_plane control_plane/cp-1-a control_plane.revived"
    assert span(log(alive("cp-1", "20s"), alive("cp-2", "260s"), PARKED, back), DETECTOR) == [("20s", "4m10s")]


def test_a_log_that_ends_within_the_window_is_pending():
    told = log(alive("cp-1", "20s"), alive("cp-2", "195s"), PARKED, PASSES.splitlines()[0])
    assert [verdict for verdict, _ in judged(told, DETECTOR)] == ["pending"]


def test_a_run_in_which_nobody_gives_a_sign_of_life_is_unknown():
    assert detect(log(PARKED, "400s cp-2/pool worker/w-2 worker.activated"), [DETECTOR]).verdicts == {DETECTOR: "unknown"}
