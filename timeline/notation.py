"""The notation: one line per event, read by operators and by tests.

    5s       cp-1#7f3a/pool  worker/w-1  worker.parked  from_state=hot to_state=hot_idle owner=cp-1-7f3a vcpu=8 ttl=1m @41 >org/acme

Offset from the run's start, actor, subject, kind; then what there is of

    name=value        an own field. `ttl=1m` is `ttl_us`: a bare duration is always microseconds of a field ending in `_us`
    @41 +3ms          committed at revision 41; the producer's wall clock was 3 ms ahead of the offset at the line's start
    outcome= reason= epoch= workload= generation=      where they say more than the kind does
    >role:kind/id     another object; `>org/acme` where its role is its kind
    <event_id         a cause
    saw=cache:worker/w-1@12~300ms#d1                   an input: source, object, version, age, digest
    run= id= seq= clock=                               identity, where it is asked for

`cp-1#7f3a/pool` is the actor `cp-1/pool` of incarnation `cp-1-7f3a`; `cp-1##x/pool` of incarnation `x`. A word that could be
taken for something else is a JSON string. `parse(line(event))` is the event again, whatever its text holds.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ingest.duration import DURATION, duration, microseconds
from ingest.errors import TimelineError
from ingest.events import KINDS, Event, Input, ObjectId, Ref
from timeline.moment import moment, moment_us
from timeline.safe import printable


class NotationError(TimelineError):
    """A line that is not in the notation; the message says where it stops making sense."""


class Line(NamedTuple):
    """An event and the moment that its line begins with, microseconds UTC on the store's clock."""

    at_us: int
    event: Event


# ---- printing

_BARE_VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]*")
_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_BARE_ROLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BARE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]*")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SPACES = re.compile(r"[ \t]+")
_CONSTANTS = {"true": True, "false": False, "null": None}
_ENVELOPE = ("outcome", "reason", "epoch", "workload", "generation", "run", "id", "seq", "clock", "saw")


def line(event: Event, *, start_us: int, at_us: int | None = None, identity: bool = True) -> str:
    """One event as one line of plain, safe text.

    `at_us` is where the timeline puts it; without it the event's own commit time or wall clock. With `identity=False`
    the run, the id, `seq` and `clock` are left out: shorter, but no longer the whole event.
    """
    at_us = _own_moment(event) if at_us is None or event.commit_time is not None else at_us
    head = f"{duration(at_us - start_us):>8}  {_actor(event):<16}  {_object(event.subject.kind, event.subject.id):<14}  {_word(event.kind)}"
    rest = fields(event, at_us=at_us, identity=identity)
    return head + ("  " + rest if rest else "")


def fields(event: Event, *, at_us: int, identity: bool = False) -> str:
    """What follows time, actor, subject and kind in the line of an event."""
    tokens = [*(_field(name, value) for name, value in event.data.items()), *_envelope(event, at_us)]
    tokens += [_ref(ref) for ref in event.refs]
    tokens += [f"<{_word(cause, _BARE_PATH)}" for cause in event.caused_by]
    tokens += [f"saw={_input(seen)}" for seen in event.inputs]
    return " ".join([*tokens, *(_identity(event) if identity else [])])


def _own_moment(event: Event) -> int:
    return moment_us(event.time if event.commit_time is None else event.commit_time)


def _envelope(event: Event, at_us: int) -> list[str]:
    tokens = []
    if event.commit_time is not None:
        tokens.append("@" if event.revision is None else f"@{event.revision}")
    elif event.revision is not None:
        tokens.append(f"@{event.revision}?")
    skew_us = moment_us(event.time) - at_us
    tokens += [f"{skew_us:+d}"[0] + duration(abs(skew_us))] if skew_us else []
    usual = _usual_outcome(event.kind)
    tokens += [f"outcome={_value(event.outcome)}"] if event.outcome != usual else []
    for name in ("reason", "epoch", "workload", "generation"):
        value = getattr(event, name)
        tokens += [f"{name}={_value(value)}"] if value is not None else []
    return tokens


def _usual_outcome(kind: str) -> str | None:
    return KINDS[kind].outcomes[0] if kind in KINDS else None


def _identity(event: Event) -> list[str]:
    tokens = [f"run={_value(event.run_id)}"]
    tokens += [f"id={_value(event.event_id)}"] if event.event_id != usual_id(event.actor, event.incarnation, event.seq) else []
    tokens += [f"seq={event.seq}"] if event.seq is not None else []
    return tokens + ([f"clock={event.clock}"] if event.clock is not None else [])


