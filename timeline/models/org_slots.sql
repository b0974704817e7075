-- How many workers of each tenant count against its cap, as a step function of time.
--
-- A row counts from its slot to its end, except while it is parked: hot_idle, retired and lost do not count. The cap is the
-- one that was last said when a slot was taken or refused.
--
-- column run_id: the run
-- column org: the tenant
-- column ts_us: when this count began
-- column dur_us: how long it held; until the log ends for the last one
-- column active: workers that count against the cap
-- column cap: the tenant's cap, null where nobody has said it yet
-- column event_id: the event that made it so
WITH
  write AS (
    SELECT
      run_id, org, at_us, position, event_id,
      lag(org) OVER life AS org_before,
      to_state NOT IN ('hot_idle', 'retired', 'lost') AS is_active,
      coalesce(lag(to_state) OVER life NOT IN ('hot_idle', 'retired', 'lost'), FALSE) AS was_active
    FROM worker_write
    WINDOW life AS (PARTITION BY run_id, worker ORDER BY at_us, revision, position)
  ),
  step AS (
    SELECT run_id, org, at_us, position, event_id, 1 AS delta, CAST(NULL AS BIGINT) AS cap
    FROM write
    WHERE is_active AND (NOT was_active OR org IS DISTINCT FROM org_before)
    UNION ALL
    SELECT run_id, org_before AS org, at_us, position, event_id, -1 AS delta, CAST(NULL AS BIGINT) AS cap
    FROM write
    WHERE was_active AND (NOT is_active OR org IS DISTINCT FROM org_before)
    UNION ALL
    SELECT warm_pool_event.run_id, org, at_us, position, event_id, 0 AS delta, cap
    FROM warm_pool_event
    JOIN event_time USING (event_no)
    WHERE kind IN ('worker.slot_created', 'acquire.capacity_refused')
  ),
  moment AS (
    SELECT run_id, org, at_us, position, event_id, sum(delta) AS delta, max(cap) AS cap
    FROM step
    WHERE org IS NOT NULL
    GROUP BY run_id, org, at_us, position, event_id
  ),
  counted AS (
    SELECT
      run_id, org, at_us, position, event_id,
      CAST(sum(delta) OVER so_far AS BIGINT) AS active,
      last_value(cap IGNORE NULLS) OVER so_far AS cap
    FROM moment
    WINDOW so_far AS (PARTITION BY run_id, org ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
SELECT
  counted.run_id, org, at_us AS ts_us,
  coalesce(lead(at_us) OVER (PARTITION BY counted.run_id, org ORDER BY position), end_us) - at_us AS dur_us,
  active, cap, event_id
FROM counted
JOIN log_bounds ON log_bounds.run_id = counted.run_id
