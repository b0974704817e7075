"""An object's timeline says what was decided, by whom, and what each decision had seen; the state says how it stands."""

from __future__ import annotations

from reference_cluster.bugs import declared_bugs
from reference_cluster.scenario import load
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import simulate
from tests.story import START_US, story
from timeline.api import Timeline
from timeline.state import objects_of, states_at
from timeline.story import decisions, decisions_about

PARKED = """
    0s    cp-1/control_plane   control_plane/cp-1-a  control_plane.started
    1s    cp-1/elector         lease/janitor         lease.acquired
    1s    cp-1/control_plane   worker/w-1            worker.slot_created
    5s    cp-1/control_plane   worker/w-1            worker.spawned
    6s    cp-1/control_plane   worker/w-1            worker.assigned     saw=cache:worker/w-1@4~300ms >session/s-1
    9s    cp-1/control_plane   session/s-1           session.started     >worker/w-1
    9s    cp-1/control_plane   worker/w-1            worker.activated
    15s   cp-1/control_plane   session/s-1           session.ended       >worker/w-1
    15s   cp-1/pool            worker/w-1            worker.parked
    15s   cp-1/control_plane   control_plane/cp-1-a  control_plane.heartbeated
"""


def test_story_has_every_decision_about_the_object_in_order():
    """Those that have it as subject and those that name it, each once."""
    told = decisions_about(story(PARKED), "run", "worker", "w-1")
    assert [decided.event.kind for decided in told] == [
        "worker.slot_created",
        "worker.spawned",
        "worker.assigned",
        "session.started",
        "worker.activated",
        "session.ended",
        "worker.parked",
    ]
    assert [decided.at_us - START_US for decided in told] == sorted(decided.at_us - START_US for decided in told)


def test_story_says_what_a_decision_had_seen_and_how_old_it_was():
    """The assignment was made from a cached row, 300 ms old."""
    told = decisions_about(story(PARKED), "run", "worker", "w-1")
    assert [decided.seen for decided in told if decided.seen] == [["worker/w-1 at version 4, 300ms old (cache)"]]


def test_story_around_a_moment_leaves_out_the_rest():
    """Only what lies in the window is told."""
    window_us = (START_US + 4_000_000, START_US + 7_000_000)
    told = decisions_about(story(PARKED), "run", "worker", "w-1", window_us)
    assert [decided.event.kind for decided in told] == ["worker.spawned", "worker.assigned"]


def test_decisions_are_found_by_id_and_unknown_ids_are_left_out():
    """Evidence and causes are looked up this way; a cause may be missing from the log."""
    (found,) = decisions(story(PARKED), "run", ["cp-1-a/pool:1", "cp-9-z/pool:1"])
    assert found.event.kind == "worker.parked"


def test_state_now_and_then_differ():
    """The worker is parked where the log ends, was reserved at 7 s, and did not exist at 0 s."""
    log = story(PARKED)

    def workers(at_us: int | None) -> list[tuple[str, str]]:
        return [row[2:4] for row in states_at(log, "run", at_us).rows() if row[1] == "worker"]

    assert workers(None) == [("w-1", "hot_idle")]
    assert workers(START_US + 7_000_000) == [("w-1", "reserved")]
    assert workers(START_US) == []


def test_state_names_the_leader_the_session_and_how_the_owner_stands():
    """At 10 s cp-1-a leads, lives, and runs the session on w-1."""
    rows = {(row[1], row[2]): (row[3], row[5], row[6]) for row in states_at(story(PARKED), "run", START_US + 10_000_000).rows()}
    assert rows == {
        ("control_plane", "cp-1-a"): ("alive", "cp-1", None),
        ("lease", "janitor"): ("held", "cp-1-a", "alive"),
        ("session", "s-1"): ("on w-1", "cp-1-a", "alive"),
        ("worker", "w-1"): ("hot", "cp-1-a", "alive"),
    }


def test_control_plane_that_went_quiet_is_silent():
    """A minute after its last heartbeat the owner of the worker counts as silent."""
    log = story(
        PARKED + "    0s    cp-1/control_plane   control_plane/cp-1-a  config.declared\n    90s   cp-2/pool  pool/p  pool.watched\n"
    )
    (standing,) = [row[6] for row in states_at(log, "run", None).rows() if row[1] == "worker"]
    assert standing == "silent"


def test_objects_of_an_unknown_kind_have_a_timeline_too():
    """A kind that nobody here knows is listed with its first and last event, and no state."""
    log = story("""
        0s  sched/binder  pod/a  pod.bound
        3s  sched/binder  pod/a  pod.unbound
    """)
    (pod,) = objects_of(log, None, "pod").to_dicts()
    assert (pod["id"], pod["events"], pod["last_event"], pod["state"]) == ("a", 2, "pod.unbound", None)
    assert pod["last_us"] - pod["first_us"] == 3_000_000


def test_story_says_where_what_was_seen_was_out_of_date():
    """Beside the decision stands what was true by then, for how long, and whether it would have changed the decision."""
    bug = next(bug for bug in declared_bugs().values() if bug.catalogue_id == "RP-06")
    run = simulate(Staged(load(bug.scenario)), 1, switches={bug.name: True})
    with Timeline.in_memory(run.lines) as log:
        (finding, *_) = log.detect(["quota/status_of_old_generation"]).findings
        told = log.show(f"{finding.subject.kind}/{finding.subject.id}")
    wrong = [decided for decided in told.decisions if decided.event.event_id in finding.evidence]
    (phrase,) = {seen for decided in wrong for seen in decided.seen if "fresh" in seen}
    assert phrase.startswith("status/risk-api at version 41, though it was at 42 for ")
    assert phrase.endswith(": fresh data would have changed this")
