-- Every pass of every control loop, and when the loop's next pass began.
--
-- A loop that stays away longer than it promised is silent; one that comes and finds nothing is not.
--
-- column run_id: the run
-- column control_plane: the control plane whose loop it is
-- column actor: the actor that swept
-- column sweep: name of the loop: janitor, fallback, pool
-- column scope: fleet, or instance
-- column interval_us: interval at which the loop promises to run
-- column at_us: when the pass began
-- column next_us: when the next pass of the same loop began; null where none is in the log
-- column event_id: the event
SELECT
  sweep_started.run_id, subject_id AS control_plane, actor, sweep, scope, interval_us, at_us,
  lead(at_us) OVER (PARTITION BY sweep_started.run_id, subject_id, sweep ORDER BY position) AS next_us,
  event_id
FROM sweep_started
JOIN event_time USING (event_no)
