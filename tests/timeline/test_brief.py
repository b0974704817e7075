"""A brief tells an object's story in one screen, and loses no decision."""

from __future__ import annotations

from tests.story import START_US, story
from timeline.brief import brief
from timeline.story import Story, decisions_about

GANG = """
    0s   s-1/api     troupe/g  troupe.submitted
    1s   s-2/admission  troupe/g  troupe.reserved
    2s   s-1/api     actor/g-0  actor.claimed  from_state=reserved to_state=running >troupe/g
    3s   s-2/api     actor/g-1  actor.claimed  from_state=reserved to_state=running >troupe/g
    4s   w-1/worker  actor/g-0  actor.process_started  >troupe/g
    5s   s-1/api     troupe/g  troupe.refused
    6s   s-1/api     troupe/g  troupe.refused
    7.5s s-1/api     troupe/g  troupe.drain_started  reason=reported_failure epoch=1
"""


def told() -> Story:
    decisions = decisions_about(story(GANG), "run", "troupe", "g")
    nothing = dict.fromkeys(("state", "since_us", "owner", "owner_state"))
    return Story(run_id="run", kind="troupe", id="g", start_us=START_US, end_us=START_US, decisions=decisions, **nothing)


def test_its_own_decisions_are_lines_and_those_of_others_are_counted():
    assert [(line.offset, line.actor, line.what, line.about) for line in brief(told())] == [
        ("0s", "s-1/api", "troupe.submitted", ""),
        ("1s", "s-2/admission", "troupe.reserved", ""),
        ("2s", "*/api", "2 x actor.claimed", "reserved→running actor/g-0, actor/g-1"),
        ("4s", "w-1/worker", "actor.process_started", "actor/g-0"),
        ("5s", "s-1/api", "2 x troupe.refused", ""),
        ("7.5s", "s-1/api", "troupe.drain_started", "reported_failure epoch 1"),
    ]


def test_many_objects_are_named_up_to_a_number():
    """A line stays a line, whatever the size of the troupe."""
    many = "\n".join(f"{at}s w-1/worker actor/g-{at} actor.seen >troupe/g" for at in range(1, 8))
    decisions = decisions_about(story(many), "run", "troupe", "g")
    (line,) = brief(told().model_copy(update={"decisions": decisions}))
    assert line.about == "actor/g-1, actor/g-2, actor/g-3, actor/g-4 and 3 more"
