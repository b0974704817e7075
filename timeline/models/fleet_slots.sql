-- How many workers of the fleet there are, and how many of them have a job, as a step function of time.
--
-- A worker counts while it is active; one that is offline is no room for anybody. A job that is reserved on it, runs, or is to
-- stop takes it: a worker runs one job at a time.
--
-- column run_id: the run
-- column ts_us: when this count began
-- column dur_us: how long it held; until the log ends for the last one
-- column used: active workers that have a job
-- column room: active workers
-- column event_id: the event that made it so
WITH
  fact AS (
    SELECT e.run_id, subject_id AS worker, at_us, 2 AS place, event_id, CASE to_state WHEN 'active' THEN 1 ELSE 0 END AS active, 0 AS edge
    FROM gang_event AS e
    JOIN event_time ON event_time.event_no = e.event_no
    WHERE subject_kind = 'worker' AND to_state IS NOT NULL
    UNION ALL
    SELECT run_id, worker, ts_us AS at_us, 1 AS place, event_id, NULL AS active, 1 AS edge
    FROM job_state_interval
    WHERE worker IS NOT NULL AND state IN ('reserved', 'running', 'preempting')
    UNION ALL
    SELECT run_id, worker, ts_us + dur_us AS at_us, 0 AS place, end_event_id AS event_id, NULL AS active, -1 AS edge
    FROM job_state_interval
    WHERE worker IS NOT NULL AND state IN ('reserved', 'running', 'preempting') AND NOT is_open
  ),
  carried AS (
    SELECT
      run_id, worker, at_us, place, event_id,
      coalesce(last_value(active IGNORE NULLS) OVER so_far, 0) AS active,
      CASE WHEN last_value(active IGNORE NULLS) OVER so_far = 1 AND sum(edge) OVER so_far > 0 THEN 1 ELSE 0 END AS busy
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, worker ORDER BY at_us, place, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  step AS (
    SELECT
      run_id, at_us, place, worker, event_id,
      active - coalesce(lag(active) OVER own, 0) AS joined,
      busy - coalesce(lag(busy) OVER own, 0) AS taken
    FROM carried
    WINDOW own AS (PARTITION BY run_id, worker ORDER BY at_us, place, event_id)
  ),
  moment AS (
    SELECT run_id, at_us, sum(joined) AS joined, sum(taken) AS taken, max_by(event_id, (place, worker, event_id)) AS event_id
    FROM step
    WHERE joined <> 0 OR taken <> 0
    GROUP BY run_id, at_us
  )
SELECT
  moment.run_id, at_us AS ts_us,
  coalesce(lead(at_us) OVER so_far, end_us) - at_us AS dur_us,
  CAST(sum(taken) OVER so_far AS BIGINT) AS used,
  CAST(sum(joined) OVER so_far AS BIGINT) AS room,
  event_id
FROM moment
JOIN log_bounds ON log_bounds.run_id = moment.run_id
WINDOW so_far AS (PARTITION BY moment.run_id ORDER BY at_us, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
