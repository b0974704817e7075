-- Two timings in the wrong order, so that one loop takes the other's work for dead.
--
-- A cutoff that judges work has to be longer than the work may take; a renewal has to come before what it renews runs
-- out. This can be seen in the declared configuration, before anything goes wrong.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-10
-- source: duckgres pulls 772 and 671 (a stuck-spawn cutoff of 2 min under a spawn budget of 8 min)
-- needs: config_declared
-- says: {subject} runs with {first} = {first_us}, which must be {relation} {second} = {second_us}
-- column first: the timing that is wrong
-- column relation: how it must stand to the other
-- column second: the timing that it is held against
-- column first_us: its value
-- column second_us: the other's value
-- impact: healthy work is ended and begun again, or a healthy leader loses its lease
-- diagnosis: compare the configuration with the defaults in the documentation; see who changed it
-- mitigation: set the timings in the order that the finding names, and roll out
WITH
  declared AS (
    SELECT c.*, t.at_us, coalesce(life.stopped_us, b.end_us) AS end_us, life.stopped_us IS NULL AS is_open
    FROM config_declared AS c
    JOIN event_time AS t USING (event_no)
    JOIN log_bounds AS b ON b.run_id = c.run_id
    LEFT JOIN control_plane_life AS life ON life.run_id = c.run_id AND life.control_plane = c.subject_id
  ),
  pair AS (
    SELECT
      run_id, subject_id, at_us, end_us, is_open, event_id,
      'spawn_stuck_us' AS first, 'at least' AS relation, 'spawn_budget_us' AS second,
      spawn_stuck_us AS first_us, spawn_budget_us AS second_us, spawn_stuck_us < spawn_budget_us AS is_wrong
    FROM declared
    UNION ALL
    SELECT run_id, subject_id, at_us, end_us, is_open, event_id, 'activation_stuck_us', 'at least twice', 'activation_heartbeat_us',
      activation_stuck_us, activation_heartbeat_us, activation_stuck_us < 2 * activation_heartbeat_us
    FROM declared
    UNION ALL
    SELECT run_id, subject_id, at_us, end_us, is_open, event_id, 'lease_renew_deadline_us', 'less than', 'lease_duration_us',
      lease_renew_deadline_us, lease_duration_us, lease_renew_deadline_us >= lease_duration_us
    FROM declared
    UNION ALL
    SELECT run_id, subject_id, at_us, end_us, is_open, event_id, 'lease_retry_us', 'less than', 'lease_renew_deadline_us',
      lease_retry_us, lease_renew_deadline_us, lease_retry_us >= lease_renew_deadline_us
    FROM declared
    UNION ALL
    SELECT run_id, subject_id, at_us, end_us, is_open, event_id,
      'control_plane_expiry_us + orphan_grace_us', 'at least twice', 'heartbeat_us',
      control_plane_expiry_us + orphan_grace_us, heartbeat_us, control_plane_expiry_us + orphan_grace_us < 2 * heartbeat_us
    FROM declared
  )
SELECT
  run_id, 'control_plane' AS subject_kind, subject_id,
  at_us AS ts_us, end_us - at_us AS dur_us, is_open, 'found' AS verdict, [event_id] AS evidence,
  first, relation, second, first_us, second_us
FROM pair
WHERE is_wrong
ORDER BY run_id, ts_us, subject_id, first, event_id