def usual_id(actor: str, incarnation: str | None, seq: int | None) -> str:
    """The event_id that an emitter gives: `<incarnation>/<component>:<seq>`."""
    instance, _, component = actor.partition("/")
    return f"{incarnation or instance}/{component}:{seq}"


def _actor(event: Event) -> str:
    if not _BARE_PATH.fullmatch(event.actor):
        own = "" if event.incarnation is None else f"##{_word(event.incarnation)}"
        return _quoted(event.actor) + own
    instance, slash, component = event.actor.partition("/")
    if event.incarnation is None:
        return event.actor
    suffix = event.incarnation.removeprefix(f"{instance}-")
    minted = suffix != event.incarnation and _BARE_NAME.fullmatch(suffix)
    return f"{instance}#{suffix if minted else '#' + _word(event.incarnation)}{slash}{component}"


def _ref(ref: Ref) -> str:
    role = "" if ref.role == ref.kind else f"{_word(ref.role, _BARE_ROLE)}:"
    return f">{role}{_object(ref.kind, ref.id)}"


def _input(seen: Input) -> str:
    text = f"{seen.source}:{_object(seen.kind, seen.id)}"
    text += "" if seen.version is None else f"@{seen.version}"
    text += "" if seen.age_ms is None else f"~{duration(seen.age_ms * 1000)}"
    return text + ("" if seen.digest is None else f"#{_word(seen.digest)}")


def _field(name: str, value: Any) -> str:
    if name.endswith("_us") and name != "_us" and type(value) is int:
        return f"{_field_name(name.removesuffix('_us'))}={duration(value)}"
    return f"{_field_name(name)}={_value(value)}"


def _field_name(name: str) -> str:
    return name if _FIELD.fullmatch(name) and name not in _ENVELOPE else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, str) and _BARE_VALUE.fullmatch(value) and value not in _CONSTANTS:
        return value
    return _quoted(value)


def _word(text: str, bare: re.Pattern[str] = _BARE_NAME) -> str:
    return text if bare.fullmatch(text) else _quoted(text)


def _object(kind: str, name: str) -> str:
    return f"{_word(kind, _BARE_ROLE)}/{_word(name, _BARE_PATH)}"


