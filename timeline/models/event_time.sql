-- When each event happened, on one clock for the whole run, and its place in the run's order.
--
-- A commit has the store's time. Any other event has its actor's time less the actor's offset, kept between the commits
-- that stand before and after it in its own stream. A clock that is wrong by a day changes nothing. Events whose id is
-- here twice with different content are left out: neither wins.
--
-- column event_no: number of the event in this database
-- column run_id: the run
-- column at_us: when it happened, microseconds UTC on the store's clock
-- column position: place in the run, from 1; a total order
WITH
  placed AS (
    SELECT
      event_no, run_id, event_id, actor, incarnation, seq, clock,
      coalesce(commit_us, ts_us - offset_us) AS near_us,
      CASE WHEN seq IS NOT NULL THEN commit_us END AS anchor_us
    FROM event
    JOIN actor_clock USING (run_id, actor)
    WHERE NOT is_conflict
  ),
  neighbours AS (
    SELECT
      *,
      last_value(anchor_us IGNORE NULLS) OVER (stream ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before_us,
      first_value(anchor_us IGNORE NULLS) OVER (stream ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS after_us
    FROM placed
    WINDOW stream AS (PARTITION BY run_id, actor, incarnation ORDER BY seq, event_id)
  ),
  settled AS (
    SELECT *, CASE WHEN seq IS NULL THEN near_us ELSE greatest(before_us, least(near_us, after_us)) END AS at_us
    FROM neighbours
  )
SELECT
  event_no,
  run_id,
  at_us,
  row_number() OVER (PARTITION BY run_id ORDER BY at_us, clock, actor, incarnation, seq, event_id) AS position
FROM settled
