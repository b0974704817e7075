"""How much room there is, how much of it is taken, who waits for it, and why: of one run, cut to what fits on a screen.

A *pool* is what has room: a tenant's cap, a fleet of workers, a node's memory, a quota. Who waits comes from the ledgers of
`timeline.why`, so the times by reason sum to the waits exactly. Each kind of workload is summed on its own: a gang and its
jobs wait for the same thing at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from ingest.database import first_row
from timeline.why import RUNNING, parts_of

PIXELS = 600
"""Steps of one pool that a chart tells apart."""
BINS = 240
"""Columns of the chart of waits."""
POOLS_MAX = 8
"""Pools that are drawn, the fullest first."""
LONGEST_MAX = 12
"""Workloads of each kind that are listed, those that waited longest."""

FLEET = "all workers"
"""The one pool of a fleet."""

# A pool of slots is full when none is left; one of memory, when the smallest thing does not fit.
_STEPS = """
SELECT 'org' AS pool_kind, org AS pool, 'workers' AS unit, ts_us, ts_us + dur_us AS until_us, active AS used, cap AS room, 1 AS least
FROM org_slots WHERE run_id = $run
UNION ALL
SELECT 'fleet', $fleet, 'workers', ts_us, ts_us + dur_us, used, room, 1 FROM fleet_slots WHERE run_id = $run
UNION ALL
SELECT 'node', node, 'MB', ts_us, ts_us + dur_us, used_mb, room_mb, coalesce(least_mb, 1) FROM node_room WHERE run_id = $run
UNION ALL
SELECT 'quota', quota, 'slots', ts_us, coalesce(until_us, end_us), slots - free, slots, 1
FROM quota_room JOIN log_bounds ON log_bounds.run_id = quota_room.run_id WHERE quota_room.run_id = $run
ORDER BY pool_kind, pool, ts_us, until_us
"""

POOL = ["pool_kind", "pool"]
LIFE = ["workload_kind", "workload_id"]


@dataclass(frozen=True)
class Capacity:
    """What a page of capacity shows. Times are microseconds UTC."""

    run_id: str
    start_us: int
    end_us: int
    at_us: int
    """The moment that is looked at; where the log ends, if nobody asked for another."""
    pools: pl.DataFrame
    """A row a pool, the fullest first: pool_kind, pool, unit, room, used and waiting at the moment `at_us`, peak, full_us, unmet (most
    that waited at once), waited_us (for room in it)."""
    steps: pl.DataFrame
    """What is drawn of them: pool_kind, pool, ts_us, until_us, used, room, demand (used and waiting), pieces."""
    reasons: pl.DataFrame
    """Every reason of a wait, the longest first: workload_kind, reason, workloads, waited_us, share of that kind's waits."""
    waiting: pl.DataFrame
    """How many waited on average, bin by bin: workload_kind, reason, ts_us, until_us, waiting. Summed over time it is `waited_us`."""
    longest: pl.DataFrame
    """Those that waited longest: workload_kind, workload_id, waited_us, reason (the longest), is_open."""
    workloads: dict[str, int]
    """How many there are, by kind."""
    asked: frozenset[str]
    """Kinds of pools that a workload may be said to wait for; of others nobody says in which of them it waits."""
    folded: int
    """Steps of pools that became part of another step."""


def capacity_of(connection: DuckDBPyConnection, run_id: str, at_us: int | None = None) -> Capacity:
    """The pools and the waits of that run; what is taken at the moment `at_us`, or where the log ends."""
    start_us, end_us = first_row(connection, "SELECT start_us, end_us FROM log_bounds WHERE run_id = $run", {"run": run_id}) or (0, 0)
    parts = parts_of(connection, run_id)
    used = connection.execute(_STEPS, {"run": run_id, "fleet": FLEET}).pl()
    asking = _asking(parts)
    steps = _with_demand(used, asking.filter(pl.col("ts_us") < pl.col("until_us")))
    at_us = end_us if at_us is None else min(max(at_us, start_us), end_us)
    pools = _pools(steps, at_us)
    kept = pools.head(POOLS_MAX)
    drawn = _fold(steps.join(kept, on=POOL, how="semi"), start_us, end_us)
    waits = parts.filter((pl.col("reason") != RUNNING) & (pl.col("dur_us") > 0))
    return Capacity(
        run_id=run_id,
        start_us=start_us,
        end_us=end_us,
        at_us=at_us,
        pools=pools,
        steps=drawn,
        reasons=_reasons(waits),
        waiting=_binned(waits, start_us, end_us),
        longest=_longest(waits),
        workloads=dict(parts.group_by("workload_kind").agg(pl.col("workload_id").n_unique()).sort("workload_kind").rows()),
        asked=frozenset(asking["pool_kind"]),
        folded=int(drawn["pieces"].sum()) - len(drawn),
    )


