-- How far each actor's clock is from the store's.
--
-- The offset is the median of wall clock less commit time over the actor's own commits. An actor that commits nothing is
-- placed by causes: it cannot have acted before what led to it, nor after what it led to. One that has neither keeps
-- its own clock.
--
-- column run_id: the run
-- column actor: the actor
-- column offset_us: what to take from the actor's wall clock to be on the store's clock
-- column basis: where the offset comes from: commits, causes, none
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
    FROM event
    JOIN own USING (run_id, actor)
    WHERE offset_us IS NULL AND NOT is_conflict
  ),
  placed_event AS (
    SELECT run_id, event_no, event_id, coalesce(commit_us, ts_us - offset_us) AS at_us
    FROM event
    JOIN own USING (run_id, actor)
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
  bounds AS (
    SELECT run_id, actor, min(upper_us) AS upper_us, max(lower_us) AS lower_us
    FROM bound
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
  events
FROM own
LEFT JOIN bounds ON bounds.run_id = own.run_id AND bounds.actor = own.actor
