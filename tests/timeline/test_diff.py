"""Of two streams the first decision that differs is named, with what both had before it."""

from __future__ import annotations

from tests.story import START_US, database, story, tell
from timeline.diff import Stream, changed_kinds, divergence_in_trail, first_divergence

TOLD = """
    0s   cp-1/control_plane   worker/w-1   worker.slot_created
    5s   cp-1/control_plane   worker/w-1   worker.spawned
    6s   cp-2/elector         lease/janitor  lease.acquired
    7s   cp-1/control_plane   worker/w-1   worker.assigned
    9s   cp-1/control_plane   worker/w-1   worker.activated
"""


def stream(text: str) -> Stream:
    return Stream(story(text), "run")


def test_equal_streams_have_no_divergence():
    assert first_divergence(stream(TOLD), stream(TOLD)) is None


def test_each_changed_decision_is_named_as_the_first_that_differs():
    """Whichever decision gets another reason, it is the one that is named, and all before it are common."""
    events, recorded = tell(TOLD), stream(TOLD)
    for place in range(len(events)):
        changed = [event.model_copy(update={"reason": "other"}) if index == place else event for index, event in enumerate(events)]
        found = first_divergence(recorded, Stream(database(changed), "run"))
        assert found is not None
        assert (found.index, found.actor, len(found.common)) == (place, events[place].actor, place)
        assert "reason=other" in (found.actual or "")
        assert "reason=other" not in (found.expected or "")


def test_missing_decision_is_named():
    """What one stream lacks is null there, and the time is that of the other."""
    found = first_divergence(stream(TOLD), Stream(database(tell(TOLD)[:-1]), "run"))
    assert found is not None
    assert (found.index, found.at_us, found.actual) == (4, START_US + 9_000_000, None)
    assert "worker.activated" in (found.expected or "")


def test_recording_that_was_cut_is_equal_as_far_as_it_goes():
    """The replay goes on where the log broke off: that is no difference."""
    cut = Stream(database(tell(TOLD)[:3]), "run")
    assert first_divergence(cut, stream(TOLD), is_cut=True) is None
    assert first_divergence(cut, stream(TOLD)) is not None


def test_changes_are_counted_by_kind():
    changed = [event.model_copy(update={"reason": "other"}) if event.kind == "worker.assigned" else event for event in tell(TOLD)[:-1]]
    assert changed_kinds(stream(TOLD), Stream(database(changed), "run")).rows() == [
        ("worker.activated", 0, 1, 0),
        ("worker.assigned", 1, 0, 0),
    ]


def test_trail_names_the_block_of_64_events():
    """A seed alone holds no events: the block in which the digests part is all there is to say."""
    found = divergence_in_trail(["aa", "bb", "cc"], ["aa", "bX", "cX"], stream(TOLD))
    assert found is not None
    assert (found.index, found.expected) == (64, "events 64 to 127 with digest bb")
