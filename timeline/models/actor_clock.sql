-- How far each actor's clock is from the store's.
--
-- The offset is the median of wall clock less commit time over the actor's own commits. An actor that commits nothing is
-- placed by causes: it cannot have acted before what led to it, nor after what it led to. Within one process the Lamport
-- clock says as much, for it counts every event there. One that has neither keeps its own clock.
--
-- column run_id: the run
-- column actor: the actor
-- column offset_us: what to take from the actor's wall clock to be on the store's clock
-- column basis: where the offset comes from: commits, causes, none
-- column slack_us: how far the offset may be from the truth; null where only one side is bounded, or none
-- column events: events of the actor in the run
WITH
  own AS (
    SELECT run_id, actor, count(*) AS events, CAST(floor(median(ts_us - commit_us)) AS BIGINT) AS offset_us
    FROM event
    WHERE NOT is_conflict
    GROUP BY run_id, actor
  ),
  silent_event AS (
    SELECT run_id, actor, event_no, event_id, ts_us
    FROM event JOIN own USING (run_id, actor)
    WHERE offset_us IS NULL AND NOT is_conflict
  ),
  placed_event AS (
    SELECT run_id, event_no, event_id, coalesce(commit_us, ts_us - offset_us) AS at_us
    FROM event JOIN own USING (run_id, actor)
    WHERE offset_us IS NOT NULL AND NOT is_conflict
  ),
  bound AS (
    SELECT effect.run_id, effect.actor, effect.ts_us - cause.at_us AS upper_us, CAST(NULL AS BIGINT) AS lower_us
    FROM silent_event AS effect
    JOIN event_cause AS link ON link.event_no = effect.event_no
    JOIN placed_event AS cause ON cause.run_id = link.run_id AND cause.event_id = link.cause_id
    UNION ALL
    SELECT cause.run_id, cause.actor, CAST(NULL AS BIGINT) AS upper_us, cause.ts_us - effect.at_us AS lower_us
    FROM silent_event AS cause
    JOIN event_cause AS link ON link.run_id = cause.run_id AND link.cause_id = cause.event_id
    JOIN placed_event AS effect ON effect.event_no = link.event_no
  ),
  -- Commits of a process, and its events that have to be placed between them.
  process_event AS (
    SELECT run_id, incarnation, clock, event_id, actor, ts_us, commit_us, offset_us
    FROM event JOIN own USING (run_id, actor)
    WHERE (offset_us IS NULL OR commit_us IS NOT NULL) AND NOT is_conflict AND clock IS NOT NULL AND incarnation IS NOT NULL
  ),
  between_commits AS (
    SELECT
      run_id, actor, offset_us,
      ts_us - max(commit_us) OVER (process ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS upper_us,
      ts_us - min(commit_us) OVER (process ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS lower_us
    FROM process_event
    WINDOW process AS (PARTITION BY run_id, incarnation ORDER BY clock, event_id)
  ),
  bounds AS (
    SELECT run_id, actor, min(upper_us) AS upper_us, max(lower_us) AS lower_us
    FROM (
      SELECT * FROM bound
      UNION ALL
      SELECT run_id, actor, upper_us, lower_us FROM between_commits WHERE offset_us IS NULL
    ) AS every_bound
    GROUP BY run_id, actor
  )
SELECT
  own.run_id,
  own.actor,
  CASE
    WHEN own.offset_us IS NOT NULL THEN own.offset_us
    WHEN upper_us IS NOT NULL AND lower_us IS NOT NULL THEN CAST(floor((upper_us + lower_us) / 2) AS BIGINT)
    ELSE coalesce(upper_us, lower_us, 0)
  END AS offset_us,
  CASE
    WHEN own.offset_us IS NOT NULL THEN 'commits'
    WHEN upper_us IS NOT NULL OR lower_us IS NOT NULL THEN 'causes'
    ELSE 'none'
  END AS basis,
  CASE WHEN own.offset_us IS NOT NULL THEN 0 ELSE CAST(ceil(abs(upper_us - lower_us) / 2) AS BIGINT) END AS slack_us,
  events
FROM own
LEFT JOIN bounds ON bounds.run_id = own.run_id AND bounds.actor = own.actor
