"""Which objects a log names, by kind and by part of a name: for choosing one among a million."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

_KINDS = "SELECT kind, count(DISTINCT id) FROM event_object WHERE run_id = $run GROUP BY kind ORDER BY kind"

_IDS = """
SELECT id, count(*) OVER () AS there
FROM (SELECT DISTINCT id FROM event_object WHERE run_id = $run AND kind = $kind AND contains(lower(id), lower($part)))
ORDER BY coalesce(list_position($first::VARCHAR[], id), 2147483647), id
LIMIT $most
"""

_RUNS = "SELECT DISTINCT run_id FROM event_object WHERE kind = $kind AND id = $id ORDER BY run_id"


def kinds_of(connection: DuckDBPyConnection, run_id: str) -> dict[str, int]:
    """The kinds of objects of a run, and how many there are of each."""
    return dict(connection.execute(_KINDS, {"run": run_id}).fetchall())


def ids_of(
    connection: DuckDBPyConnection, run_id: str, kind: str, part: str = "", first: Sequence[str] = (), most: int = 200
) -> tuple[list[str], int]:
    """At most `most` objects of a kind whose id has `part` in it, those of `first` before the others; and how many there are."""
    rows = connection.execute(_IDS, {"run": run_id, "kind": kind, "part": part, "first": list(first), "most": most}).fetchall()
    return [id_ for id_, _ in rows], rows[0][1] if rows else 0


def runs_with(connection: DuckDBPyConnection, kind: str, id_: str) -> list[str]:
    """The runs that name an object."""
    return [run for (run,) in connection.execute(_RUNS, {"kind": kind, "id": id_}).fetchall()]
