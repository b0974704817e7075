"""Why a workload waits, held against the events of simulated runs: each part of its life is there once, and nothing is left over."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import polars as pl
import pytest

from reference_cluster import scenario
from tests.cluster.runs import BUGS, SCENARIOS, decisions, renamed, run_of
from timeline.api import Timeline

SEEDS = 200
CUTS = 16
REASONS = {
    "queue", "no_capacity", "back_off", "lock_not_held", "dependency", "reservation_wait", "gang_peer_missing", "running", "lost_worker",
    "draining", "preempted",
}  # fmt: skip
"""There is no other: whatever happens is one of them."""
LIFE = ["run_id", "workload_kind", "workload_id"]

# From the events alone: a job from its submission to its end, a gang from its own to the end of its last member.
LIVES = """
WITH
  job AS (
    SELECT
      run_id, subject_id, max(gang) AS gang,
      min(at_us) FILTER (WHERE kind = 'job.submitted') AS since_us,
      min(at_us) FILTER (WHERE kind IN ('job.completed', 'job.failed')) AS until_us
    FROM gang_event JOIN event_time USING (event_no, run_id)
    WHERE subject_kind = 'job'
    GROUP BY run_id, subject_id
  ),
  gang AS (
    SELECT run_id, subject_id, min(at_us) AS since_us
    FROM gang_submitted JOIN event_time USING (event_no, run_id)
    GROUP BY run_id, subject_id
  ),
  life AS (
    SELECT run_id, 'job' AS workload_kind, subject_id AS workload_id, since_us, until_us FROM job WHERE since_us IS NOT NULL
    UNION ALL
    SELECT gang.run_id, 'gang', gang.subject_id, gang.since_us, CASE WHEN count(*) = count(until_us) THEN max(until_us) END
    FROM gang JOIN job ON job.run_id = gang.run_id AND job.gang = gang.subject_id
    GROUP BY gang.run_id, gang.subject_id, gang.since_us
  )
SELECT run_id, workload_kind, workload_id, since_us, coalesce(until_us, end_us) - since_us AS whole_us, until_us IS NULL AS is_open
FROM life JOIN log_bounds USING (run_id)
ORDER BY run_id, workload_kind, workload_id
"""


# A replica from its creation to its deletion.
REPLICAS = """
SELECT
  run_id, 'replica' AS workload_kind, subject_id AS workload_id,
  min(at_us) FILTER (WHERE kind = 'replica.created') AS since_us,
  coalesce(min(at_us) FILTER (WHERE kind = 'replica.deleted'), end_us)
    - min(at_us) FILTER (WHERE kind = 'replica.created') AS whole_us,
  count(*) FILTER (WHERE kind = 'replica.deleted') = 0 AS is_open
FROM quota_event JOIN event_time USING (event_no, run_id) JOIN log_bounds USING (run_id)
WHERE subject_kind = 'replica'
GROUP BY run_id, subject_id, end_us
ORDER BY run_id, workload_kind, workload_id
"""


# A session from its request to its end; one that its control plane took along has no end of its own.
SESSIONS = """
SELECT
  run_id, 'session' AS workload_kind, subject_id AS workload_id,
  min(at_us) AS since_us, max(at_us) - min(at_us) AS whole_us, FALSE AS is_open
FROM warm_pool_event JOIN event_time USING (event_no, run_id)
WHERE kind IN (
  'acquire.queued', 'acquire.failed', 'acquire.canceled', 'acquire.abandoned', 'session.ended', 'session.failed', 'session.reaped'
)
GROUP BY run_id, subject_id
HAVING count(*) = 2
ORDER BY run_id, subject_id
"""


# A slot from the submission that its scheduler heard last, before the first schedule with it, to its removal, or its last container's end.
SLOTS = """
WITH
  slot AS (
    SELECT
      e.run_id, o.id AS slot, min(workload) AS job, min(position) FILTER (WHERE revision IS NOT NULL) AS position,
      min_by(incarnation, position) FILTER (WHERE e.kind IN ('instance.allocated', 'slot.unplaced')) AS incarnation,
      min(at_us) FILTER (WHERE e.kind IN ('slot.removed', 'instance.stopped')) AS removed_us
    FROM event AS e
    JOIN event_time USING (event_no, run_id)
    JOIN event_object AS o ON o.event_no = e.event_no AND o.kind = 'slot'
    WHERE e.kind IN ('instance.allocated', 'slot.unplaced', 'slot.removed', 'instance.stopped')
    GROUP BY e.run_id, o.id
  ),
  heard AS (SELECT * FROM submission_received JOIN event_time USING (event_no, run_id))
