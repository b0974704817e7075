-- Stretches in which no worker was idle: each was offline, or had a job that was reserved on it, ran, or was to stop.
--
-- A job of no gang is taken by the first idle worker that asks for work, so one that is pending meanwhile waits for room.
--
-- column run_id: the run
-- column ts_us: when the last idle worker was gone
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the write that began it
-- column end_event_id: the write that ended it
WITH
  hold AS (
    SELECT run_id, worker, ts_us, dur_us, is_open, event_id, end_event_id
    FROM job_state_interval
    WHERE worker IS NOT NULL AND state IN ('reserved', 'running', 'preempting')
  ),
  fact AS (
    SELECT e.run_id, subject_id AS worker, at_us, 2 AS place, event_id, CASE to_state WHEN 'active' THEN 1 ELSE 0 END AS active, 0 AS edge
    FROM gang_event AS e
    JOIN event_time ON event_time.event_no = e.event_no
    WHERE subject_kind = 'worker' AND to_state IS NOT NULL
    UNION ALL
    SELECT run_id, worker, ts_us AS at_us, 1 AS place, event_id, NULL AS active, 1 AS edge FROM hold
    UNION ALL
    SELECT run_id, worker, ts_us + dur_us AS at_us, 0 AS place, end_event_id AS event_id, NULL AS active, -1 AS edge
    FROM hold
    WHERE NOT is_open
  ),
  carried AS (
    SELECT
      *,
      CASE WHEN last_value(active IGNORE NULLS) OVER so_far = 1 AND sum(edge) OVER so_far <= 0 THEN 1 ELSE 0 END AS idle
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, worker ORDER BY at_us, place, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  step AS (
    SELECT
      run_id, worker, at_us, place, event_id,
      idle - coalesce(lag(idle) OVER (PARTITION BY run_id, worker ORDER BY at_us, place, event_id), 0) AS delta
    FROM carried
  ),
  counted AS (
    SELECT run_id, at_us, event_id, sum(delta) OVER so_far > 0 AS is_room, lead(at_us) OVER so_far IS DISTINCT FROM at_us AS is_last
    FROM step
    WHERE delta <> 0
    WINDOW so_far AS (PARTITION BY run_id ORDER BY at_us, place, worker, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  turn AS (
    SELECT *
    FROM counted
    WHERE is_last
    QUALIFY lag(is_room) OVER (PARTITION BY run_id ORDER BY at_us, event_id) IS DISTINCT FROM is_room
  ),
  stretch AS (
    SELECT
      *,
      lead(at_us) OVER (PARTITION BY run_id ORDER BY at_us, event_id) AS until_us,
      lead(event_id) OVER (PARTITION BY run_id ORDER BY at_us, event_id) AS end_event_id
    FROM turn
  )
SELECT
  stretch.run_id, at_us AS ts_us, coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open, event_id, end_event_id
FROM stretch
JOIN log_bounds ON log_bounds.run_id = stretch.run_id
WHERE NOT is_room
