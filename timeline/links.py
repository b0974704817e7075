"""Addresses that open a notebook at a place: an alert, the command line and the notebooks lead to one another by them.

    /what_happened?run=demo&object=worker/w-1&as_of=2026-01-01T00:05:00Z

Every parameter may be left out. What a log names is percent-encoded, whatever is in it. Who reads an address believes
nothing of it: a value that is not in the log is said on the page, and the page opens without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict, Unpack, cast
from urllib.parse import quote

from timeline.moment import shown


class Link(NamedTuple):
    """A text that leads to a notebook; the address is one that `notebook_link` made."""

    text: object
    address: str


class Place(TypedDict, total=False):
    """Where a notebook opens. What is None is left out, as if it were not given."""

    run: str | None
    object: str | None
    """`kind/id`."""
    finding: str | None
    """Its id, or the beginning of it."""
    detector: str | None
    severity: str | None
    as_of: int | str | None
    """Microseconds UTC, or a moment as a person writes it (`timeline.moment.FORMS`)."""
    seed: str | None
    """Path of a replay seed."""


PARAMETERS = tuple(Place.__annotations__)
"""The parameters that an address may have, in their order."""


def notebook_link(base: str, notebook: str, **place: Unpack[Place]) -> str:
    """The address of a notebook at a place.

    `base` is the address of the server (`http://127.0.0.1:2718`); empty, the link leads from one notebook to another.
    """
    said = {name: shown(value) if isinstance(value, int) else value for name, value in place.items() if value is not None}
    query = "&".join(f"{name}={_encoded(str(said[name]))}" for name in PARAMETERS if name in said)
    return f"{base.rstrip('/')}/{_encoded(notebook)}{'?' if query else ''}{query}"


def place_of(query: Mapping[str, str | Sequence[str]]) -> Place:
    """Where an address leads, from its query parameters, decoded. Others are not ours; of one that is there twice the last holds."""
    said = {name: query[name] for name in PARAMETERS if query.get(name)}
    return cast(Place, {name: value if isinstance(value, str) else value[-1] for name, value in said.items()})


def _encoded(text: str) -> str:
    """Only letters, digits, `-._~` and the slash and colon that make it readable are left as they are."""
    return quote(text, safe="/:", errors="replace")
