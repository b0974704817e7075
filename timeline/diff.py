"""Two streams of decisions held against each other: the first that differs, and what they had in common before.

Events are matched by id, which names a place in its actor's own stream. So a lost line does not shift all that follow,
and the first divergence is the earliest event that one stream has otherwise, or has not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import polars as pl
from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from timeline.story import decisions

COMMON = 10
"""How many events before the first divergence are shown."""

TRAIL_BLOCK = 64
"""Events between two entries of a seed's trail."""

STREAM_READS = frozenset({"event_time", "log_bounds", "observation_lag"})
"""The models that a stream and the words for its events come from."""

_STREAM = """
WITH
  object AS (
    SELECT event_no, string_agg(concat_ws('/', role, kind, id), ' ' ORDER BY role, kind, id) AS named
    FROM event_object WHERE run_id = $run GROUP BY event_no
  ),
  cause AS (SELECT event_no, string_agg(cause_id, ' ' ORDER BY cause_id) AS named FROM event_cause WHERE run_id = $run GROUP BY event_no)
SELECT event.event_id, time.position, time.at_us, event.actor, event.kind,
       hash(event.ts_us, event.actor, event.incarnation, event.seq, event.clock, event.kind, event.revision, event.commit_us, object.named,
            cause.named, event.workload, event.generation, event.epoch, event.outcome, event.reason, event.inputs, event.data) AS content
FROM event
JOIN event_time AS time USING (event_no)
LEFT JOIN object USING (event_no)
LEFT JOIN cause USING (event_no)
WHERE event.run_id = $run
ORDER BY time.position
"""


class Divergence(BaseModel):
    """The first decision that differs between two streams."""

    model_config = ConfigDict(frozen=True)

    index: int
    """Its place in the stream, from 0."""
    at_us: int | None
    """When it happened."""
    actor: str | None
    """Who decided; null where only a block of events is known."""
    expected: str | None
    """The decision of the first stream in the notation; null where it has none."""
    actual: str | None
    """The decision of the second stream in the notation; null where it has none."""
    common: list[str]
    """The last decisions that both streams have, oldest first."""


class Stream:
    """The decisions of one run, as they stand in a database."""

    def __init__(self, connection: DuckDBPyConnection, run_id: str) -> None:
        self._connection = connection
        self._run_id = run_id
        self.frame: pl.DataFrame = connection.execute(_STREAM, {"run": run_id}).pl()
        """event_id, position (from 1), at_us, actor, content (a hash), in order of position."""

    def text(self, event_ids: Sequence[str]) -> list[str]:
        """Those events in the notation, in order of position."""
        return [decision.line for decision in decisions(self._connection, self._run_id, event_ids)]


def first_divergence(expected: Stream, actual: Stream, *, is_cut: bool = False) -> Divergence | None:
    """The earliest event that differs; null where the streams are equal.

    `is_cut`: the expected stream ends early, so what comes after its end in the other one is no difference.
    """
    differing = _differing(expected, actual, is_cut=is_cut)
    if differing.is_empty():
        return None
    first = differing.row(0, named=True)
    before = expected.frame.filter(pl.col("position") < first["place"]).tail(COMMON)["event_id"].to_list()
    name = [first["event_id"]]
    return Divergence(
        index=first["place"] - 1,
        at_us=first["at_us"],
        actor=first["actor"],
        expected=next(iter(expected.text(name)), None) if first["content"] is not None else None,
        actual=next(iter(actual.text(name)), None) if first["content_actual"] is not None else None,
        common=expected.text(before),
    )


def changed_kinds(expected: Stream, actual: Stream) -> pl.DataFrame:
    """How many decisions of each kind differ. Columns: kind, changed, missing (only in the first stream), added (only in the second)."""
    first, second = pl.col("content").is_not_null(), pl.col("content_actual").is_not_null()
    return (
        _differing(expected, actual)
        .group_by("kind")
        .agg(changed=(first & second).sum(), missing=(first & ~second).sum(), added=(~first & second).sum())
        .sort("kind")
    )


def _differing(expected: Stream, actual: Stream, *, is_cut: bool = False) -> pl.DataFrame:
    """The events that are not the same in both, earliest first."""
    both = expected.frame.join(actual.frame, on="event_id", how="left" if is_cut else "full", suffix="_actual", coalesce=True)
    either = {name: pl.coalesce(name, f"{name}_actual") for name in ("actor", "kind")}
    return (
        both.filter(pl.col("content").ne_missing(pl.col("content_actual")))
        .with_columns(at_us=pl.min_horizontal("at_us", "at_us_actual"), place=pl.min_horizontal("position", "position_actual"), **either)
        .sort("at_us", "place", "event_id")
    )


def divergence_in_trail(expected: Sequence[str], actual: Sequence[str], stream: Stream) -> Divergence | None:
    """The first block of 64 events whose running digest differs; all that a seed alone can tell."""
    pairs = list(zip_longest(expected, actual))
    block = next((number for number, (left, right) in enumerate(pairs) if left != right), len(pairs))
    index = block * TRAIL_BLOCK
    at = stream.frame.slice(index, 1)["at_us"].to_list()
    before = stream.frame.slice(max(index - COMMON, 0), min(COMMON, index))["event_id"].to_list()
    left, right = pairs[block] if block < len(pairs) else (None, None)
    last = f"events {index} to {index + TRAIL_BLOCK - 1}"
    return Divergence(
        index=index,
        at_us=at[0] if at else None,
        actor=None,
        expected=f"{last} with digest {left}" if left else None,
        actual=f"{last} with digest {right}" if right else None,
        common=stream.text(before),
    )
