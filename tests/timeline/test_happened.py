"""What happened to an object: lanes of all it touched, decisions in order, their causes, and what was true when each was taken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.story import START_US, story
from timeline.drawn.activity import BUCKETS, activity_of
from timeline.drawn.happened import DECISIONS_MAX, TOUCHED_MAX, Happened, happened_to
from timeline.findings import Finding, Report, Subject
from timeline.objects import ids_of, kinds_of, runs_with
from timeline.pages import told
from timeline.pages.charts import swim_lanes
from timeline.pages.opening import Asked

SECOND = 1_000_000
LEASED = """
    0s    cp-1/elector  lease/janitor  lease.acquired       holder=cp-1-a
    5s    cp-1/pool     worker/w-1     worker.slot_created  owner=cp-1-a id=slot
    9s    cp-1/pool     worker/w-1     worker.spawned       owner=cp-1-a <slot id=up
    12s   cp-1/pool     session/s-1    session.started      >worker/w-1 <up id=used
    20s   cp-1/pool     worker/w-1     worker.parked        owner=cp-1-a <used
    60s   cp-1/pool     worker/w-2     worker.activated     owner=cp-1-a
"""


def happened(
    text: str, kind: str, id_: str, found: Sequence[Finding] = (), window: tuple[int, int] | None = None, at: int | None = None
) -> Happened:
    """Of the only run of a story; window and moment in seconds from its beginning."""
    span = None if window is None else (START_US + window[0] * SECOND, START_US + window[1] * SECOND)
    return happened_to(story(text), "run", kind, id_, found, span, None if at is None else START_US + at * SECOND)


def finding(kind: str, id_: str, at: int, evidence: Sequence[str] = ()) -> Finding:
    return Finding(
        finding_id="0123456789ab",
        run_id="run",
        detector="warm_pool/stale_hot_idle",
        severity="warning",
        verdict="found",
        subject=Subject(kind=kind, id=id_),
        since=START_US + at * SECOND,
        until=None,
        evidence=list(evidence),
        says="it sat there",
        cost=None,
        data={},
    )


def test_leadership_stands_above_then_the_object_then_what_it_touched():
    told = happened(LEASED, "worker", "w-1")
    assert told.lanes.lanes.select("panel", "id").rows() == [
        ("lease", "janitor"),
        ("worker", "w-1"),
        ("control_plane", "cp-1-a"),
        ("session", "s-1"),
        ("org", "acme"),
    ]


def test_decisions_come_in_order_and_say_what_was_true_just_before():
    """A decision's own effect is not what was true when it was taken."""
    parked = happened(LEASED, "worker", "w-1").decisions[-1]
    assert parked.decided.event.kind == "worker.parked"
    assert [phrase for phrase in parked.true_then if phrase.startswith("worker/w-1")] == ["worker/w-1 idle with cp-1-a for 11s"]


def test_causes_are_drawn_from_lane_to_lane():
    causes = happened(LEASED, "worker", "w-1").lanes.causes
    crossing = [(panel, to) for panel, to in causes.select("panel", "to_panel").iter_rows() if panel != to]
    assert sorted(crossing) == [("session", "worker"), ("worker", "session")]


def test_a_decision_that_proves_a_finding_is_marked_in_the_list_and_in_its_lane():
    told = happened(LEASED, "worker", "w-1", [finding("worker", "w-1", 20, ["up"])])
    assert [one.decided.event.event_id for one in told.decisions if one.is_evidence] == ["up"]
    assert told.lanes.decisions.filter("is_evidence")["event_id"].to_list() == ["up"]


def test_as_of_a_moment_nothing_later_is_shown():
    whole, then = happened(LEASED, "worker", "w-1"), happened(LEASED, "worker", "w-1", at=10)
    assert (whole.there, then.there) == (4, 2)
    assert max(then.lanes.stretches["until_us"].to_list()) == START_US + 10 * SECOND
    assert told.state_of(then) == "idle"
    assert told.state_of(whole) == "hot_idle"


FOUND_DEAD = """
    0s    cp-1/control_plane  control_plane/cp-1-a  control_plane.started
    5s    cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
    6s    cp-1/elector        lease/janitor         lease.acquired
    8s    cp-1/pool           worker/w-1            worker.activated
    9s    cp-1/pool           session/s-1           session.started  >worker/w-1
    10s   cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
    15s   cp-2/control_plane  control_plane/cp-2-a  control_plane.heartbeated
    40s   cp-2/elector        lease/janitor         lease.acquired
    50s   cp-2/janitor        control_plane/cp-1-a  control_plane.expired
    55s   cp-2/janitor        worker/w-1            worker.retired
"""