def _quoted(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


# ---- reading


def parse(text: str, *, start_us: int = 0, run_id: str = "run") -> Line:
    """The event that a line means. Offsets count from `start_us`; `run_id` is for lines that name no run.

    Raises NotationError, with the column.
    """
    scan = _Scanner(text)
    scan.spaces()
    offset_us = scan.duration()
    fields: dict[str, Any] = {"run_id": run_id, "data": {}, "refs": [], "caused_by": [], "inputs": []}
    scan.spaces()
    fields["actor"], fields["incarnation"] = _parse_actor(scan)
    scan.spaces()
    kind, name = scan.object()
    fields["subject"] = ObjectId(kind=kind, id=name)
    scan.spaces()
    fields["kind"] = scan.word(_BARE_NAME, "a kind such as worker.parked")
    fields["outcome"] = _usual_outcome(fields["kind"])
    at_us = start_us + offset_us
    skew_us = 0
    while scan.more():
        match scan.peek():
            case "@":
                fields |= _parse_commit(scan, at_us)
            case "+" | "-":
                skew_us = scan.skew()
            case ">":
                fields["refs"].append(_parse_ref(scan))
            case "<":
                scan.skip("<")
                fields["caused_by"].append(scan.word(_BARE_PATH, "the id of a cause"))
            case _:
                _parse_named(scan, fields)
    fields["time"] = moment(at_us + skew_us)
    fields.setdefault("event_id", usual_id(fields["actor"], fields["incarnation"], fields.get("seq")))
    many = {name: tuple(fields[name]) for name in ("refs", "caused_by", "inputs")}
    return Line(at_us, Event.model_validate({**fields, **many}))


def _parse_actor(scan: _Scanner) -> tuple[str, str | None]:
    if scan.peek() == '"':
        actor = scan.word(_BARE_PATH, "an actor")
        return actor, scan.word(_BARE_NAME, "an incarnation") if scan.skip("##") else None
    instance = scan.word(_BARE_NAME, "an actor such as cp-1/pool")
    incarnation = None
    if scan.skip("##"):
        incarnation = scan.word(_BARE_NAME, "an incarnation")
    elif scan.skip("#"):
        incarnation = f"{instance}-{scan.word(_BARE_NAME, 'the last part of an incarnation')}"
    return instance + (scan.take(re.compile(r"/[A-Za-z0-9_.:/-]*")) or ""), incarnation


def _parse_commit(scan: _Scanner, at_us: int) -> dict[str, Any]:
    scan.skip("@")
    digits = scan.take(re.compile(r"-?\d+"))
    fields = {} if digits is None else {"revision": int(digits)}
    return fields if scan.skip("?") else {**fields, "commit_time": moment(at_us)}


def _parse_ref(scan: _Scanner) -> Ref:
    scan.skip(">")
    first = scan.word(_BARE_ROLE, "a ref such as >worker/w-1 or >owner:control_plane/cp-1")
    if scan.skip(":"):
        kind, name = scan.object()
        return Ref(role=first, kind=kind, id=name)
    scan.need("/")
    return Ref(role=first, kind=first, id=scan.word(_BARE_PATH, "the id of an object"))


def _parse_input(scan: _Scanner) -> Input:
    source = scan.word(_BARE_ROLE, "a source such as cache or store")
    scan.need(":")
    kind, name = scan.object()
    version = scan.take(re.compile(r"-?\d+")) if scan.skip("@") else None
    age_us = scan.duration() if scan.skip("~") else None
    digest = scan.word(_BARE_NAME, "a digest") if scan.skip("#") else None
    return Input.model_validate(
        {
            "source": source,
            "kind": kind,
            "id": name,
            "version": None if version is None else int(version),
            "age_ms": None if age_us is None else age_us // 1000,
            "digest": digest,
        }
    )


def _parse_named(scan: _Scanner, fields: dict[str, Any]) -> None:
    """`name=value`: part of the envelope where the name is one of its words and not quoted, else an own field."""
    quoted = scan.peek() == '"'
    name = scan.word(_FIELD, "name=value")
    scan.need("=")
    if quoted or name not in _ENVELOPE:
        value, is_duration = scan.value()
        fields["data"][f"{name}_us" if is_duration else name] = value
    elif name == "saw":
        fields["inputs"].append(_parse_input(scan))
    else:
        fields[{"run": "run_id", "id": "event_id"}.get(name, name)] = scan.value()[0]


class _Scanner:
    """Reads a line from left to right; says what it expected, and at which column."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, expected: str) -> NotationError:
        rest = printable(self.text[self.at : self.at + 20]) or "the end of the line"
        return NotationError(f"reading `{printable(self.text)}`: expected {expected} at column {self.at + 1}, found `{rest}`")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def skip(self, mark: str) -> bool:
        there = self.text.startswith(mark, self.at)
        self.at += len(mark) if there else 0
        return there

    def need(self, mark: str) -> None:
        if not self.skip(mark):
            raise self.fail(repr(mark))

    def spaces(self) -> bool:
        return bool(self.take(_SPACES))

    def more(self) -> bool:
        """Step over the space before the next token; False at the end of the line."""
        spaced = self.spaces()
        if self.at == len(self.text):
            return False
        if not spaced:
            raise self.fail("a space or the end of the line")
        return True

    def json(self) -> Any:
        try:
            value, self.at = json.JSONDecoder().raw_decode(self.text, self.at)
        except (ValueError, RecursionError):
            raise self.fail("a value: a word, a number, a duration or JSON") from None
        return value

    def word(self, bare: re.Pattern[str], expected: str) -> str:
        """A bare word or a JSON string."""
        word = self.json() if self.peek() == '"' else self.take(bare)
        if word is None:
            raise self.fail(expected)
        return str(word)

    def object(self) -> tuple[str, str]:
        kind = self.word(_BARE_ROLE, "an object such as worker/w-1")
        self.need("/")
        return kind, self.word(_BARE_PATH, "the id of an object")

    def duration(self) -> int:
        us = self._duration()
        if us is None:
            raise self.fail("a duration such as 5s, 1m30s or 250ms")
        return us

    def skew(self) -> int:
        ahead = self.skip("+")
        us = self.duration()
        return us if ahead or us < 0 else -us

    def value(self) -> tuple[Any, bool]:
        """A value, and whether it was a duration."""
        us = self._duration()
        if us is not None:
            return us, True
        word = self.take(_BARE_VALUE)
        if word is None:
            return self.json(), False
        return _CONSTANTS.get(word, word), False

    def _duration(self) -> int | None:
        match = DURATION.match(self.text, self.at)
        us = microseconds(match[0]) if match else None
        if match is None or us is None:
            return None
        self.at = match.end()
        return us
