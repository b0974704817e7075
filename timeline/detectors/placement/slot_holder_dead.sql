-- Slot that a node without a lease still holds.
--
-- When a node's lease has run out and its grace is over, its slots are placed anew, or said to have no place. A slot that
-- stays with the dead node serves nobody, and nobody will look at it again.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-32
-- source: design note of Ozymandias (the first to compute a schedule will win); dead holders of locks in Airflow and Argo Workflows
-- needs: allocation_interval, node_lease_interval, placement_config, schedule_passed
-- says: {slot} has been held by {node} for {dur_us} after its lease ran out ({losses} lost races)
-- param grace_us: 5000000 time past the grace and three passes before it counts
-- column slot: the slot
-- column node: the node that is gone
-- column losses: commits for that node's end that were refused
-- impact: the job has an instance less, and the schedule shows it as placed
-- diagnosis: `timeline show instance/ID`; who attempted a schedule for the node's end, and what did a loser do next
-- mitigation: start the node's scheduler again, or scale the job down and up
WITH
  held AS (
    SELECT
      a.run_id, a.instance, a.slot, a.node, l.ts_us + l.dur_us AS since_us, l.end_event_id AS expired_event_id, a.event_id, l.term,
      least(a.ts_us + a.dur_us, coalesce(l.next_us, a.ts_us + a.dur_us)) AS ended_us, a.is_open AND l.next_us IS NULL AS is_open,
      l.ts_us + l.dur_us + c.replace_grace_us + 3 * c.tick_us + $grace_us AS due_us
    FROM allocation_interval AS a
    JOIN node_lease_interval AS l ON l.run_id = a.run_id AND l.node = a.node AND l.ended_by = 'expired'
      AND l.ts_us + l.dur_us BETWEEN a.ts_us AND a.ts_us + a.dur_us
    JOIN placement_config AS c ON c.run_id = a.run_id
  ),
  watched AS (
    SELECT h.run_id, h.instance, h.term, min(t.at_us) AS proven_us, min_by(p.event_id, t.position) AS proof_event_id
    FROM held AS h
    JOIN schedule_passed AS p ON p.run_id = h.run_id AND p.subject_id <> h.node
    JOIN event_time AS t ON t.event_no = p.event_no AND t.at_us > h.due_us AND t.at_us < h.ended_us
    GROUP BY h.run_id, h.instance, h.term
  ),
  lost AS (
    SELECT run_id, trigger_id, count(*) AS losses FROM schedule_conflicted GROUP BY run_id, trigger_id
  )
SELECT
  h.run_id, 'instance' AS subject_kind, h.instance AS subject_id,
  h.since_us AS ts_us, h.ended_us - h.since_us AS dur_us, h.is_open,
  CASE WHEN w.proven_us IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [h.expired_event_id, h.event_id, w.proof_event_id] AS evidence,
  h.slot, h.node, CAST(coalesce(sum(l.losses), 0) AS BIGINT) AS losses
FROM held AS h
LEFT JOIN watched AS w ON w.run_id = h.run_id AND w.instance = h.instance AND w.term = h.term
LEFT JOIN lost AS l ON l.run_id = h.run_id AND concat('+', l.trigger_id, '+') LIKE concat('%+', h.node, '@', CAST(h.term AS VARCHAR), '+%')
WHERE w.proven_us IS NOT NULL OR (h.is_open AND h.ended_us > h.since_us)
GROUP BY
  h.run_id, h.instance, h.slot, h.node, h.since_us, h.ended_us, h.is_open, h.expired_event_id, h.event_id, w.proven_us, w.proof_event_id
ORDER BY h.run_id, ts_us, subject_id, evidence
