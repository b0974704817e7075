-- Replica that is bound to two places at once.
--
-- A replica has one binding at most. To be placed anew it is unbound first. A second binding beside the first means that
-- somebody wrote without asking whether the replica was still unbound, or without leading any more.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-18
-- source: lesson 020, invariant 1 (a scheduler never binds one workload to two nodes)
-- needs: binding_interval
-- says: {subject} had {bindings} bindings beside each other, to {first_node} and to {second_node} first, for {dur_us}
-- column workload: the workload
-- column generation: its generation
-- column first_node: where it was bound
-- column second_node: where it was bound as well
-- column second: the second binding
-- column bindings: the first and those that were made beside another
-- column cost_slot_seconds: time in which a slot was taken for nothing
-- impact: two copies run under one identity and work against each other, and a slot is paid for twice
-- diagnosis: `timeline show replica/ID`: whose answer was lost, who led at the second binding, what had it read of the replica
-- mitigation: remove the binding that the replica's row does not name; write bindings only with the replica's phase and the term as a fence
WITH
  beside AS (
    SELECT
      s.run_id, s.replica, s.workload, s.generation, s.binding AS second, s.node AS second_node, s.ts_us, s.event_id,
      min_by(f.node, (f.ts_us, f.event_id)) AS first_node, min_by(f.event_id, (f.ts_us, f.event_id)) AS first_event_id,
      least(s.ts_us + s.dur_us, max(f.ts_us + f.dur_us)) AS until_us, s.is_open AND max(f.is_open) AS is_open
    FROM binding_interval AS s
    JOIN binding_interval AS f
      ON f.run_id = s.run_id AND f.replica = s.replica AND f.binding <> s.binding
      AND f.ts_us <= s.ts_us AND f.ts_us + f.dur_us > s.ts_us AND (f.ts_us < s.ts_us OR f.binding < s.binding)
    GROUP BY s.run_id, s.replica, s.workload, s.generation, s.binding, s.node, s.ts_us, s.dur_us, s.is_open, s.event_id
  ),
  whole AS (
    SELECT
      *,
      max(until_us) OVER (PARTITION BY run_id, replica) AS last_us,
      max(is_open) OVER (PARTITION BY run_id, replica) AS lasts,
      1 + count(*) OVER (PARTITION BY run_id, replica) AS bindings
    FROM beside
  )
SELECT
  run_id, 'replica' AS subject_kind, replica AS subject_id,
  ts_us, last_us - ts_us AS dur_us, lasts AS is_open, 'found' AS verdict,
  [first_event_id, event_id] AS evidence,
  workload, generation, first_node, second_node, second, bindings,
  (last_us - ts_us) / 1000000 AS cost_slot_seconds
FROM whole
QUALIFY row_number() OVER (PARTITION BY run_id, replica ORDER BY ts_us, second, event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
