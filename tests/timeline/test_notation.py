"""The notation: a line says all of an event, safely, and is read back as the same event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.duration import duration, microseconds
from ingest.events import KINDS, Event, Input, ObjectId, Ref
from timeline.moment import moment
from timeline.notation import NotationError, line, parse
from timeline.safe import HOSTILE

START_US = 1_767_225_600_000_000


def test_a_line_reads_like_a_sentence_of_the_log():
    """Offset, actor, subject, kind, own fields with durations, commit, skew, refs, causes and what was seen."""
    text = (
        "      5s  cp-1#7f3a/pool    worker/w-1      worker.parked  from_state=hot to_state=hot_idle owner=cp-1-7f3a org=acme vcpu=8 ttl=1m"
        " @41 +3ms epoch=2"
        " >org/acme >owner:control_plane/cp-1-7f3a <cp-1-7f3a/pool:11 saw=cache:worker/w-1@40~300ms#d1 run=r1 seq=12 clock=99"
    )
    event = parse(text, start_us=START_US).event
    assert event == Event(
        event_id="cp-1-7f3a/pool:12",
        run_id="r1",
        time="2026-01-01T00:00:05.003000Z",
        actor="cp-1/pool",
        incarnation="cp-1-7f3a",
        seq=12,
        clock=99,
        kind="worker.parked",
        revision=41,
        commit_time="2026-01-01T00:00:05.000000Z",
        subject=ObjectId(kind="worker", id="w-1"),
        refs=(Ref(role="org", kind="org", id="acme"), Ref(role="owner", kind="control_plane", id="cp-1-7f3a")),
        epoch=2,
        caused_by=("cp-1-7f3a/pool:11",),
        inputs=(Input(source="cache", kind="worker", id="w-1", version=40, age_ms=300, digest="d1"),),
        outcome="committed",
        data={"from_state": "hot", "to_state": "hot_idle", "owner": "cp-1-7f3a", "org": "acme", "vcpu": 8, "ttl_us": 60_000_000},
    )
    assert line(event, start_us=START_US) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0s"),
        (7, "7us"),
        (1_500, "1.5ms"),
        (250_000, "250ms"),
        (4_500_000, "4.5s"),
        (60_000_000, "1m"),
        (90_000_000, "1m30s"),
        (-3_000_000, "-3s"),
        (183_600_000_000, "2d3h"),
        (60_000_001, "1m0.000001s"),
    ],
)
def test_durations_are_written_as_people_write_them(us: int, text: str):
    assert (duration(us), microseconds(text)) == (text, us)


@given(st.integers(-(2**62), 2**62))
def test_every_duration_is_exact(us: int):
    assert microseconds(duration(us)) == us


@pytest.mark.parametrize("text", ["", "s", "-", "5", "5x", "1s1m", "1m1h", "1.5m", "1.2345678s", "5 s"])
def test_what_is_no_duration_is_refused(text: str):
    assert microseconds(text) is None


def test_a_word_that_means_something_else_is_quoted():
    """`ttl=5s` is `ttl_us`; the text `5s`, the name `reason` of an own field and the word `true` need quotes."""
    data = {"ttl": "5s", "ttl_us": 5_000_000, "reason": "own", "yes": "true", "no": False, "none": None, "n": "1"}
    event = parse("0s a/b  c/d  e.happened  reason=envelope").event.model_copy(update={"data": data})
    text = line(event, start_us=0, identity=False).strip()
    assert text.split("  ")[-1] == 'ttl="5s" ttl=5s "reason"=own yes="true" no=false none=null n="1" reason=envelope'
    assert parse(text).event.data == data


def test_text_of_an_event_cannot_command_a_terminal():
    """Escapes, carriage returns, bidi marks and zero-width characters are spelled out wherever they stand."""
    evil = "\x1b]0;owned\x07\r\n\x9b2J\u202e\u200b\ufeff\x7f"
    event = Event(
        event_id=evil,
        run_id=evil,
        time=moment(0),
        actor=evil,
        incarnation=evil,
        kind=evil,
        subject=ObjectId(kind=evil, id=evil),
        refs=(Ref(role=evil, kind=evil, id=evil),),
        caused_by=(evil,),
        workload=evil,
        outcome=evil,
        reason=evil,
        inputs=(Input(source="cache", kind=evil, id=evil, digest=evil),),
        data={evil: {evil: [evil]}},
    )
    text = line(event, start_us=0)
    assert not HOSTILE.search(text)
    assert parse(text).event == event


@pytest.mark.parametrize(
    ("text", "expected", "column"),
    [
        ("", "a duration such as 5s, 1m30s or 250ms", 1),
        ("soon cp-1/pool worker/w-1 worker.parked", "a duration such as 5s, 1m30s or 250ms", 1),
        ("5s cp-1/pool w-1 worker.parked", "'/'", 17),
        ("5s cp-1/pool worker/w-1", "a kind such as worker.parked", 24),
        ("5s cp-1/pool worker/w-1 worker.parked ttl", "'='", 42),
        ("5s cp-1/pool worker/w-1 worker.parked ttl=", "a value: a word, a number, a duration or JSON", 43),
        ("5s cp-1/pool worker/w-1 worker.parked ttl=5s,", "a space or the end of the line", 45),
    ],
)
def test_a_line_that_is_not_in_the_notation_is_refused_with_its_column(text: str, expected: str, column: int):
    with pytest.raises(NotationError) as error:
        parse(text)
    assert f"expected {expected} at column {column}" in str(error.value)


# ---- the round trip, for every event that can be

tricky = st.sampled_from(["5s", "-3ms", "true", "null", "7f3a", "a b", "a/b", "a#b", "@4", ">x", "\u202e", "\\", '"', "x=1", "007", "1e5"])
plain = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)
words = plain | tricky | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
moments = st.integers(0, 4_000_000_000_000_000)
numbers = st.none() | st.integers(-(2**63), 2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | words | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
names = words | st.sampled_from(["ttl_us", "age_us", "_us", "ttl", "outcome", "id", "saw", "from_state"])
objects = st.builds(ObjectId, kind=words, id=words)
refs = st.builds(Ref, role=words, kind=words, id=words)
inputs = st.builds(
    Input,
    source=st.sampled_from(["cache", "store", "lease", "config", "peer", "clock", "rng"]),
    kind=words,
    id=words,
    version=numbers,
    age_ms=st.none() | st.integers(-(10**9), 10**9),
    digest=st.none() | words,
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    actor = draw(words | st.sampled_from(["cp-1/pool", "cp-1/", "/x", "a/b/c"]))
    minted = actor.partition("/")[0] + "-" + draw(words)
    return Event(
        event_id=draw(words),
        run_id=draw(words),
        time=moment(draw(moments)),
        actor=actor,
        incarnation=draw(st.none() | words | st.just(minted)),
        seq=draw(numbers),
        clock=draw(numbers),
        kind=draw(words | st.sampled_from(sorted(KINDS))),
        revision=draw(numbers),
        commit_time=draw(st.none() | moments.map(moment)),
        subject=draw(objects),
        refs=tuple(draw(st.lists(refs, max_size=2))),
        workload=draw(st.none() | words),
        generation=draw(numbers),
        epoch=draw(numbers),
        caused_by=tuple(draw(st.lists(words, max_size=2))),
        inputs=tuple(draw(st.lists(inputs, max_size=2))),
        outcome=draw(st.none() | words | st.sampled_from(["committed", "null"])),
        reason=draw(st.none() | words),
        data=draw(st.dictionaries(names, json_values, max_size=4)),
    )


@settings(max_examples=300)
@given(events(), moments, moments)
def test_every_event_is_read_back_from_its_line(event: Event, start_us: int, at_us: int):
    text = line(event, start_us=start_us, at_us=at_us)
    assert not HOSTILE.search(text)
    assert parse(text, start_us=start_us).event == event


def test_a_shorter_line_leaves_out_identity_only():
    text = "5s  cp-1#a/pool  worker/w-1  worker.parked  @1 reason=idle run=r id=x seq=4 clock=9"
    event = parse(text).event
    short: dict[str, Any] = {"run_id": "run", "event_id": "cp-1-a/pool:None", "seq": None, "clock": None}
    assert parse(line(event, start_us=0, identity=False)).event == event.model_copy(update=short)
    assert line(event, start_us=0, identity=False).endswith("worker.parked  @1 reason=idle")
