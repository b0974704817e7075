-- Container that the schedule knows nothing of.
--
-- A runtime may hold only what the schedule gave its node. A container whose instance has ended, was lost with its node, or
-- has another container already, is to be gone within a lease, its grace and three passes of the node's scheduler.
--
-- severity: critical
-- alert_for: 1m
-- catalogue: X-17
-- source: Ozymandias, commit b177f4f (a launch that fails leaves its pod, says its message); kubernetes-sigs/karpenter issue 2072
-- needs: container_interval, placement_config
-- says: {subject} has been on {node} for {dur_us} after {why}
-- param grace_us: 5000000 time past every deadline before it counts
-- column node: the node
-- column why: what should have ended it
-- impact: memory and disk are taken that the schedule takes for free, and old code goes on answering
-- diagnosis: `timeline show container/ID`: did a launch fail, did a scheduler die between the row's end and container.removed
-- mitigation: stop the container by hand; compare the runtime's list with the schedule on the other nodes
WITH
  ending AS (
    SELECT run_id, instance, 'its instance had ended' AS why, ts_us AS due_us, event_id FROM instance_state_interval WHERE state = 'gone'
    UNION ALL
    SELECT run_id, instance, 'its instance was lost with the node' AS why, ts_us AS due_us, event_id
    FROM instance_state_interval WHERE state = 'lost'
  ),
  followed AS (
    SELECT
      *,
      lead(ts_us) OVER tries AS next_us,
      lead(event_id) OVER tries AS next_event_id
    FROM container_interval
    WINDOW tries AS (PARTITION BY run_id, instance, node ORDER BY ts_us, container, event_id)
  ),
  stray AS (
    SELECT c.run_id, c.container, c.node, c.ts_us, c.dur_us, c.is_open, c.event_id, c.end_event_id,
      e.why, e.due_us, e.event_id AS why_event_id
    FROM followed AS c
    JOIN ending AS e ON e.run_id = c.run_id AND e.instance = c.instance
    UNION ALL
    SELECT
      run_id, container, node, ts_us, dur_us, is_open, event_id, end_event_id,
      CASE WHEN launched_us IS NULL THEN 'its launch had failed' ELSE 'another was started in its place' END AS why,
      next_us AS due_us, next_event_id AS why_event_id
    FROM followed
    WHERE next_us IS NOT NULL
  ),
  late AS (
    SELECT
      s.*, s.ts_us + s.dur_us AS ended_us,
      greatest(s.due_us, s.ts_us) AS since_us,
      greatest(s.due_us, s.ts_us) + c.lease_ttl_us + c.replace_grace_us + 3 * c.tick_us + c.stop_us + $grace_us AS overdue_us, b.end_us
    FROM stray AS s
    JOIN placement_config AS c ON c.run_id = s.run_id
    JOIN log_bounds AS b ON b.run_id = s.run_id
  )
SELECT
  run_id, 'container' AS subject_kind, container AS subject_id,
  since_us AS ts_us, ended_us - since_us AS dur_us, is_open,
  CASE WHEN ended_us > overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, why_event_id, end_event_id] AS evidence,
  node, why
FROM late
WHERE ended_us > overdue_us OR (is_open AND ended_us > since_us AND end_us <= overdue_us)
QUALIFY row_number() OVER (PARTITION BY run_id, container ORDER BY since_us, why, why_event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
