"""The judgements of a process, kept for whoever asks again: pages of a server judge one log again and again.

A judgement is kept under the edition of the file that it is of, and nobody changes the file while it is open; so it is never
out of date. Who is given one changes nothing in it.
"""

from __future__ import annotations

import threading

from ingest.database import Database, first_row
from timeline.findings import Report, detect, report_on

KEPT_MAX = 4
"""Judgements that are kept, the newest."""

Key = tuple[object, ...]

_kept: dict[Key, Report] = {}
_turn = threading.Lock()
"""One judges at a time: who wants the same finds it afterwards, and the others share the processors in any case."""


def judged(database: Database, run_id: str | None = None, as_of_us: int | None = None) -> Report:
    """What `detect` says, with every detector as it is, of the log or a run of it."""
    if database.edition is None:
        return detect(database.connection, run_id=run_id, as_of_us=as_of_us)
    # DuckDB gives whoever opens a path again the file that it has open under that name, though another one lies there now.
    held = first_row(database.connection, "SELECT count(*), bit_xor(hash(log_bounds)) FROM log_bounds")
    if as_of_us is not None:
        return _once((database.edition, held, run_id, as_of_us), database, run_id, as_of_us)
    whole = _once((database.edition, held), database, None, None)
    return whole if run_id is None else report_on(database.connection, run_id, whole)


def _once(key: Key, database: Database, run_id: str | None, as_of_us: int | None) -> Report:
    with _turn:
        if key not in _kept:
            _kept[key] = detect(database.connection, run_id=run_id, as_of_us=as_of_us)
            for oldest in list(_kept)[:-KEPT_MAX]:
                del _kept[oldest]
        return _kept[key]
