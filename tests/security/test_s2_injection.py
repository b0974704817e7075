"""S2: text is bound to a query, and never becomes part of one. That no query is put together from values, tests/test_house.py holds."""

from __future__ import annotations

from itertools import product

from ingest.errors import UsageError
from tests.timeline.conftest import LOSE, NOISE, RUN
from tests.timeline.tiny_replayer import record
from timeline.api import Timeline

SCHEMA = "SELECT sql FROM duckdb_tables() ORDER BY sql"
OPENINGS = [
    "'", '"', "\\'", "''", "`", "$$", "x'; ", "x' OR '1'='1", 'x" OR "1"="1', "1) ",
    "1; ", "/* ", "-- ", "\x00'", "\u2019", "%27", "{", "%s", ":a", "$1",
]  # fmt: skip
ENDINGS = [
    "", "DROP TABLE event", "; DELETE FROM event; --", " UNION SELECT * FROM event_object --", "; ATTACH 'canary.duckdb'; --",
    "; COPY event TO 'canary.csv'; --", " || read_text('/etc/passwd')", "; SET enable_external_access = true; --",
    "') FROM event --", "\n;CHECKPOINT",
]  # fmt: skip
HERE = object()
"""Where the text goes."""
QUESTIONS: list[tuple[str, tuple[object, ...]]] = [
    ("show", (HERE,)),
    ("show", ("lease/janitor", HERE)),
    ("objects", (HERE,)),
    ("objects", (None, HERE)),
    ("state", (0, HERE)),
    ("detect", ((), None, None, HERE)),
    ("moment", (HERE,)),
    ("why", (HERE,)),
]
INJECTIONS = [opening + ending for opening, ending in product(OPENINGS, ENDINGS)]


def test_s2_no_parameter_reaches_the_query():
    """200 strings as the name of an object, a run, a detector, a parameter, a moment, a finding: refused, or nothing found."""
    assert len(set(INJECTIONS)) == 200
    with Timeline.in_memory(record(RUN, [*NOISE, LOSE], {"runs_once": True}).lines) as log:
        before = log.sql(SCHEMA), log.sql("SELECT count(*) FROM event")
        for text in INJECTIONS:
            for question, arguments in QUESTIONS:
                try:
                    answer = getattr(log, question)(*(text if argument is HERE else argument for argument in arguments))
                except UsageError:
                    continue
                assert question == "objects", text
                assert answer.is_empty()
        assert all(now.equals(then) for now, then in zip((log.sql(SCHEMA), log.sql("SELECT count(*) FROM event")), before, strict=True))
