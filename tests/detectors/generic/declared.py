"""Logs of somebody else's program: lines of a plain form, a mapping for them, and what their kinds mean.

A line is `5s granted l-1 by c-1 op 7 in s-1 seq 4`: the time, the kind, the thing; then who did it, which question it answers,
what the thing is a part of, and its number in the stream of who wrote it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from textwrap import dedent

from ingest.load import load
from tests.detectors.together import Told
from timeline import catalog
from timeline.blank import blank
from timeline.refresh import refresh

GENERIC = [name for name in catalog.read(catalog.DETECTORS) if name.startswith("generic/")]
REST = "".join(rf"(?: {word} (?P<{word}>\S+))?" for word in ("by", "op", "in", "seq"))
MAPPING = """
    title = "a story"
    run = "run"
    is_whole = {is_whole}
    order = "{order}"

    [line]
    form = "text"
    regex = '^(?P<at>[0-9.]+)s (?P<kind>\\w+) (?P<thing>\\S+){rest}$'

    [time]
    field = "at"
    origin = "2026-01-01T00:00:00Z"

    [[event]]
    kind = "thing.{{kind}}"

    [every]
    actor = "server"
    incarnation = "server-a"
    seq = "{{seq}}"
    subject = {{ kind = "thing", id = "{{thing}}" }}
    refs = [
        {{ role = "holder", kind = "client", id = "{{by}}" }},
        {{ role = "op", kind = "op", id = "{{op}}" }},
        {{ role = "scope", kind = "scope", id = "{{in}}" }},
    ]
"""

LOCK = """
    [activity.lock]
    holder = "holder"
    operation = "op"
    [activity.lock.kinds]
    "thing.asked" = "acquire_attempted"
    "thing.granted" = "acquired"
    "thing.refused" = "acquire_refused"
    "thing.renewed" = "renewed"
    "thing.leaving" = "release_attempted"
    "thing.left" = "released"
    "thing.kept" = "release_refused"
    "thing.died" = "gone"
"""

PAIR = """
    [activity.pair]
    holder = "holder"
    scope = "scope"
    [activity.pair.kinds]
    "thing.started" = "started"
    "thing.opened" = "opened"
    "thing.ended" = "ended"
    "thing.closed" = "closed"
    "thing.died" = "gone"
"""

PLACE = """
    [activity.place]
    within = { placed = "10m", running = "10m" }
    [activity.place.kinds]
    "thing.unplaced" = "place_failed"
    "thing.placed" = "placed"
    "thing.pulled" = "observed"
    "thing.ran" = "running"
    "thing.dropped" = "dropped"
"""


def log(activity: str, lines: str, *, is_whole: bool = False, order: str = "file") -> Told:
    """These lines, by the mapping above, in a database of their own."""
    said = [line.strip() for line in dedent(lines).splitlines() if line.strip()]
    mapping = dedent(MAPPING).format(is_whole=str(is_whole).lower(), order=order, rest=REST) + dedent(activity)
    database = blank()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "story.toml").write_text(mapping)
        (Path(folder) / "story.log").write_text("\n".join(said) + "\n")
        load(database, [Path(folder) / "story.log"], mapping=str(Path(folder) / "story.toml")).check(is_strict=True)
    refresh(database.connection)
    return Told(database.connection)