# ---- pools


def _asking(parts: pl.DataFrame) -> pl.DataFrame:
    """Who waits for room in which pool, as the ledgers say it: pool_kind, pool, ts_us, until_us."""
    named = parts.with_columns(pl.col("waits_for").str.splitn("/", 2).struct.rename_fields(POOL).alias("named")).unnest("named")
    return named.select(*POOL, "ts_us", until_us=pl.col("ts_us") + pl.col("dur_us")).drop_nulls("pool")


def _with_demand(used: pl.DataFrame, asking: pl.DataFrame) -> pl.DataFrame:
    """The steps of each pool, cut where somebody begins or stops to wait: with `waiting` and `demand`."""
    begun = asking.select(*POOL, pl.col("ts_us"), edge=pl.lit(1, pl.Int64))
    ended = asking.select(*POOL, pl.col("until_us").alias("ts_us"), edge=pl.lit(-1, pl.Int64))
    edges = pl.concat([begun, ended]).group_by(*POOL, "ts_us").agg(pl.col("edge").sum())
    last = used.group_by(POOL).agg(pl.col("until_us").max().alias("end_us"))
    standing = used.select(*POOL, "unit", "ts_us", "used", "room", "least").unique([*POOL, "ts_us"], keep="last", maintain_order=True)
    carried = ["unit", "used", "room", "least"]
    return (
        standing.join(edges.join(last, on=POOL, how="semi"), on=[*POOL, "ts_us"], how="full", coalesce=True)
        .sort(*POOL, "ts_us")
        .with_columns(pl.col(carried).forward_fill().over(POOL), waiting=pl.col("edge").fill_null(0).cum_sum().over(POOL))
        .with_columns(pl.col("unit", "least").backward_fill().over(POOL), pl.col("used").fill_null(0))
        .join(last, on=POOL)
        .with_columns(until_us=pl.coalesce(pl.col("ts_us").shift(-1).over(POOL), "end_us"))
        .with_columns(dur_us=pl.max_horizontal(pl.col("until_us") - pl.col("ts_us"), 0), demand=pl.col("used") + pl.col("waiting"))
    )


def _pools(steps: pl.DataFrame, at_us: int) -> pl.DataFrame:
    has_begun = pl.col("ts_us") <= at_us
    is_full = pl.col("room").is_not_null() & (pl.col("room") - pl.col("used") < pl.col("least"))
    return (
        steps.group_by(POOL, maintain_order=True)
        .agg(
            pl.col("unit").last(),
            pl.col("room").filter(has_begun).last(),
            pl.col("used").filter(has_begun).last().fill_null(0),
            pl.col("waiting").filter(has_begun).last().fill_null(0),
            peak=pl.col("used").max(),
            full_us=pl.col("dur_us").filter(is_full).sum(),
            unmet=pl.col("waiting").max(),
            waited_us=(pl.col("waiting") * pl.col("dur_us")).sum(),
        )
        .sort("full_us", "waited_us", "peak", *POOL, descending=[True, True, True, False, False])
    )


