-- How much memory the schedule gave away on each node, and how much the node has, as a step function of time.
--
-- A node has room while it holds its lease. One that lost it has none, whatever the schedule still gives it.
--
-- column run_id: the run
-- column node: the node
-- column ts_us: since when
-- column dur_us: how long; until the log ends for the last one
-- column used_mb: memory of the instances that the schedule gave to the node
-- column room_mb: memory that the node has for instances
-- column least_mb: memory that the smallest instance of the run needs; below it nothing fits
-- column event_id: the event that made it so
WITH
  need AS (
    SELECT run_id, subject_id AS instance, max(memory_mb) AS memory_mb FROM instance_allocated GROUP BY run_id, subject_id
  ),
  lease AS (
    SELECT l.run_id, l.node, l.ts_us, l.dur_us, l.is_open, l.event_id, l.end_event_id, memory_mb
    FROM node_lease_interval AS l
    JOIN (SELECT run_id, subject_id AS node, max(memory_mb) AS memory_mb FROM node_lease_granted GROUP BY run_id, subject_id) AS n
      ON n.run_id = l.run_id AND n.node = l.node
  ),
  held AS (
    SELECT a.run_id, a.node, a.ts_us, a.dur_us, a.is_open, a.event_id, a.end_event_id, memory_mb
    FROM allocation_interval AS a
    JOIN need ON need.run_id = a.run_id AND need.instance = a.instance
  ),
  step AS (
    SELECT run_id, node, ts_us AS at_us, event_id, 0 AS used, memory_mb AS room FROM lease
    UNION ALL
    SELECT run_id, node, ts_us + dur_us AS at_us, end_event_id AS event_id, 0 AS used, -memory_mb AS room FROM lease WHERE NOT is_open
    UNION ALL
    SELECT run_id, node, ts_us AS at_us, event_id, memory_mb AS used, 0 AS room FROM held
    UNION ALL
    SELECT run_id, node, ts_us + dur_us AS at_us, end_event_id AS event_id, -memory_mb AS used, 0 AS room FROM held WHERE NOT is_open
  ),
  moment AS (
    SELECT run_id, node, at_us, sum(used) AS used, sum(room) AS room, max(event_id) AS event_id
    FROM step
    GROUP BY run_id, node, at_us
  ),
  least AS (SELECT run_id, min(memory_mb) AS least_mb FROM need GROUP BY run_id)
SELECT
  moment.run_id, node, at_us AS ts_us,
  coalesce(lead(at_us) OVER so_far, end_us) - at_us AS dur_us,
  CAST(sum(used) OVER so_far AS BIGINT) AS used_mb,
  CAST(sum(room) OVER so_far AS BIGINT) AS room_mb,
  least_mb,
  event_id
FROM moment
JOIN log_bounds ON log_bounds.run_id = moment.run_id
LEFT JOIN least ON least.run_id = moment.run_id
WINDOW so_far AS (PARTITION BY moment.run_id, node ORDER BY at_us, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
