-- Why a slot waits: where the time of one of a job's places goes, from the submission that asks for it to its removal.
--
-- A step holds from its event on until the next one; a step without a reason ends the life, as does a container that its restart
-- policy leaves stopped. Reasons: `scheduling` until a schedule is committed with it, `lost_race` after another was first, `no_memory`,
-- `no_node` where the log does not say what lacked, `queue` once a node says that it has room, `dispatch` until its node begins,
-- `starting`, `back_off` after a launch that failed, `health_check` until enough checks have passed, `running`, `unhealthy`, and
-- `lost_node` while its node has no lease.
--
-- column run_id: the run
-- column workload_kind: slot
-- column workload_id: the slot
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
-- column detail: what lacked, which race was lost, where it is, why a launch or a check failed
WITH
  lease AS (
    SELECT
      run_id, node, ts_us + dur_us AS since_us, next_us, ended_by, end_event_id AS event_id,
      lead(event_id) OVER (PARTITION BY run_id, node ORDER BY term, event_id) AS again_event_id
    FROM node_lease_interval
  ),
  -- Instances whose node has no lease, until it has one again or they are given up.
  gap AS (
    SELECT
      l.run_id, slot, l.node, greatest(since_us, ts_us) AS since_us,
      least(next_us, CASE WHEN NOT is_open THEN ts_us + dur_us END) AS until_us,
      l.event_id, coalesce(CASE WHEN next_us < ts_us + dur_us THEN again_event_id END, a.end_event_id) AS end_event_id
    FROM lease AS l
    JOIN allocation_interval AS a ON a.run_id = l.run_id AND a.node = l.node
    WHERE l.ended_by = 'expired' AND ts_us + dur_us > since_us AND coalesce(ts_us < next_us, true)
  ),
  fact AS (
    SELECT run_id, slot, at_us, position, event_id, phase, detail, NULL AS node, 0 AS edge FROM slot_word
    UNION ALL
    SELECT run_id, slot, since_us AS at_us, 0 AS position, event_id, NULL, NULL, node, 1 FROM gap
    UNION ALL
    SELECT run_id, slot, until_us AS at_us, -1 AS position, end_event_id, NULL, NULL, node, -1 FROM gap WHERE until_us IS NOT NULL
  ),
  carried AS (
    SELECT
      run_id, slot, at_us, position, event_id,
      last_value(phase IGNORE NULLS) OVER so_far AS phase,
      last_value(CASE WHEN phase IS NOT NULL THEN coalesce(detail, '') END IGNORE NULLS) OVER so_far AS detail,
      last_value(node IGNORE NULLS) OVER so_far AS node,
      sum(edge) OVER so_far > 0 AS is_lost
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, slot ORDER BY at_us, position, event_id ROWS UNBOUNDED PRECEDING)
  ),
  named AS (
    SELECT *, CASE WHEN is_lost AND phase NOT IN ('end', 'no_memory', 'no_node', 'queue') THEN 'lost_node' ELSE phase END AS reason
    FROM carried
    WHERE phase IS NOT NULL
  )
SELECT
  run_id, 'slot' AS workload_kind, slot AS workload_id, nullif(reason, 'end') AS reason, at_us, position, event_id,
  CASE WHEN is_lost AND reason = 'lost_node' THEN node || ' has no lease' ELSE nullif(detail, '') END AS detail
FROM named
