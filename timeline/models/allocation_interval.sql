-- Which node the schedule gave an instance to, from when to when.
--
-- An allocation ends when a schedule is committed without the instance: it was dropped by a scale-down, or lost with its node.
--
-- column run_id: the run
-- column instance: the instance
-- column slot: the slot that it fills
-- column job: the job of that slot
-- column node: the node
-- column ts_us: when it was allocated, or first seen
-- column dur_us: how long it was; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column ended_by: dropped, lost, or open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  move AS (
    SELECT *, state IN ('allocated', 'starting', 'unhealthy', 'healthy', 'stopped') AS is_wanted
    FROM instance_state_interval
  ),
  wanted AS (
    SELECT run_id, instance, slot, job, node, min(ts_us) AS ts_us, min_by(event_id, (ts_us, event_id)) AS event_id
    FROM move
    WHERE is_wanted
    GROUP BY run_id, instance, slot, job, node
  ),
  ended AS (
    SELECT
      run_id, instance, min(ts_us) AS ended_us, min_by(event_id, (ts_us, event_id)) AS end_event_id,
      min_by(state, (ts_us, event_id)) AS state
    FROM move
    WHERE NOT is_wanted
    GROUP BY run_id, instance
  )
SELECT
  w.run_id, w.instance, slot, job, node, ts_us,
  coalesce(ended_us, end_us) - ts_us AS dur_us,
  ended_us IS NULL AS is_open,
  CASE WHEN ended_us IS NULL THEN 'open' WHEN e.state = 'lost' THEN 'lost' ELSE 'dropped' END AS ended_by,
  event_id, end_event_id
FROM wanted AS w
JOIN log_bounds ON log_bounds.run_id = w.run_id
LEFT JOIN ended AS e ON e.run_id = w.run_id AND e.instance = w.instance
