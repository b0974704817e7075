-- Sweep that moved its gauge of the last good run although it could not list.
--
-- The alert on a reaper that went dark looks at the time of its last good run. A pass that failed and moves that time
-- all the same keeps the alert silent while nothing is reaped.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-38
-- source: duckgres pull 820 follow-up (the gauge is stamped on a failed list)
-- needs: sweep_step
-- says: {subject} moved the gauge of {sweep}/{step} to now in {passes} passes that could not list anything
-- column sweep: the loop
-- column step: the step of the loop
-- column passes: how many passes did so
-- impact: nobody is woken while the reaper is dark
-- diagnosis: look for sweep.list_failed and the store's errors at that time
-- mitigation: do not trust that gauge; alert on the detectors of idle workers until the program stamps only after a good list
WITH
  masked AS (
    SELECT
      run_id, control_plane, sweep, step, at_us, event_id,
      max(at_us) OVER (PARTITION BY run_id, control_plane, sweep, step) AS last_us,
      count(*) OVER (PARTITION BY run_id, control_plane, sweep, step) AS passes
    FROM sweep_step
    WHERE NOT list_ok AND stamped
  )
SELECT
  run_id, 'control_plane' AS subject_kind, control_plane AS subject_id,
  at_us AS ts_us, last_us - at_us AS dur_us, false AS is_open, 'found' AS verdict, [event_id] AS evidence,
  sweep, step, passes
FROM masked
QUALIFY row_number() OVER (PARTITION BY run_id, control_plane, sweep, step ORDER BY at_us, event_id) = 1
ORDER BY run_id, ts_us, subject_id, sweep, step, evidence