def _fold(steps: pl.DataFrame, start_us: int, end_us: int) -> pl.DataFrame:
    """Steps of a pool that begin within the same pixel become one, which shows the most that was taken and wanted in it.

    The last of them stays as it is: it may go on long after the pixel.
    """
    values = ("used", "room", "demand")
    pixel = [*POOL, (pl.col("ts_us") - start_us) * PIXELS // max(end_us - start_us, 1)]
    placed = steps.select(
        *POOL, "ts_us", "until_us", *values, is_last=pl.col("ts_us") == pl.col("ts_us").max().over(pixel), pixel=pixel[-1]
    )
    folded = (
        placed.filter(~pl.col("is_last"))
        .group_by(*POOL, "pixel", maintain_order=True)
        .agg(pl.col("ts_us").min(), pl.col("until_us").max(), *(pl.col(name).max() for name in values), pieces=pl.len())
    )
    alone = placed.filter("is_last").select(*POOL, "pixel", "ts_us", "until_us", *values, pieces=pl.lit(1).cast(folded.schema["pieces"]))
    return pl.concat([folded, alone]).sort(*POOL, "ts_us", "until_us").drop("pixel")


# ---- waits


def _reasons(waits: pl.DataFrame) -> pl.DataFrame:
    return (
        waits.group_by("workload_kind", "reason")
        .agg(workloads=pl.col("workload_id").n_unique(), waited_us=pl.col("dur_us").sum())
        .with_columns(share=pl.col("waited_us") / pl.col("waited_us").sum().over("workload_kind"))
        .sort("waited_us", "workload_kind", "reason", descending=[True, False, False])
    )


def _longest(waits: pl.DataFrame) -> pl.DataFrame:
    by_reason = waits.group_by(*LIFE, "reason").agg(pl.col("dur_us").sum(), pl.col("is_open").any())
    return (
        by_reason.sort("dur_us", "reason", descending=[True, False])
        .group_by(LIFE, maintain_order=True)
        .agg(waited_us=pl.col("dur_us").sum(), reason=pl.col("reason").first(), is_open=pl.col("is_open").any())
        .sort("waited_us", *LIFE, descending=[True, False, False])
        .filter(pl.int_range(pl.len()).over("workload_kind") < LONGEST_MAX)
    )


def _binned(waits: pl.DataFrame, start_us: int, end_us: int) -> pl.DataFrame:
    """How many waited on average in each of BINS stretches of the log, by reason."""
    series = ["workload_kind", "reason"]
    begun = waits.select(*series, at_us=pl.col("ts_us"), edge=pl.lit(1, pl.Int64))
    ended = waits.select(*series, at_us=pl.col("ts_us") + pl.col("dur_us"), edge=pl.lit(-1, pl.Int64))
    # Time waited since the log began, at every change; between two changes it grows by as many as wait.
    so_far = (
        pl.concat([begun, ended])
        .group_by(*series, "at_us")
        .agg(pl.col("edge").sum())
        .sort(*series, "at_us")
        .with_columns(waiting=pl.col("edge").cum_sum().over(series))
        .with_columns(grown=(pl.col("waiting") * (pl.col("at_us").shift(-1) - pl.col("at_us"))).fill_null(0).over(series))
        .with_columns(since_us=pl.col("at_us"), waited_us=(pl.col("grown").cum_sum() - pl.col("grown")).over(series))
    )
    edges = [start_us + (end_us - start_us) * place // BINS for place in range(BINS + 1)]
    grid = waits.select(series).unique().join(pl.DataFrame({"at_us": sorted(set(edges))}, schema={"at_us": pl.Int64}), how="cross")
    known = grid.sort("at_us").join_asof(so_far.sort("at_us"), on="at_us", by=series, check_sortedness=False)
    total = (pl.col("waited_us") + pl.col("waiting") * (pl.col("at_us") - pl.col("since_us"))).fill_null(0)
    return (
        known.with_columns(total=total)
        .sort(*series, "at_us")
        .with_columns(until_us=pl.col("at_us").shift(-1).over(series), later=pl.col("total").shift(-1).over(series))
        .drop_nulls("until_us")
        .select(
            *series,
            ts_us="at_us",
            until_us="until_us",
            waiting=(pl.col("later") - pl.col("total")) / (pl.col("until_us") - pl.col("at_us")),
        )
        .filter(pl.col("waiting") > 0)
    )