def test_as_of_a_moment_one_sees_what_a_log_that_ends_there_shows():
    """A control plane that is found dead died at its last heartbeat, and its session with it; before it was found nobody knew."""
    whole = story(FOUND_DEAD)
    assert told.state_of(happened_to(whole, "run", "session", "s-1", ())) == "ended"
    for at, state in ((30, "running"), (52, "ended")):
        cut = story("\n".join(line for line in FOUND_DEAD.splitlines() if line.strip() and int(line.split()[0][:-1]) <= at))
        for kind, id_ in (("session", "s-1"), ("worker", "w-1"), ("control_plane", "cp-1-a")):
            then_us = START_US + at * SECOND
            then = happened_to(whole, "run", kind, id_, (), as_of_us=then_us)
            there = happened_to(cut, "run", kind, id_, (), (START_US, then_us))
            assert then.lanes.stretches.rows() == there.lanes.stretches.rows()
            assert then.lanes.vacancies.rows() == there.lanes.vacancies.rows()
            assert [one.true_then for one in then.decisions] == [one.true_then for one in there.decisions]
            assert kind != "session" or told.state_of(then) == state


def test_a_window_shows_its_stretch_only():
    told = happened(LEASED, "worker", "w-1", window=(8, 15))
    assert [one.decided.event.kind for one in told.decisions] == ["worker.spawned", "session.started"]
    assert (told.lanes.start_us, told.lanes.end_us) == (START_US + 8 * SECOND, START_US + 15 * SECOND)


def test_what_is_left_out_is_said():
    """A thousand decisions within a pixel, and more objects than there is room for."""
    busy = "\n".join(f"1.{step:03}s cp-1/pool worker/w-1 worker.heartbeated owner=cp-1-a >org/o-{step % 40}" for step in range(1000))
    told_of = happened(f"{busy}\n3600s cp-1/pool worker/w-1 worker.parked", "worker", "w-1")
    said = swim_lanes(told_of.lanes).to_dict()["title"]["subtitle"]
    assert f"{40 + len(['control_plane', 'its own org']) - TOUCHED_MAX} more lanes folded" in said
    assert "999 decisions folded into others" in said
    assert told.more(told_of) == [f"{1001 - DECISIONS_MAX:,} more decisions: brush a shorter stretch above to list them."]


def test_the_answer_has_the_numbers():
    assert told.answer(happened(LEASED, "worker", "w-1"), []) == (
        "worker w-1: 4 decisions by 1 actor in 15s; then it is hot_idle. Nothing is found about it."
    )
    assert "1 finding: it sat there." in told.answer(happened(LEASED, "worker", "w-1"), [finding("worker", "w-1", 20)])
    assert told.answer(happened(LEASED, "worker", "w-1", at=10), [finding("worker", "w-1", 20)]).endswith("0 findings began by then.")
    assert told.answer(happened(LEASED, "worker", "w-1", window=(30, 40)), []).startswith("Nothing was decided")


def test_the_overview_counts_every_decision_and_those_about_the_object():
    activity = activity_of(story(LEASED), "run", "worker", "w-1")
    assert (activity["decisions"].sum(), activity["own"].sum()) == (6, 4)
    assert len(activity) <= BUCKETS


def test_objects_are_found_by_a_part_of_their_name():
    connection = story(LEASED)
    assert kinds_of(connection, "run")["worker"] == 2
    assert ids_of(connection, "run", "worker", "W-", first=["w-2"], most=1) == (["w-2"], 2)
    assert ids_of(connection, "run", "worker", "%") == ([], 0)
    assert runs_with(connection, "session", "s-1") == ["run"]


# ---- where a page begins


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        (Asked("run", "session", "s-1"), ("session", "s-1")),
        (Asked("another", "session", "s-1"), ("worker", "w-1")),
        (Asked(finding="0123"), ("worker", "w-1")),
        (Asked(), ("worker", "w-1")),
    ],
)
def test_a_page_begins_at_what_its_address_names_or_at_the_worst_finding(asked: Asked, begins: tuple[str, str]):
    report = Report(as_of=None, detectors=[], findings=[finding("worker", "w-1", 20)], verdicts={})
    begin = told.begin(report, asked, "run")
    assert (begin.kind, begin.id) == begins
    assert told.first(report, "worker", begin)[0] == "w-1"


def test_a_finding_that_is_gone_is_said():
    begin = told.begin(Report(as_of=None, detectors=[], findings=[], verdicts={}), Asked(finding="ffff"), "run")
    assert "ffff" in begin.note


def test_the_slider_and_the_brush_name_moments_of_the_log():
    bounds = (1_000_000, 61_000_000)
    assert told.moment_of(told.STEPS, bounds) is None
    assert told.step_of(None, bounds) == told.STEPS
    assert told.moment_of(told.step_of(31_000_000, bounds), bounds) == 31_000_000
    assert told.moment_of(told.step_of(31_060_001, bounds), bounds, 31_060_001) == 31_060_001, "what a link asks for is not rounded"
    assert told.window_of({}, bounds) is None
    assert told.window_of({"range": {"from_ms": [40_000, 2_000]}}, bounds) == (2_000_000, 40_000_000)
    assert told.window_of({"range": {"from_ms": [-9, 10**9]}}, bounds) == bounds
