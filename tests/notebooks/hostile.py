"""Texts that want to be obeyed, and a log whose every string field says one of them.

Each payload has a number; what it sets, asks for and shows carries that number, so that a failure names the field that got through.
The families are those of reliability.md 5b.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ingest.events import KINDS, Decision
from reference_cluster.demo import DEMO
from timeline.api import Timeline

DEMO_RUN, EVERY_KIND = "demo", "every-kind"
"""The leaking cluster as it is, and a run with one event of every kind."""
HALVES = ("half-0", "half-1")
"""The objects of which every event of that run names one: a page lists only so many decisions about one object."""
LONG = (1 << 20) - 8192
"""Characters of the longest text: a line has room for a mebibyte."""
IDENTIFIER_MAX = 200

Family = Callable[[int, str], str]


def _mark(number: int) -> str:
    """A statement that leaves the number where a test looks."""
    return f"top.owned=(top.owned||[]).concat({number})"


FAMILIES: dict[str, Family] = {
    "script": lambda n, _: f"<script>{_mark(n)}</script>",
    "attribute": lambda n, _: f"<img src=x{n} onerror='{_mark(n)}'>",
    "attribute of a body": lambda n, _: f"<body onload='{_mark(n)}'><details open ontoggle='{_mark(n)}'>",
    "frame of a document": lambda n, _: f"<iframe srcdoc='<script>{_mark(n)}</script>'></iframe>",
    "frame that loads": lambda n, at: f"<iframe src={at}/{n}/frame onload='{_mark(n)}'></iframe>",
    "script from data": lambda n, _: f'<script src="data:text/javascript,{_mark(n)}"></script>',
    "script from elsewhere": lambda n, at: f"<script src={at}/{n}/script.js></script>",
    "address that runs": lambda n, _: f"<a href='javascript:{_mark(n)}'>owned {n}</a>",
    "drawing": lambda n, _: f"<svg onload='{_mark(n)}'></svg>",
    "refresh": lambda n, at: f"<meta http-equiv=refresh content='0;url={at}/{n}/refresh'>",
    "form": lambda n, at: f"<form action='{at}/{n}/form'><input name=x autofocus onfocus='{_mark(n)}'></form>",
    "style": lambda n, at: f"<style>@import '{at}/{n}/style.css'</style>",
    "base": lambda n, at: f"<base href='{at}/{n}/base/'>",
    "mime of a page": lambda n, _: f"text/html:<iframe srcdoc='<script>{_mark(n)}</script>'></iframe>",
    "mime of a picture": lambda n, at: f"image/png:{at}/{n}/mime.png",
    "mime of a video": lambda n, at: f"video/mp4:{at}/{n}/mime.mp4",
    "mime of prose": lambda n, at: f"text/markdown:![x]({at}/{n}/prose.png)",
    "mime of broken JSON": lambda n, _: f"application/json:{{bad {n}",
    "mime of a chart": lambda n, at: f'application/vnd.vegalite.v5+json:{{"data":{{"url":"{at}/{n}/vega.json"}}}}',
    "bare picture": lambda n, at: f"{at}/{n}/bare.png",
    "address in a text": lambda n, at: f"see {at}/{n}/seen.png for more",
    "picture and link of prose": lambda n, at: f"![x]({at}/{n}/picture.png) [x]({at}/{n}/link)",
    "element of the page": lambda n, _: f"<marimo-ui-element object-id={n}><marimo-button data-label=x></marimo-button>",
    "diagram": lambda n, at: f"```mermaid graph TD; A{n}-->B; click A{n} href '{at}/{n}/mermaid' ```",
    "formula": lambda n, at: f"$\\href{{javascript:{_mark(n)}}}{{x}}$ $$\\includegraphics{{{at}/{n}/formula.png}}$$",
    "template": lambda n, _: f"{{{{7*7}}}} ${{{_mark(n)}}} <%= {n} %>",
    "end of what is around it": lambda n, _: f"--></script></style></textarea></title></td></table></pre><script>{_mark(n)}</script>",
    "end of an attribute": lambda n, _: f"\" autofocus onfocus=\"{_mark(n)}\" ' onmouseover='{_mark(n)}' x=",
    "expression": lambda n, _: f"datum.x{n}; {_mark(n)}",
    "name with dots and brackets": lambda n, _: f"a.b[0]['c{n}']\\.d",
    "hidden and reversed": lambda n, _: f"a\u202e\u200b\u2066b{n}\ufeff\x1b[31m",
}  # fmt: skip  # a table
"""What each family makes of a number and the address of the canary."""


@dataclass
class Payloads:
    """Payloads in order of their numbers."""

    canary: str
    texts: list[str] = field(default_factory=list)
    aside: set[int] = field(default_factory=set)
    """Numbers of those that are said where no page shows them."""

    def next(self) -> str:
        """The next payload; the families take turns."""
        number = len(self.texts)
        family = list(FAMILIES.values())[number % len(FAMILIES)]
        self.texts.append(family(number, self.canary))
        assert len(self.texts[-1]) <= IDENTIFIER_MAX
        return self.texts[-1]

    def next_aside(self) -> str:
        """The next payload, for a field that no page shows."""
        self.aside.add(len(self.texts))
        return self.next()

    def of_each_family(self) -> list[str]:
        """One of each, with numbers of their own."""
        return [self.next() for _ in FAMILIES]


# ---- the leaking cluster under other names


def renamed_demo(payloads: Payloads) -> tuple[list[bytes], str]:
    """The leaking cluster, but whatever its events name is called by a payload: objects, tenants, processes, a reason, a bug, the run."""
    lines = DEMO.record(is_fixed=False).lines
    with Timeline.in_memory(lines) as log:
        named = log.objects()["id"].to_list()
    names = {name: payloads.next() for name in dict.fromkeys([*named, "secret_create", "no_fallback_reaper", DEMO_RUN])}
    kept = [json.loads(line) for line in lines]
    return [
        json.dumps(_renamed(event, names)).encode()
        for event in kept
        if event["kind"] == "recording.started" or "recording." not in event["kind"]
    ], names[DEMO_RUN]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(name, name): _renamed(part, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


# ---- one event of every kind


def every_kind(payloads: Payloads) -> Iterator[bytes]:
    """An event of every known kind, and some of kinds that nobody knows: each string in it is a payload of its own."""
    for number, decision in enumerate(KINDS.values()):
        if not decision.kind.startswith("recording."):
            yield _line(payloads, number, decision.kind, decision.subject_kind, decision.outcomes[0], _data(decision, payloads))
    for number, _ in enumerate(FAMILIES, len(KINDS)):
        nested = {
            payloads.next(): {payloads.next(): [payloads.next()]},
            "labels": {payloads.next(): payloads.next()},
            "error": payloads.next(),
        }
        yield _line(payloads, number, payloads.next(), payloads.next(), payloads.next(), nested)
    first = len(payloads.texts)
    longest = {"text": payloads.next() + "x" * LONG}
    yield _line(payloads, len(KINDS) + len(FAMILIES), "thing.said", "thing", None, longest)
    payloads.aside.update(range(first, len(payloads.texts)))  # a page cuts what is so long, and what stands behind it


def _line(payloads: Payloads, number: int, kind: str, subject: str, outcome: str | None, data: dict[str, Any]) -> bytes:
    said, aside = payloads.next, payloads.next_aside
    event = {
        "event_id": f"{number} {aside()}"[:IDENTIFIER_MAX],
        "run_id": EVERY_KIND,
        "time": f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}Z",
        "actor": said(),
        "incarnation": aside(),
        "seq": 1,
        "kind": kind,
        "subject": {"kind": subject, "id": said()},
        "refs": [{"role": "about", "kind": "thing", "id": HALVES[number % 2]}, {"role": said(), "kind": said(), "id": said()}],
        "workload": said(),
        "caused_by": [aside()],
        "inputs": [{"source": "cache", "kind": said(), "id": said(), "digest": aside()}],
        "outcome": outcome,
        "reason": said(),
        "data": data,
    }
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def _data(decision: type[Decision], payloads: Payloads) -> dict[str, Any]:
    return {name: _value(info.annotation, payloads) for name, info in decision.model_fields.items()}


def _value(kind: Any, payloads: Payloads) -> Any:
    """A value of that type whose every text is a payload."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _value(parts[0], payloads)
    if origin is Literal:
        return parts[0]
    if kind is bool:
        return True
    if kind is int:
        return 1
    if kind is float:
        return 1.0
    if kind is str or kind is Any:
        return payloads.next()
    if origin in (list, tuple, Sequence):
        return [_value(parts[0], payloads)]
    if origin in (dict, Mapping):
        return {payloads.next(): _value(parts[1], payloads)}
    return _value(parts[0], payloads) if parts else payloads.next()