SELECT
  s.run_id, 'slot' AS workload_kind, slot AS workload_id,
  max(at_us) AS since_us, coalesce(removed_us, end_us) - max(at_us) AS whole_us, removed_us IS NULL AS is_open
FROM slot AS s
JOIN heard ON heard.run_id = s.run_id AND subject_id = job AND heard.incarnation = s.incarnation AND heard.position < s.position
JOIN log_bounds ON log_bounds.run_id = s.run_id
GROUP BY s.run_id, slot, removed_us, end_us
ORDER BY s.run_id, slot
"""

# A test from its opening to its close.
BARRIERS = """
SELECT
  run_id, 'barrier' AS workload_kind, subject_id AS workload_id,
  min(at_us) FILTER (WHERE kind = 'barrier.opened') AS since_us,
  coalesce(min(at_us) FILTER (WHERE kind = 'barrier.closed'), end_us) - min(at_us) FILTER (WHERE kind = 'barrier.opened') AS whole_us,
  count(*) FILTER (WHERE kind = 'barrier.closed') = 0 AS is_open
FROM barrier_event JOIN event_time USING (event_no, run_id) JOIN log_bounds USING (run_id)
WHERE kind IN ('barrier.opened', 'barrier.closed')
GROUP BY run_id, subject_id, end_us
ORDER BY run_id, subject_id
"""

FAMILIES = {
    "quota": (
        REPLICAS,
        {"queue", "quota_exceeded", "stale_cache", "no_node", "back_off", "binding", "no_leader", "starting", "running"},
    ),
    "placement": (
        SLOTS,
        {
            "scheduling", "lost_race", "no_memory", "no_node", "queue", "dispatch", "starting", "back_off", "health_check", "running",
            "unhealthy", "lost_node",
        },
    ),
    "barrier": (
        BARRIERS,
        {"member_not_started", "member_not_ready", "not_released", "releasing", "running", "not_closed"},
    ),
}  # fmt: skip
"""Of a family: its lives from the events alone, and the reasons that there are."""


def runs_of(family: str, seeds: int) -> Iterator[list[bytes]]:
    """Run after run: each scenario of the family in turn, healthy and with its planted bugs, each with a seed of its own."""
    bugs = [(bug.scenario, bug) for bug in BUGS if bug.subsystem == family]
    staged = [*((name, None) for name in SCENARIOS if scenario.load(name).system == family), *bugs]
    for seed, (name, bug) in zip(range(1, seeds + 1), itertools.cycle(staged), strict=False):
        yield decisions(run_of(name, seed, bug))


def some_runs_of(family: str) -> Iterator[list[bytes]]:
    """The scenario in which everything happens, twice, and the scenarios of some bugs with these."""
    bugs = [bug for bug in BUGS if bug.subsystem == family][:3]
    yield from (decisions(run_of(f"{family}_general", seed)) for seed in (1, 2))
    yield from (decisions(run_of(bug.scenario, 1, bug)) for bug in bugs)


def lives_by(parts: pl.DataFrame) -> list[tuple[object, ...]]:
    """What the parts make of each life: run, kind, id, where it begins, how long it is, whether it is open."""
    lives = parts.group_by(LIFE, maintain_order=True)
    return lives.agg(pl.col("ts_us").first(), pl.col("dur_us").sum(), pl.col("is_open").any()).rows()


def follows_without_gap() -> pl.Expr:
    """Whether a part begins where the one before it in its life ends, and ends no earlier than it begins."""
    before_us = (pl.col("ts_us") + pl.col("dur_us")).shift(1).over(LIFE)
    return (pl.col("ts_us") == before_us.fill_null(pl.col("ts_us"))) & (pl.col("dur_us") >= 0)


def evidence_of(parts: pl.DataFrame) -> set[tuple[str, str]]:
    """Every event that a part names, with its run."""
    return {row for column in ("event_id", "end_event_id") for row in parts.select("run_id", column).drop_nulls().rows()}


def test_the_parts_of_every_life_sum_to_the_whole_on_two_hundred_seeds() -> None:
    """Every gang, member and plain job: one reason at a time, from submission to completion, to the microsecond."""
    with Timeline.in_memory(itertools.chain.from_iterable(runs_of("gang", SEEDS))) as log:
        parts = log.waits()
        assert lives_by(parts) == log.sql(LIVES).rows()
        assert evidence_of(parts) <= set(log.sql("SELECT run_id, event_id FROM event").rows())
    assert parts.filter(follows_without_gap().not_()).is_empty()
    assert set(parts["reason"]) <= REASONS


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_of_every_life_sum_to_the_whole(family: str) -> None:
    """Every workload of the family, from its beginning to its end, when everything happens at once and with bugs planted."""
    lives, reasons = FAMILIES[family]
    with Timeline.in_memory(itertools.chain.from_iterable(some_runs_of(family))) as log:
        parts = log.waits()
        assert lives_by(parts) == log.sql(lives).rows()
        assert evidence_of(parts) <= set(log.sql("SELECT run_id, event_id FROM event").rows())
    assert parts.filter(follows_without_gap().not_()).is_empty()
    assert set(parts["reason"]) <= reasons


def test_the_parts_of_every_session_sum_to_its_life() -> None:
    """One run of every scenario of the warm pool: from the request to whatever ended it."""
    names = [name for name in SCENARIOS if scenario.load(name).system == "warm_pool"]
    with Timeline.in_memory(line for name in names for line in decisions(run_of(name, 1))) as log:
        parts = log.waits()
        ended = log.sql(SESSIONS).rows()
        assert len(ended) > len(names)
        assert set(ended) <= set(lives_by(parts))
    assert parts.filter(follows_without_gap().not_()).is_empty()


def test_a_log_cut_anywhere_still_sums_to_what_is_left_of_each_life() -> None:
    """Cut at its end the lives are open; cut at its beginning they begin where the log does. Nothing is lost or counted twice."""
    lines = decisions(run_of("gang_healthy", 1))
    chance = random.Random("why")
    cuts = [renamed(lines[:cut], f"head-{cut}") + renamed(lines[cut:], f"tail-{cut}") for cut in chance.sample(range(1, len(lines)), CUTS)]
    with Timeline.in_memory(itertools.chain.from_iterable(cuts)) as log:
        parts = log.waits()
        heads = [life for life in lives_by(parts) if str(life[0]).startswith("head-")]
        assert heads == [life for life in log.sql(LIVES).rows() if life[0].startswith("head-")]
    assert parts.filter(follows_without_gap().not_()).is_empty()


def test_neither_the_order_of_lines_nor_a_wrong_clock_changes_a_wait() -> None:
    """Shuffled, or with one scheduler's clock a day ahead, the log tells the same reasons and the same microseconds."""
    lines = decisions(run_of("gang_general", 1))
    shuffled = list(lines)
    random.Random("why").shuffle(shuffled)
    with Timeline.in_memory(lines) as told, Timeline.in_memory(shuffled) as retold:
        assert told.waits().equals(retold.waits())
    skewed = [line.replace(b'"time":"2026-01-01T', b'"time":"2026-01-02T') if b'"actor":"scheduler-1/' in line else line for line in lines]
    assert skewed != lines
    with Timeline.in_memory(lines) as told, Timeline.in_memory(skewed) as retold:
        assert told.waits().equals(retold.waits())
