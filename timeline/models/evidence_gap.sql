-- Events that are missing: holes in the numbering of an actor incarnation's own stream.
--
-- A verdict that leans on an actor's silence is worth nothing where the actor's events are lost. A stream that does not begin
-- at 0 or 1 has lost its beginning.
--
-- column run_id: the run
-- column actor: the actor whose stream it is
-- column incarnation: its incarnation
-- column first_missing: number of the first missing event
-- column last_missing: number of the last missing event
-- column before_us: time of the last event before the hole; null where the beginning is missing
-- column after_us: time of the first event after it
-- column event_id: that first event after it
WITH
  -- Streams with a hole, found without sorting: most have none.
  broken AS (
    SELECT run_id, actor, incarnation
    FROM event
    WHERE seq IS NOT NULL AND NOT is_conflict
    GROUP BY run_id, actor, incarnation
    HAVING max(seq) - min(seq) + 1 <> count(DISTINCT seq) OR min(seq) > 1
  ),
  numbered AS (
    SELECT
      event.run_id, event.actor, event.incarnation, seq, at_us, event_id,
      lag(seq) OVER stream AS seq_before,
      lag(at_us) OVER stream AS before_us
    FROM event
    JOIN broken
      ON broken.run_id = event.run_id AND broken.actor = event.actor AND broken.incarnation IS NOT DISTINCT FROM event.incarnation
    JOIN event_time USING (event_no)
    WHERE seq IS NOT NULL
    WINDOW stream AS (PARTITION BY event.run_id, event.actor, event.incarnation ORDER BY seq, event_id)
  )
SELECT
  run_id, actor, incarnation,
  coalesce(seq_before + 1, 1) AS first_missing,
  seq - 1 AS last_missing,
  before_us,
  at_us AS after_us,
  event_id
FROM numbered
WHERE seq - coalesce(seq_before, 0) > 1
